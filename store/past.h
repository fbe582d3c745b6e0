/* past: arrivals that were read once and still have their raw bytes, so that they can be read again; oldest first. */
#pragma once
#include "store/store.h"

/* 0 and NULL mean any. */
struct past_filter {
    int64_t     since_ms; /* received */
    const char *device;   /* id or name of the device that an event of it is of */
};

/* How many there are. */
int past_count(struct store_reader *r, const struct past_filter *f, int64_t *out, struct err *e) MUST_CHECK;
/* Up to `limit` with seq > after; how many, or -1. */
int past_arrivals(struct store_reader *r, const struct past_filter *f, int64_t after, struct arrival_row *rows, int limit,
                  struct arena *a, struct err *e) MUST_CHECK;
/* In a transaction: the events of this arrival were read again at that time. */
int tx_events_read_again(struct store_tx *tx, int64_t arrival_seq, int64_t wall_ms, struct err *e) MUST_CHECK;
