/* listener: uv_poll over our own socket. (uv_listen would answer EMFILE by closing everybody who waits, without a word.) */
#include "net/listener.h"
#include "core/listen.h"
#include "net/inherited.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { ACCEPTS_AT_ONCE = 64, PAUSE_MS = 100 };

struct listener {
    struct listener_options options;
    int fd, port;
    uv_poll_t poll;
    uv_timer_t retry;
    int open_handles;
    void (*closed)(void *user);
    void *closed_user;
};

static void close_fd(int *fd)
{
    if (*fd > 0)
        (void)close(TAKE(*fd));
}

static int open_socket(const struct listener_options *o, int *fd_out, struct err *e)
{
    *fd_out = inherited_socket(o->name, o->port);
    if (*fd_out < 0)
        return listen_on(o->address, o->port, fd_out, e);
    listen_settle(*fd_out);
    return 0;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void pause_accepting(struct listener *l)
{
    struct err e;
    (void)err_set(&e, ERR_IO, "accept: %m");
    (void)uv_poll_stop(&l->poll);
    (void)uv_timer_start(&l->retry, on_retry, PAUSE_MS, 0);
    l->options.paused(l->options.user, &e);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE && uv_is_active((uv_handle_t *)poll); i++) {
        union {
            struct sockaddr any;
            struct sockaddr_in6 in6;
        } peer;
        socklen_t size = sizeof peer;
        int fd = accept4(l->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            l->options.accepted(l->options.user, fd, &peer.any);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(l);
        else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

int listener_open(struct uv_loop_s *loop, const struct listener_options *o, struct listener **out, struct err *e)
{
    CLEANUP(close_fd) int fd = 0;
    if (open_socket(o, &fd, e) < 0)
        return -1;
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return err_set(e, ERR_NOMEM, "out of memory");
    l->options = *o;
    l->fd = fd;
    l->port = listen_port(fd);
    l->poll.data = l->retry.data = l;
    if (uv_poll_init(loop, &l->poll, fd) < 0) {
        free(l);
        return err_set(e, ERR_IO, "listen: the loop does not take the socket");
    }
    (void)uv_timer_init(loop, &l->retry);
    (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
    l->open_handles = 2;
    fd = 0;
    *out = l;
    return 0;
}

int listener_port(const struct listener *l)
{
    return l->port;
}

int listener_keep(const struct listener *l, struct err *e)
{
    return inherited_keep(l->options.name, l->fd, e);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    if (--l->open_handles > 0)
        return;
    l->closed(l->closed_user);
    free(l);
}

void listener_close(struct listener **lp, void (*closed)(void *user), void *user)
{
    struct listener *l = TAKE(*lp);
    l->closed = closed;
    l->closed_user = user;
    (void)uv_poll_stop(&l->poll);
    uv_close((uv_handle_t *)&l->poll, on_handle_closed);
    uv_close((uv_handle_t *)&l->retry, on_handle_closed);
    close_fd(&l->fd);
}
