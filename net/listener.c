/* listener: uv_poll over our own socket. (uv_listen would answer EMFILE by closing everybody who waits, without a word.) */
#include "net/listener.h"
#include "net/inherited.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { BACKLOG = 4096, ACCEPTS_AT_ONCE = 64, PAUSE_MS = 100 };

struct listener {
    struct listener_options options;
    int fd, port;
    uv_poll_t poll;
    uv_timer_t retry;
    int open_handles;
    void (*closed)(void *user);
    void *closed_user;
};

union any_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static void close_fd(int *fd)
{
    if (*fd > 0)
        (void)close(TAKE(*fd));
}

static union any_address everywhere(sa_family_t family, in_port_t port)
{
    union any_address a;
    memset(&a, 0, sizeof a);
    if (family == AF_INET6)
        a.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_ANY_INIT };
    else
        a.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
    return a;
}

static int parse_address(const char *text, in_port_t port, union any_address *out, struct err *e)
{
    *out = everywhere(AF_INET6, port);
    if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) == 1)
        return 0;
    *out = everywhere(AF_INET, port);
    if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1)
        return 0;
    return err_set(e, ERR_INPUT, "\"%s\" is no IP address", text);
}

/* What is set here the accepted sockets inherit (Linux), which saves four calls for each of them. */
static void set_options(int fd, sa_family_t family)
{
    const struct {
        int level, name, value;
    } options[] = {
        { SOL_SOCKET, SO_REUSEADDR, 1 },   { SOL_SOCKET, SO_KEEPALIVE, 1 },    { IPPROTO_TCP, TCP_NODELAY, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, 60 }, { IPPROTO_TCP, TCP_KEEPINTVL, 15 }, { IPPROTO_TCP, TCP_KEEPCNT, 4 },
        { IPPROTO_IPV6, IPV6_V6ONLY, 0 },
    };
    for (size_t i = 0; i < COUNT(options); i++)
        if (family == AF_INET6 || options[i].level != IPPROTO_IPV6)
            (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

static int listen_on(const union any_address *a, int *fd_out, struct err *e)
{
    CLEANUP(close_fd) int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(e, ERR_IO, "%m");
    set_options(fd, a->any.sa_family);
    socklen_t size = a->any.sa_family == AF_INET6 ? sizeof a->in6 : sizeof a->in;
    if (bind(fd, &a->any, size) < 0 || listen(fd, BACKLOG) < 0)
        return err_set(e, ERR_IO, "%m");
    *fd_out = TAKE(fd);
    return 0;
}

static int bind_to(const char *address, in_port_t port, int *fd_out, struct err *e)
{
    union any_address a = everywhere(AF_INET6, port);
    bool is_everywhere = !address[0] || strcmp(address, "::") == 0;
    if (!is_everywhere && parse_address(address, port, &a, e) < 0)
        return -1;
    if (listen_on(&a, fd_out, e) == 0)
        return 0;
    bool is_without_ipv6 = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
    if (!is_everywhere || !is_without_ipv6)
        return -1;
    a = everywhere(AF_INET, port);
    return listen_on(&a, fd_out, e);
}

int listener_bind(const char *address, int port, int *fd_out, struct err *e)
{
    if (bind_to(address, htons((uint16_t)port), fd_out, e) == 0)
        return 0;
    return err_prefix(e, "listen on %s, port %d", address[0] ? address : "every address", port);
}

static int open_socket(const struct listener_options *o, int *fd_out, struct err *e)
{
    *fd_out = inherited_socket(o->name, o->port);
    if (*fd_out < 0)
        return listener_bind(o->address, o->port, fd_out, e);
    set_options(*fd_out, AF_INET);
    return 0;
}

static int port_of(int fd)
{
    union any_address a = everywhere(AF_INET6, 0);
    socklen_t size = sizeof a;
    if (getsockname(fd, &a.any, &size) < 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
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
        union any_address peer;
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
    l->port = port_of(fd);
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
