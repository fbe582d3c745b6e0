/* again: execve() of /proc/self/exe, which is this program also after an update has put another in its place. */
#include "service/again.h"
#include "core/attr.h"
#include "net/inherited.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static char **words, **environment; /* set once, at the start */

static size_t count_of(char *const *list)
{
    size_t n = 0;
    while (list[n])
        n++;
    return n;
}

/* The list, not the texts; with room for some more. NULL: out of memory. */
static char **copy_of(char *const *list, size_t more)
{
    size_t n = count_of(list);
    char **copy = calloc(n + more + 1, sizeof *copy);
    if (copy)
        memcpy(copy, list, n * sizeof *copy);
    return copy;
}

void again_remember(char *const *argv, char *const *env)
{
    words = copy_of(argv, 0);
    environment = copy_of(env, 0);
}

char *const *again_environment(void)
{
    return environment ? environment : environ;
}

/* Which sockets were given to us is no longer true. */
static bool is_of_sockets(const char *text)
{
    static const char *const names[] = { "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (strncmp(text, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

int again_begin(void)
{
    char *const           *before = again_environment();
    char                 **env = copy_of(before, 3);
    struct inherited_words sockets;
    size_t                 n = 0;
    if (!words || !env)
        return EX_TEMPFAIL;
    for (; *before; before++)
        if (!is_of_sockets(*before))
            env[n++] = *before;
    inherited_hand_over(&sockets);
    env[n++] = sockets.pid;
    env[n++] = sockets.count;
    env[n++] = sockets.names;
    env[n] = NULL;
    (void)execve("/proc/self/exe", words, env);
    return EX_TEMPFAIL;
}
