/* courier: HTTP requests on their way, all on one thread (libcurl's multi stays in courier.c).
 *
 * Each request goes over a connection of its own: on a reused one libcurl repeats a POST by itself when the far side closes
 * before it answers. An end is either a complete answer, or none with a sentence why and whether a byte of the request
 * may have left us. */
#pragma once
#include "providers/provider.h"

struct courier;
struct courier_limits {
    int64_t reply_max;       /* bytes of an answer; a longer one counts as none */
    int64_t request_seconds; /* from look-up to the answer's last byte          */
    int64_t connect_seconds;
};

struct courier_answer {
    bool         is_complete; /* reply is there                                                   */
    bool         is_untouched; /* surely no byte of the request was written (only if not complete) */
    struct reply reply;
    char         why[160]; /* "" when complete */
};
/* Relay's thread; the reply's bytes are good during the call. */
typedef void courier_fn(void *user, const struct courier_answer *end);

int  courier_open(const struct courier_limits *limits, struct courier **out, struct err *e) MUST_CHECK;
void courier_close(struct courier **t); /* what is still on its way is dropped, without a word */

/* Takes the request's body over. The answer comes by done() from courier_run(). -1: it could not be started, done() is not called. */
int courier_send(struct courier *t, struct request *request, courier_fn *done, void *user, struct err *e) MUST_CHECK;
size_t courier_count(const struct courier *t);

/* Works and waits up to wait_ms, or until courier_wake() (any thread). */
void courier_run(struct courier *t, int64_t wait_ms);
void courier_wake(struct courier *t);
