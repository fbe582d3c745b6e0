/* attack: what a mail that took over the process would try; a test runs each behind the sandbox. */
#include "inspect/inspect.h"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool open_file(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool open_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool execute(void)
{
    char *const argv[] = { (char[]){ "true" }, NULL }, *const environment[] = { NULL };
    (void)execve("/bin/true", argv, environment); /* success: the new program says 0 */
    return false;
}

static bool fork_child(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child;
}

static bool trace_parent(void)
{
    return ptrace(PTRACE_SEIZE, getppid(), 0, 0) == 0 || ptrace(PTRACE_TRACEME, 0, 0, 0) == 0;
}

/* 1 GiB, touched; a sanitizer looks every 100 ms. */
static bool take_memory(void)
{
    enum { STEP = 16 * 1024 * 1024, STEPS = 64 };
    for (int i = 0; i < STEPS; i++) {
        volatile char *piece = malloc(STEP);
        if (!piece)
            return false;
        for (size_t at = 0; at < STEP; at += 4096)
            piece[at] = 1;
        (void)poll(NULL, 0, 10);
    }
    return true;
}

static const struct {
    const char *name;
    bool (*run)(void);
} attacks[] = {
    { "openat", open_file }, { "socket", open_socket },  { "execve", execute },
    { "fork", fork_child },  { "ptrace", trace_parent }, { "memory", take_memory },
};

int inspect_attack(const char *name)
{
    for (size_t i = 0; i < COUNT(attacks); i++)
        if (strcmp(attacks[i].name, name) == 0)
            return attacks[i].run();
    return -1;
}
