/* rules_settings: the list is written as it was read; postern-inspect gets it as a memfd, since arguments show up in ps. */
#include "service/rules_settings.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/memory_file.h"
#include "parsers/rules.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VERIFY_MS = 10 * 1000, ANSWER_MAX = 4 * RULES_BYTES, RULES_FD = 3, DEPTH_MAX = 16, PATH_MAX_BYTES = 256 };

static void write_value(struct json_out *w, const char *key, const struct conf *v, int depth)
{
    switch (depth < DEPTH_MAX ? v->type : CONF_NULL) {
    case CONF_BLOCK:
    case CONF_LIST:
        if (v->type == CONF_BLOCK)
            json_object(w, key);
        else
            json_array(w, key);
        for (const struct conf *child = v->first; child; child = child->next)
            write_value(w, v->type == CONF_BLOCK ? child->key : NULL, child, depth + 1);
        json_end(w);
        return;
    case CONF_TEXT: json_s(w, key, v->text); return;
    case CONF_BOOL:
    case CONF_NUMBER: json_raw(w, key, v->text); return;
    case CONF_NULL: json_null(w, key); return;
    }
}

const char *rules_settings_read(const struct conf *root, struct arena *a, struct mistakes *m)
{
    const struct conf *list = conf_at(root, "Parsers:Rules");
    size_t             count = 0;
    if (!list || list->type == CONF_NULL)
        return "[]";
    if (list->type != CONF_LIST) {
        mistake_add(m, list->path, "a list is expected here: [ { \"Name\": …, \"Pattern\": …, \"Kind\": … } ]");
        return "[]";
    }
    for (const struct conf *rule = list->first; rule; rule = rule->next)
        count++;
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, RULES_BYTES);
    struct json_out w = json_begin(&json);
    write_value(&w, NULL, list, 0);
    if (count <= RULES_MAX && !json.failed)
        return arena_copy(a, buf_str(&json), json.len);
    mistake_add(m, list->path, "more than %d rules or %d KiB; none is used", RULES_MAX, RULES_BYTES / 1024);
    return "[]";
}

/* --- asking postern-inspect ------------------------------------------------------------------------------------- */

/* Its output is the pipe, the rules are RULES_FD, and it sees nothing else of ours. */
static int spawn(const char *program, int rules, int output, pid_t *pid_out)
{
    char                      *nothing[] = { NULL };
    const char *const          args[] = { program, "--check-rules", "--rules-fd", "3", NULL };
    posix_spawn_file_actions_t files;
    (void)posix_spawn_file_actions_init(&files);
    int r = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    r = r ? r : posix_spawn_file_actions_adddup2(&files, rules, RULES_FD);
    r = r ? r : posix_spawn_file_actions_addclosefrom_np(&files, RULES_FD + 1);
    r = r ? r : posix_spawn(pid_out, program, &files, NULL, UNCONST(char *const, args), nothing);
    (void)posix_spawn_file_actions_destroy(&files);
    return r;
}

/* All that it says until it closes its end. */
static int hear(int fd, struct buf *out, struct err *e)
{
    int64_t until = clock_mono_ms() + VERIFY_MS;
    char    chunk[4096];
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int64_t       left = until - clock_mono_ms();
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return err_set(e, ERR_TIMEOUT, "no answer");
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_IO, "read: %m");
        if (n == 0)
            return 0;
        if (buf_add(out, chunk, (size_t)n, e) < 0)
            return -1;
    }
}

static int ask(const char *program, int rules, struct buf *answer, struct err *e)
{
    int   ends[2];
    pid_t pid = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(e, ERR_IO, "pipe: %m");
    int r = spawn(program, rules, ends[1], &pid);
    (void)close(ends[1]);
    if (r == 0)
        r = hear(ends[0], answer, e);
    else
        r = err_set(e, ERR_IO, "%s: %s", program, strerror(r));
    (void)close(ends[0]);
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    return r;
}

/* "Parsers:Rules:2:Pattern", as the settings spell it. */
static void add_mistake(const struct conf *list, const struct json *v, struct mistakes *m)
{
    const struct conf *rule = list->first;
    const char        *member = json_str(v, "member", "");
    char               path[PATH_MAX_BYTES];
    for (int64_t i = json_int(v, "rule", 0); i > 0 && rule; i--)
        rule = rule->next;
    (void)snprintf(path, sizeof path, "%s%s%s", rule ? rule->path : list->path, member[0] ? ":" : "", member);
    mistake_add(m, arena_str(m->arena, path), "%s", json_str(v, "text", ""));
}

int rules_settings_verify(const char *program, const char *json, const struct conf *root, struct mistakes *m, struct err *e)
{
    const struct conf *list = conf_at(root, "Parsers:Rules");
    int                rules;
    if (!list || strcmp(json, "[]") == 0)
        return 0;
    CLEANUP(buf_done) struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    if (memory_file_open(json, strlen(json), &rules, e) < 0)
        return -1;
    int r = ask(program, rules, &answer, e);
    (void)close(rules);
    CLEANUP(json_free) struct json *root_out = r == 0 ? json_parse(buf_str(&answer), answer.len, e) : NULL;
    if (!root_out)
        return err_prefix(e, "the rules could not be verified");
    if (json_str(root_out, "error", NULL))
        mistake_add(m, list->path, "%s", json_str(root_out, "error", ""));
    for (const struct json *v = json_first(json_get(root_out, "mistakes")); v; v = json_next(v))
        add_mistake(list, v, m);
    return 0;
}
