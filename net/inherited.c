/* inherited: LISTEN_PID says whom they are for, LISTEN_FDS how many there are; LISTEN_FDNAMES, or else the port, tells which is which. */
#include "net/inherited.h"
#include "core/listen.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_taken[INHERITED_MAX];

enum { KEPT_MAX = 8, KEPT_FIRST = INHERITED_FIRST + INHERITED_MAX }; /* kept high, so that none stands where another has to go */
static struct {
    const char *name;
    int         fd;
} kept[KEPT_MAX];
static size_t kept_count;

static long number_in(const char *name)
{
    const char *text = getenv(name);
    char       *end;
    errno = 0;
    long n = text ? strtol(text, &end, 10) : -1;
    return text && errno == 0 && *end == '\0' ? n : -1;
}

/* Names are separated by colons. */
static bool is_named(int i, const char *name)
{
    const char *at = getenv("LISTEN_FDNAMES");
    for (; at && i > 0; i--) {
        at = strchr(at, ':');
        at = at ? at + 1 : NULL;
    }
    return at && strcspn(at, ":") == strlen(name) && strncmp(at, name, strlen(name)) == 0;
}

static int count_handed(void)
{
    long n = number_in("LISTEN_PID") == (long)getpid() ? number_in("LISTEN_FDS") : 0;
    return n > INHERITED_MAX ? INHERITED_MAX : (int)n;
}

int inherited_socket(const char *name, int port)
{
    int count = count_handed();
    for (int i = 0; i < count; i++) {
        int fd = INHERITED_FIRST + i, its = is_taken[i] ? -1 : listen_port(fd);
        if (its < 0 || !(port != 0 ? its == port : is_named(i, name)))
            continue;
        is_taken[i] = true;
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        return fd;
    }
    return -1;
}

int inherited_untaken(void)
{
    int count = count_handed();
    for (int i = 0; i < count; i++) {
        int port = is_taken[i] ? -1 : listen_port(INHERITED_FIRST + i);
        if (port > 0)
            return port;
    }
    return 0;
}

int inherited_keep(const char *name, int fd, struct err *e)
{
    int copy = kept_count < KEPT_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, KEPT_FIRST) : -1;
    if (copy < 0)
        return err_set(e, ERR_IO, "keep the listening socket %s: %m", name);
    kept[kept_count].name = name;
    kept[kept_count++].fd = copy;
    return 0;
}

void inherited_forget(void)
{
    while (kept_count > 0)
        (void)close(kept[--kept_count].fd);
}

void inherited_hand_over(struct inherited_words *out)
{
    size_t n = (size_t)snprintf(out->names, sizeof out->names, "LISTEN_FDNAMES=");
    for (size_t i = 0; i < kept_count; i++) {
        (void)dup2(kept[i].fd, INHERITED_FIRST + (int)i); /* the copy outlives execve() */
        n += (size_t)snprintf(out->names + n, sizeof out->names - n, "%s%s", i ? ":" : "", kept[i].name);
    }
    (void)snprintf(out->pid, sizeof out->pid, "LISTEN_PID=%ld", (long)getpid());
    (void)snprintf(out->count, sizeof out->count, "LISTEN_FDS=%zu", kept_count);
}
