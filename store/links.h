/* links: events that tell of the same act as an earlier one (events.same_as). What makes them so is decided above. */
#pragma once
#include "core/event.h"
#include "store/outbox.h"

struct link_row {
    struct event event; /* what it means; no media, no text */
    int64_t      seq, arrival, received_ms;
    int64_t      same_as;  /* 0: it told its act first */
    const char  *parser, *envelope;
};
/* The last events that came by mail, oldest first, at most that many; rows are good during the call. */
int tx_recent_events(struct store_tx *tx, int most, int (*on_row)(void *user, const struct link_row *row), void *user,
                     struct err *e) MUST_CHECK;

/* Says that the event tells of the same act as `first`: 1; 0: there is no such event under this id, nothing is said. */
int tx_event_link(struct store_tx *tx, int64_t event, int64_t first, const char *first_id, struct err *e) MUST_CHECK;

/* Whether this recipient was, or will be, told of the event no milder than this: 1, 0, -1. */
int tx_is_told(struct store_tx *tx, int64_t event, const char *recipient, enum severity severity, struct err *e) MUST_CHECK;
