/* notify: one datagram a message to the socket that NOTIFY_SOCKET names; '@' stands for an abstract name. */
#include "core/clock.h"
#include "service/notify.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void say(const char *text)
{
    const char        *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t             n = path ? strlen(path) : 0;
    if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    (void)close(fd);
}

void notify_ready(void)
{
    say("READY=1");
}

void notify_stopping(void)
{
    say("STOPPING=1");
}

void notify_reloading(void)
{
    char text[80];
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_steady_us()); /* the manager's clock */
    say(text);
}

void notify_alive(int64_t mono_ms)
{
    static int64_t said_ms; /* main loop only */
    const char    *period = getenv("WATCHDOG_USEC");
    int64_t        usec = period ? strtoll(period, NULL, 10) : 0;
    if (usec <= 0 || mono_ms - said_ms < usec / 2000)
        return;
    said_ms = mono_ms;
    say("WATCHDOG=1");
}
