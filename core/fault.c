/* fault: see fault.h. Compiled into every build, called only where fault points are built in. */
#include "core/fault.h"
#ifdef POSTERN_FAULTS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note_hit(const char *name)
{
    const char *path = getenv("POSTERN_FAULT_HITS");
    int         fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    char line[96];
    int  n = snprintf(line, sizeof line, "%s\n", name);
    if (n > 0 && write(fd, line, (size_t)n) != n)
        (void)unlink(path);
    (void)close(fd);
}

void fault_hit(const char *name)
{
    static int hits_left = -1;
    note_hit(name);
    const char *wanted = getenv("POSTERN_FAULT");
    if (!wanted)
        return;
    size_t length = strcspn(wanted, ":");
    if (strlen(name) != length || strncmp(name, wanted, length) != 0)
        return;
    if (__atomic_load_n(&hits_left, __ATOMIC_SEQ_CST) < 0) {
        int first = wanted[length] == ':' ? (int)strtol(wanted + length + 1, NULL, 10) : 1;
        int unset = -1;
        (void)__atomic_compare_exchange_n(&hits_left, &unset, first, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    if (__atomic_sub_fetch(&hits_left, 1, __ATOMIC_SEQ_CST) == 0)
        (void)raise(SIGKILL);
}
#else
typedef int fault_is_not_built_in;
#endif
