/* rules_start: one piece of work for libuv's pool. */
#include "service/rules_start.h"
#include "service/health.h"
#include "service/rules_settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 1024 * 1024 };

struct verification {
    uv_work_t              work;
    const struct settings *settings;
    const char            *program;
    struct arena           arena;
    struct mistakes        mistakes;
    struct err             failed; /* code ERR_NONE: it was asked */
};

static void verify(uv_work_t *work)
{
    struct verification   *v = work->data;
    const struct settings *s = v->settings;
    if (rules_settings_verify(v->program, s->rules, s->root, &v->mistakes, &v->failed) < 0)
        mistake_add(&v->mistakes, "Parsers:Rules", "%s", v->failed.text);
}

static void say(uv_work_t *work, int status)
{
    struct verification *v = work->data;
    char                 text[80];
    (void)status;
    for (size_t i = 0; i < v->mistakes.count; i++)
        log_line(LOG_ERROR, "settings.mistake", LOG_S("path", v->mistakes.items[i].path), LOG_S("text", v->mistakes.items[i].text));
    (void)snprintf(text, sizeof text, "%zu mistakes in the rules; `postern check` lists them", v->mistakes.count);
    health_set(HEALTH_SETTINGS, "rules", v->mistakes.count > 0 ? text : NULL);
    arena_done(&v->arena);
    free(v);
}

void rules_start(uv_loop_t *loop, const struct settings *s, const char *program)
{
    struct verification *v = strcmp(s->rules, "[]") != 0 ? calloc(1, sizeof *v) : NULL;
    if (!v)
        return;
    *v = (struct verification){ .settings = s, .program = program };
    arena_init(&v->arena, ARENA_MAX);
    v->mistakes.arena = &v->arena;
    v->work.data = v;
    if (uv_queue_work(loop, &v->work, verify, say) != 0) {
        arena_done(&v->arena);
        free(v);
    }
}
