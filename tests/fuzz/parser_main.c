/* Any text as a mail for one PARSER: the first byte chooses recipient and attachments; NULs part subject, text, names of attachments. */
#include "parsers/parser.h"
#include <stdlib.h>
#include <string.h>

extern const struct parser PARSER;
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

enum { MEDIA_MAX = 8 };
static const char *const types[] = { "image/jpeg", "video/mp4", "application/octet-stream", "image/gif" };

/* The rest up to the next NUL; *at moves behind it, and stays at the end. */
static const char *next(const char **at, const char *end)
{
    const char *s = *at;
    *at += strlen(s) + (s < end);
    return s;
}

static size_t read_names(struct media media[MEDIA_MAX], const char *at, const char *end, unsigned choice)
{
    size_t n = 0;
    for (; at < end && n < MEDIA_MAX; n++)
        media[n] = (struct media){ .n = (int)n + 1, .type = types[(choice + n) % 4], .name = next(&at, end) };
    return n;
}

/* Whatever it makes of the mail, it is an event that can be told. */
static void check(const struct events *events)
{
    if (events->count == 0)
        abort();
    for (size_t i = 0; i < events->count; i++) {
        const struct event *ev = &events->items[i];
        if (!kind_is_known(ev->kind) || !ev->device_name || !ev->text || (ev->drift_ms != DRIFT_UNKNOWN && !ev->device_time))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static const struct parser_site site = { .alarm_user = "alarm", .status_user = "status", .language = "de" };
    static const char *const        all[] = { "alarm@h", "status@h", "gate@h" };
    const struct envelope envelope = { "smtp", "192.0.2.1", "", "", "a@b", &all[n ? bytes[0] % 3U : 0], 1 };
    struct media          media[MEDIA_MAX];
    struct arena          arena;
    struct err            e;
    char                 *copy = calloc(1, n + 2); /* at least the choice and a NUL */
    if (!copy)
        abort();
    memcpy(copy, bytes, n);
    const char *at = copy + 1, *end = copy + (n ? n : 1);
    struct mail m = { .site = &site, .envelope = &envelope, .header_from = "", .mailer = "", .received_ms = 1795227165000, .media = media };
    m.subject = next(&at, end);
    m.text = next(&at, end);
    m.media_count = read_names(media, at, end, (unsigned char)copy[0] >> 4U);
    arena_init(&arena, 4 * 1024 * 1024);
    struct events events = { .arena = &arena };
    if (PARSER.score(&m) > 0 && PARSER.parse(&m, &events, &e) == 0)
        check(&events);
    arena_done(&arena);
    free(copy);
    return 0;
}
