/* Any text as a panel's mail, to each of its recipients. The first byte chooses the recipient, a NUL parts subject from text. */
#include "parsers/parser.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static char *copy_text(const unsigned char *bytes, size_t n)
{
    char *text = calloc(1, n + 1);
    if (!text)
        abort();
    memcpy(text, bytes, n);
    return text;
}

/* Whatever it says, it is told: at least one event, of a kind, and an unknown text to the alarm's address is an alarm. */
static void check(const struct events *events, bool is_for_alarm)
{
    if (events->count == 0)
        abort();
    for (size_t i = 0; i < events->count; i++) {
        const struct event *ev = &events->items[i];
        if (!kind_is_known(ev->kind) || (is_for_alarm && strcmp(ev->kind, "unknown") == 0 && ev->severity != SEVERITY_ALARM))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static const struct parser_site site = { "alarm", "status", "de" };
    static const char *const        all[] = { "alarm@h", "status@h", "else@h" };
    if (n == 0)
        return 0;
    unsigned              which = bytes[0] % 3U;
    const struct envelope envelope = { "smtp", "192.0.2.1", "", "", "a@b", &all[which], 1 };
    char                 *text = copy_text(bytes + 1, n - 1), *subject = text + strlen(text) + ((size_t)(n - 1) > strlen(text));
    struct arena          arena;
    struct err            e;
    struct mail           m = { .site = &site, .envelope = &envelope, .subject = subject, .text = text, .header_from = "", .mailer = "" };
    arena_init(&arena, 4 * 1024 * 1024);
    struct events events = { .arena = &arena };
    if (parsers_read(&m, &events, &e) == 0)
        check(&events, which == 0);
    else if (n < 64 * 1024)
        abort();
    arena_done(&arena);
    free(text);
    return 0;
}
