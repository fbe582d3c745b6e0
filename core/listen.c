/* listen: one socket for both families where the machine has IPv6. */
#include "core/listen.h"
#include "core/file.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum { BACKLOG = 4096 };

union any_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

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

void listen_settle(int fd)
{
    set_options(fd, AF_INET);
}

static int listen_at(const union any_address *a, int *fd_out, struct err *e)
{
    CLEANUP(file_close) int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(e, ERR_IO, "%m");
    set_options(fd, a->any.sa_family);
    socklen_t size = a->any.sa_family == AF_INET6 ? sizeof a->in6 : sizeof a->in;
    if (bind(fd, &a->any, size) < 0 || listen(fd, BACKLOG) < 0)
        return err_set(e, ERR_IO, "%m");
    *fd_out = fd;
    fd = -1;
    return 0;
}

static int try_address(const char *address, in_port_t port, int *fd_out, struct err *e)
{
    union any_address a = everywhere(AF_INET6, port);
    bool is_everywhere = !address[0] || strcmp(address, "::") == 0;
    if (!is_everywhere && parse_address(address, port, &a, e) < 0)
        return -1;
    if (listen_at(&a, fd_out, e) == 0)
        return 0;
    bool is_without_ipv6 = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
    if (!is_everywhere || !is_without_ipv6)
        return -1;
    a = everywhere(AF_INET, port);
    return listen_at(&a, fd_out, e);
}

int listen_on(const char *address, int port, int *fd_out, struct err *e)
{
    if (try_address(address, htons((uint16_t)port), fd_out, e) == 0)
        return 0;
    return err_prefix(e, "listen on %s, port %d", address[0] ? address : "every address", port);
}

int listen_port(int fd)
{
    union any_address a;
    socklen_t size = sizeof a;
    int       is_listening = 0;
    socklen_t n = sizeof is_listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) < 0 || !is_listening || getsockname(fd, &a.any, &size) < 0)
        return -1;
    if (a.any.sa_family == AF_INET6)
        return ntohs(a.in6.sin6_port);
    return a.any.sa_family == AF_INET ? ntohs(a.in.sin_port) : -1;
}
