/* Any bytes as a mail: read, understood, and written as JSON that can be read again. */
#include "core/json.h"
#include "parsers/mail.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

/* Places lie in the mail, and what is written is JSON. */
static void check(const struct mail *m, const struct events *events, size_t n)
{
    struct buf out;
    struct err e;
    buf_init(&out, 8 * 1024 * 1024);
    struct json_out w = json_begin(&out);
    json_array(&w, NULL);
    for (size_t i = 0; i < events->count; i++)
        event_write_full(&w, NULL, &events->items[i]);
    json_end(&w);
    struct json *root = json_parse(buf_str(&out), out.len, &e);
    if (!root || out.failed || events->count == 0)
        abort();
    for (size_t i = 0; i < m->media_count; i++)
        if (m->media[i].offset < 0 || m->media[i].length < 0 || (size_t)(m->media[i].offset + m->media[i].length) > n)
            abort();
    json_free(&root);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static const struct parser_site site = { "alarm", "status", "de" };
    static const char *const        to[] = { "alarm@h" };
    static const struct envelope    envelope = { "smtp", "192.0.2.1", "", "", "a@b", to, 1 };
    struct arena                    arena;
    struct err                      e;
    struct mail                     m = { .site = &site, .envelope = &envelope };
    mail_setup();
    arena_init(&arena, 4 * 1024 * 1024);
    struct events events = { .arena = &arena };
    if (mail_read((const char *)bytes, n, &arena, &m, &e) == 0 && parsers_read(&m, &events, &e) == 0)
        check(&m, &events, n);
    arena_done(&arena);
    return 0;
}
