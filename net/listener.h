/* listener: a listening TCP socket on a loop. Both families on one socket where the machine has IPv6. When descriptors run out
 * it pauses and tries again; what is open stays open. */
#pragma once
#include "core/err.h"

struct uv_loop_s;
struct sockaddr;
struct listener;

struct listener_options {
    const char *address; /* "" or "::": all, both families; else one IP address */
    int port;            /* 0: any free one                                     */
    const char *name;    /* under which it may have been left for us (inherited.h); a literal */
    void *user;
    /* Loop's thread. The descriptor (non-blocking, without delay, kept alive) is now the callee's. */
    void (*accepted)(void *user, int fd, const struct sockaddr *peer);
    /* No more may be accepted now; e says why. Called once for each pause. */
    void (*paused)(void *user, const struct err *e);
};
int listener_open(struct uv_loop_s *loop, const struct listener_options *o, struct listener **out, struct err *e) MUST_CHECK;
int listener_port(const struct listener *l);
/* It goes on listening, as long as somebody begins again with it (inherited_keep). */
int listener_keep(const struct listener *l, struct err *e) MUST_CHECK;
/* Accepts no more; frees itself, then calls closed. */
void listener_close(struct listener **l, void (*closed)(void *user), void *user);
