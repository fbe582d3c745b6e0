/* forget: how events, raw mails and pictures go, inside the writer's transaction; what goes is decided elsewhere (retention, erase).
 * Everything that belongs to a row goes with it; files by store/doomed.h. */
#pragma once
#include "store/inside.h"

/* What was forgotten, for the daily line. */
struct forgotten {
    int64_t events, mails, pictures, bytes;
};

/* Event and deliveries; its arrival, too, if it was the last event of it. is_erased: nothing of its text may stay anywhere: of an
 * arrival with other events the raw bytes and the subject go, of messages with other members the text. 1; 0: there is no such
 * event, or somebody is still being told of it (nothing was done); -1. */
int tx_forget_event(struct store_tx *tx, int64_t seq, bool is_erased, struct forgotten *f, struct err *e) MUST_CHECK;

/* The raw bytes; events and the arrival's row stay, their media are marked as forgotten. */
int tx_forget_raw(struct store_tx *tx, int64_t arrival, struct forgotten *f, struct err *e) MUST_CHECK;
/* Of that only what is in the database: its file is the caller's. And of that only the marks. */
int tx_forget_bytes(struct store_tx *tx, int64_t arrival, struct err *e) MUST_CHECK;
int tx_forget_media(struct store_tx *tx, int64_t arrival, int64_t now_ms, struct err *e) MUST_CHECK;

/* A mail's pictures: it is written anew without those parts, with this line in the place of each. */
#define FORGET_MARK_BEGINS "[Postern: a part of "
#define FORGET_MARK FORGET_MARK_BEGINS "%lld bytes was forgotten here]\r\n"

/* Reads, cuts and writes the arrival anew, in a transaction of its own. Not from the writer's thread; db is the caller's.
 * 1; 0: there was nothing to cut; -1. */
int forget_pictures(struct store *s, struct db *db, int64_t arrival, const char *reason, struct forgotten *f, struct err *e) MUST_CHECK;

/* Adds to what was forgotten since it was last told; the daily line reads it and begins anew. */
int tx_forgotten_add(struct store_tx *tx, const struct forgotten *f, struct err *e) MUST_CHECK;
int forgotten_take(struct store *s, struct forgotten *out, struct err *e) MUST_CHECK; /* any thread but the writer's */
