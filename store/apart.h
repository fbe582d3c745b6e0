/* apart: a thread whose work may hang for as long as another machine likes. It is at home while it touches the store, and away while it
 * waits for others. Whoever stops it and finds it away for too long takes the store from it: it then comes home to nothing. */
#pragma once
#include "core/err.h"
#include <stdbool.h>
#include <stdint.h>

struct apart;
struct apart_work {
    const char *name; /* of the thread, up to 15 letters */
    /* The thread's life, begun at home: returns, at home, once apart_is_stopping or apart_home says so. */
    void (*run)(struct apart *a, void *user);
    /* Whoever stops it, at home, with the thread away for good: closes what belongs to the store. */
    void (*let_go)(void *user);
    /* The end, once; perhaps in the thread. */
    void (*free)(void *user);
    void *user; /* owned from apart_start on, also if that fails */
};
/* *out is set before the thread begins; it may be a part of user. */
int  apart_start(const struct apart_work *work, struct apart **out, struct err *e) MUST_CHECK;
void apart_stop(struct apart *a); /* the end of a: waits three seconds at most */

/* --- the thread's own --- */
void apart_away(struct apart *a);
bool apart_home(struct apart *a); /* false: there is no store any more, return at once */
bool apart_is_stopping(struct apart *a);
bool apart_rest(struct apart *a, int64_t ms); /* away, or until it is to stop; as apart_home */

/* For how long it has been away, monotonic; 0: it is at home, or rests. Any thread. */
int64_t apart_away_ms(struct apart *a);
