/* inherited: LISTEN_PID says whom they are for, LISTEN_FDS how many there are; the port tells which is which. */
#include "net/inherited.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_taken[INHERITED_MAX];

static long number_in(const char *name)
{
    const char *text = getenv(name);
    char       *end;
    errno = 0;
    long n = text ? strtol(text, &end, 10) : -1;
    return text && errno == 0 && *end == '\0' ? n : -1;
}

static int port_of(int fd)
{
    union {
        struct sockaddr     any;
        struct sockaddr_in  in;
        struct sockaddr_in6 in6;
    } a = { 0 };
    socklen_t size = sizeof a;
    int       is_listening = 0;
    socklen_t n = sizeof is_listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) < 0 || !is_listening || getsockname(fd, &a.any, &size) < 0)
        return -1;
    if (a.any.sa_family == AF_INET6)
        return ntohs(a.in6.sin6_port);
    return a.any.sa_family == AF_INET ? ntohs(a.in.sin_port) : -1;
}

int inherited_socket(int port)
{
    long count = number_in("LISTEN_PID") == (long)getpid() ? number_in("LISTEN_FDS") : 0;
    for (int i = 0; i < count && i < INHERITED_MAX; i++) {
        int fd = INHERITED_FIRST + i;
        if (is_taken[i] || port == 0 || port_of(fd) != port)
            continue;
        is_taken[i] = true;
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        return fd;
    }
    return -1;
}
