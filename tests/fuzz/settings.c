/* Fuzz: the settings reader. Up to the first NUL the file's text; after it the environment, one variable a line. */
#include "service/conf.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLES_MAX = 32 };

static void walk(const struct conf *c, unsigned *depth_seen)
{
    for (const struct conf *child = c->first; child; child = child->next) {
        if (!child->path || !child->source || (child->type != CONF_LIST && child->type != CONF_BLOCK && child->first))
            abort();
        ++*depth_seen;
        walk(child, depth_seen);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, 4 << 20);
    struct mistakes mistakes = { .arena = &arena };
    const char     *text = (const char *)data;
    size_t          n = strnlen(text, size);
    char           *lines = arena_copy(&arena, text + n, size - n);
    char           *env[VARIABLES_MAX + 1] = { 0 };
    size_t          count = 0;
    for (char *p = n < size && lines ? lines + 1 : NULL; p && *p && count < VARIABLES_MAX;) {
        env[count++] = p;
        p = strchr(p, '\n');
        if (p)
            *p++ = '\0';
    }
    for (size_t i = 0; i < count; i++) /* no secret files of this machine */
        if (strstr(env[i], "_FILE=") || strstr(env[i], "_file="))
            env[i] = lines + strlen(lines);
    struct conf *root = NULL;
    struct err         e;
    if (conf_read(n > 0 ? text : NULL, n, env, &arena, &mistakes, &root, &e) == 0) {
        unsigned seen = 0;
        walk(root, &seen);
        (void)conf_text(conf_at(root, "Smtp:Port"), "");
    }
    return 0;
}
