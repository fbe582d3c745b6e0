/* walk: how a page of a long list is read. A filter that finds little would walk through years: so a list is walked in windows of seq,
 * each a statement and a read transaction of its own. A window grows while it is quick. When the time is up the page ends where the walk
 * stands, be it empty, and the next one goes on there. */
#pragma once
#include "core/buf.h"
#include "store/db.h"
#include "store/query.h"

struct list {
    const char *sql;  /* takes :upper (not included), :lower and :limit; its first column is the row's seq     */
    bool is_unbounded; /* an index leads to the few rows there are: one window                                  */
    int64_t first, last; /* nothing that is asked for lies outside; last < first: there is nothing                */
    void (*bind)(struct stmt *q, const struct list *l);
    /* The row that q stands on: 1 taken; 0: it ends the page before this row; -1. */
    int (*take)(struct db *d, struct stmt *q, const struct list *l, struct err *e);
    const void *filter;
    const char *match; /* of search.h; NULL: none */
    bool (*on_event)(void *user, const struct event_row *row);
    bool (*on_delivery)(void *user, const struct delivery_row *row);
    void *user;
};

/* Fills page->next. Three seconds at most: what takes longer fails with ERR_TIMEOUT. */
int walk_page(struct db *d, const struct list *l, struct page *page, struct err *e) MUST_CHECK;

void walk_unlimited(struct db **d); /* CLEANUP: ends what db_limit_time began */
void bind_number_unless(struct stmt *q, const char *name, int64_t value, int64_t any);

/* Of the events' list (query_events.c), for whoever asks about the same events another way: "SELECT … WHERE …" with all filters but the
 * order and the limit; events are e, arrivals a, devices d, the first column must be e.seq. And its parameters, but :match. */
void query_put_from(struct buf *sql, const struct event_filter *f, const char *columns);
void query_bind_conditions(struct stmt *q, const struct event_filter *f);
/* Between which seqs the events lie that came from since to until (0: any); last < first: there are none. */
int query_seqs_between(struct db *d, int64_t since_ms, int64_t until_ms, int64_t *first_out, int64_t *last_out, struct err *e) MUST_CHECK;
