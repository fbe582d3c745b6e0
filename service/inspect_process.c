/* inspect_process: posix_spawn with nothing but one end of a socket pair, frames with a deadline. */
#include "service/inspect_process.h"
#include "core/clock.h"
#include "core/memory_file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GREETING_MS = 10000,
    GREETING_MAX = 65536,
    TICK_MS = 250,
    SEND_SECONDS = 2,
    RULES_FD = 3,
    FIRST_OTHER_FD,
    ENVIRONMENT_MAX = 8,
    ARGUMENTS_MAX = 160,
};

void inspect_process_init(struct inspect_process *p)
{
    *p = (struct inspect_process){ .socket = -1 };
    buf_init(&p->frame, JOB_FRAME_MAX + 64 * 1024);
    buf_init(&p->request, JOB_FRAME_MAX);
}

void inspect_process_done(struct inspect_process *p)
{
    inspect_process_stop(p);
    buf_done(&p->frame);
    buf_done(&p->request);
}

void inspect_process_stop(struct inspect_process *p)
{
    if (p->socket >= 0)
        (void)close(p->socket);
    p->socket = -1;
    p->unheard = 0;
    buf_clear(&p->frame);
    if (p->pid <= 0)
        return;
    (void)kill(p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    p->pid = 0;
}

/* Our environment holds secrets (Service__ClickSend__Token): only what the libraries of a test or an odd system need goes on. */
static void choose_environment(char *chosen[ENVIRONMENT_MAX])
{
    static const char *const names[] = { "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "GCONV_PATH=", "TZDIR=", "LD_LIBRARY_PATH=" };
    size_t                   n = 0;
    for (char **v = environ; *v; v++)
        for (size_t i = 0; i < COUNT(names) && n < ENVIRONMENT_MAX - 1; i++)
            if (strncmp(*v, names[i], strlen(names[i])) == 0)
                chosen[n++] = *v;
    chosen[n] = NULL;
}

/* Its input is the socket, its output nowhere, its complaints go where ours go, and it has the owner's rules; every signal as the
 * system has it. */
static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int socket, int rules)
{
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int r = posix_spawn_file_actions_adddup2(files, socket, JOB_SOCKET);
    r = r ? r : posix_spawn_file_actions_adddup2(files, rules, RULES_FD);
    r = r ? r : posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    r = r ? r : posix_spawn_file_actions_addclosefrom_np(files, FIRST_OTHER_FD);
    r = r ? r : posix_spawnattr_setsigmask(attributes, &none);
    r = r ? r : posix_spawnattr_setsigdefault(attributes, &all);
    return r ? r : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Behind the arguments that are there: the zones of the devices' clocks. */
static void add_zones(const char **args, size_t max, const char *const *zones)
{
    size_t n = 0;
    while (args[n])
        n++;
    for (; zones && *zones && n + 2 < max; zones++) {
        args[n++] = "--open-zone";
        args[n++] = *zones;
    }
}

static int spawn(const struct inspector_options *o, int socket, int rules, pid_t *pid_out)
{
    char memory[24], drift[24], *environment[ENVIRONMENT_MAX];
    (void)snprintf(memory, sizeof memory, "%lld", (long long)(o->memory_mib ? o->memory_mib : 256));
    (void)snprintf(drift, sizeof drift, "%lld", (long long)(o->max_drift_hours ? o->max_drift_hours : 24));
    const char *args[ARGUMENTS_MAX] = {
        o->program, "--jobs", "--memory", memory, "--sandbox", o->is_sandboxed ? "on" : "off", "--alarm-user", o->alarm_user,
        "--status-user", o->status_user, "--language", o->language, "--time-zone", o->site_time_zone ? o->site_time_zone : "UTC",
        "--max-drift", drift, "--rules-fd", "3", o->texts && o->texts[0] ? "--texts" : NULL, o->texts, NULL,
    };
    add_zones(args, COUNT(args), o->zones);
    choose_environment(environment);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t          attributes;
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attributes);
    int r = prepare(&files, &attributes, socket, rules);
    if (r == 0)
        r = posix_spawn(pid_out, o->program, &files, &attributes, UNCONST(char *const, args), environment);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return r;
}

/* A frame within wait_ms, in slices, so that the caller's tick comes. */
static int receive(struct inspect_process *p, int64_t wait_ms, struct ticker t, struct err *e)
{
    int64_t until = clock_mono_ms() + wait_ms;
    for (;;) {
        int64_t left = until - clock_mono_ms();
        int     r = job_receive(p->socket, &p->frame, left < 0 ? 0 : left < TICK_MS ? (int)left : TICK_MS, NULL, e);
        if (r == 0)
            return err_set(e, ERR_IO, "it died");
        if (r > 0 || e->code != ERR_TIMEOUT || left <= 0)
            return r;
        if (!t.tick(t.user))
            return err_set(e, ERR_BUSY, "stopping");
    }
}

static int take_greeting(struct inspect_process *p, struct ticker t, struct err *e)
{
    struct arena      arena;
    struct events     none = { .arena = &arena };
    struct job_answer greeting = { .error = NULL };
    arena_init(&arena, GREETING_MAX);
    int r = receive(p, GREETING_MS, t, e);
    if (r > 0)
        r = job_read_answer(&p->frame, &none, &greeting, e);
    if (r >= 0 && greeting.error)
        r = err_set(e, ERR_STATE, "%s", greeting.error);
    arena_done(&arena);
    job_next(&p->frame);
    return r < 0 ? -1 : 0;
}

int inspect_process_start(struct inspect_process *p, const struct inspector_options *o, struct ticker t, struct err *e)
{
    int                  pair[2], rules;
    const struct timeval patience = { .tv_sec = SEND_SECONDS };
    inspect_process_stop(p);
    const char *list = o->rules ? o->rules : "[]";
    if (memory_file_open(list, strlen(list), &rules, e) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        (void)close(rules);
        return err_set(e, ERR_IO, "socketpair: %m");
    }
    int r = spawn(o, pair[1], rules, &p->pid);
    (void)close(pair[1]);
    (void)close(rules);
    p->socket = pair[0];
    if (r != 0) {
        p->pid = 0;
        inspect_process_stop(p);
        return err_set(e, ERR_IO, "%s: %s", o->program, strerror(r));
    }
    (void)setsockopt(p->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (take_greeting(p, t, e) < 0) {
        inspect_process_stop(p);
        return err_prefix(e, "%s", o->program);
    }
    return 0;
}

int inspect_process_tell(struct inspect_process *p, const struct question *q, struct err *e)
{
    buf_clear(&p->request);
    job_write_request(&p->request, q->envelope, q->device, q->received_ms, q->raw, q->raw_bytes);
    if (job_send(p->socket, &p->request, q->raw ? -1 : q->fd, e) < 0) {
        inspect_process_stop(p);
        return err_set(e, ERR_BUSY, "it was gone");
    }
    p->unheard++;
    return 0;
}

int inspect_process_hear(struct inspect_process *p, int64_t deadline_ms, struct ticker t, struct events *events, struct job_answer *out,
                         struct err *e)
{
    int r = receive(p, deadline_ms, t, e);
    if (r > 0)
        r = job_read_answer(&p->frame, events, out, e);
    job_next(&p->frame);
    p->unheard--;
    if (r < 0 || out->is_last)
        inspect_process_stop(p);
    return r < 0 ? -1 : 0;
}
