/* stats: how many events there were, by the hour or day of the site's zone (that of the process), by kind or by device. The tallies answer
 * whole hours of filters they know (kind, device, severity); the rest is counted one by one: the hours a span cuts through, and those that
 * belong to two days (zones of half hours). A count of words or zones is one by one from end to end: ERR_TIMEOUT when that takes too long. */
#pragma once
#include "store/query.h"

enum stats_by { STATS_HOUR, STATS_DAY, STATS_KIND, STATS_DEVICE };
enum { STATS_ROWS_MAX = 20000 }; /* two years by the hour; more is ERR_INPUT */

struct stats_row {
    int64_t     start_ms; /* of the hour; of a day: its date's midnight as if it were UTC's; else 0      */
    const char *name;     /* kind, or the device's id; else ""                                          */
    int64_t     count;    /* never 0: what has none is left out                                          */
};

/* In order of time, or of name. since and until of the filter are the span; 0: open. */
int stats_count(struct store_reader *r, const struct event_filter *f, enum stats_by by, void (*on_row)(void *user, const struct stats_row *row),
                void *user, struct err *e) MUST_CHECK;

/* The same, put together from several places: rows of the above, and events one by one. */
struct stats;
int  stats_new(enum stats_by by, struct stats **out, struct err *e) MUST_CHECK;
void stats_free(struct stats **t);
int  stats_add_row(struct stats *t, const struct stats_row *row, struct err *e) MUST_CHECK;
int  stats_add_event(struct stats *t, int64_t received_ms, const char *kind, const char *device, struct err *e) MUST_CHECK;
void stats_each(const struct stats *t, void (*on_row)(void *user, const struct stats_row *row), void *user);
