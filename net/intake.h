/* intake: one mail on its way into the store, from its first bytes to the writer's answer. Small ones go in memory; large ones
 * are written and synced in libuv's pool, one job at a time. It outlives its connection: once the mail is complete it belongs
 * to the store, whether the device still listens or not. All calls and callbacks on the loop's thread.
 *
 *   begin ─▶ [ spool ─▶ wrote ]… ─▶ finish ─▶ ended (kept or not)        abandon: any time before finish */
#pragma once
#include "core/buf.h"
#include "core/envelope.h"
#include "store/store.h"

struct uv_loop_s;
struct intake;  /* one mail                                     */
struct intakes; /* what all share: store, loop, the way back to it */

struct intakes_options {
    void *user;
    /* Each mail that was finished, kept or not. The conversation is told before, by its own callback. */
    void (*ended)(void *user, const struct arrival *a, const char *peer, const char *from, size_t to_count, int64_t took_ms,
                  const struct err *failed);
};
int intakes_open(struct uv_loop_s *loop, struct store *s, const struct intakes_options *o, struct intakes **out,
                 struct err *e) MUST_CHECK;
size_t intakes_count(const struct intakes *g); /* under way, with or without a connection */
size_t intakes_bytes(const struct intakes *g); /* of those in memory                           */
/* When none is under way. Frees itself, then calls closed. */
void intakes_close(struct intakes **g, void (*closed)(void *user), void *user);

struct intake_owner {
    void *user;                                          /* the connection */
    void (*wrote)(void *user, const struct err *failed); /* the spooled bytes are on their way, or cannot be kept */
    void (*ended)(void *user, const char *id,
                  const struct err *failed); /* the answer to finish; the intake is gone              */
};
struct intake *intake_begin(struct intakes *g, const struct intake_owner *owner); /* NULL: out of memory */
bool intake_is_busy(const struct intake *in); /* a job is running: no spool, no abandoning of bytes */
/* Takes the bytes of body (empty then) and writes them behind those before. Not while busy. */
void intake_spool(struct intake *in, struct buf *body);
/* The mail is complete; body holds what was not spooled and is empty then. Also while busy. */
void intake_finish(struct intake *in, struct buf *body, const struct envelope *env, int64_t bytes);
void intake_abandon(struct intake **in); /* nobody wants it: what is on disk goes. NULL inside is nothing */
void intake_leave(struct intake **in);   /* its connection has gone; the mail goes on. After finish */
