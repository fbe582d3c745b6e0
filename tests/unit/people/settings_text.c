/* settings_text: no file and no environment, so that a test shows all there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings_text.h"
#include "core/buf.h"
#include <string.h>

void settings_text_read(struct settings_text *s, const char *json)
{
    char *const no_environment[] = { NULL };
    struct err  e = { .text = "" };
    *s = (struct settings_text){ .root = NULL };
    arena_init(&s->arena, 1 << 20);
    s->mistakes.arena = &s->arena;
    if (conf_read(json, strlen(json), no_environment, &s->arena, &s->mistakes, &s->root, &e) < 0)
        fail_msg("not JSON: %s", e.text);
    assert_int_equal(people_read(s->root, &s->arena, &s->mistakes, &s->people), 0);
    assert_int_equal(device_settings_read(s->root, &s->people, &s->arena, &s->mistakes, &s->devices), 0);
}

void settings_text_done(struct settings_text *s)
{
    arena_done(&s->arena);
}

char *settings_text_mistakes(const struct settings_text *s)
{
    struct buf b;
    buf_init(&b, 64 * 1024);
    for (size_t i = 0; i < s->mistakes.count; i++)
        buf_printf(&b, "%s: %s\n", s->mistakes.items[i].path, s->mistakes.items[i].text);
    buf_puts(&b, "");
    return b.data ? buf_take(&b) : strdup("");
}
