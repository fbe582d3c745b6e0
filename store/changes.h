/* changes: what is new since a position, for those who follow live. A position is two numbers that only grow, in the order in which
 * the writer committed: the highest event seen, and the highest `changed` of events, deliveries and devices. So nothing falls between
 * two looks, also when the process was restarted between them. Read-only. */
#pragma once
#include "store/query.h"

struct position {
    int64_t seq, changed;
};

enum change_type { CHANGE_EVENT, CHANGE_DELIVERY, CHANGE_DEVICE };

struct change {
    enum change_type type;
    const char      *id;
    const char      *event;       /* CHANGE_DELIVERY: whose it is                       */
    const char      *kind;        /* of the event: NULL for a device                    */
    const char      *device;      /* of the event; the id itself for a device           */
    const char      *zone_name;   /* of the event; NULL: none                           */
    int              severity, zone; /* of the event; -1, ZONE_NONE                     */
    struct position  after;       /* whoever has this one goes on from here             */
};

int changes_now(struct store_reader *r, struct position *out, struct err *e) MUST_CHECK;

/* Up to `limit` changes after *p, new events first; *p moves with each that on_change takes (it says false to end before this one).
 * How many were taken, or -1. Strings are good during the call. */
int changes_read(struct store_reader *r, struct position *p, int limit, bool (*on_change)(void *user, const struct change *c), void *user,
                 struct err *e) MUST_CHECK;
