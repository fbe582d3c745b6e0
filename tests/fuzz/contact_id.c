/* Any bytes as a frame, in a buffer of exactly their size; then as the text of a mail to the Contact-ID recipient. The first byte
 * chooses the language. */
#include "parsers/contact_id.h"
#include "parsers/parser.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

/* What was read lies within what was given, and means an event that tells it all. */
static void check_frame(const char *s, size_t n, const char *language)
{
    struct contact_id c;
    struct arena      arena;
    size_t            taken = contact_id_read(s, n, &c);
    if (taken == 0)
        return;
    arena_init(&arena, 4096);
    struct events       events = { .arena = &arena };
    const struct event *ev = contact_id_event(&c, language, &events);
    if (taken > n || c.whole != s || c.length != taken || c.account < s || c.account + c.account_length > s + n || c.account_length == 0)
        abort();
    if (!ev || !kind_is_known(ev->kind) || (!memchr(s, 0, taken) && strlen(ev->text) < taken))
        abort();
    arena_done(&arena);
}

static void check_mail(const char *text, size_t n, const char *language)
{
    static const char *const to[] = { "contact-id@h" };
    const struct parser_site site = { .alarm_user = "alarm", .status_user = "status", .language = language };
    const struct envelope    envelope = { "smtp", "192.0.2.1", "", "", "a@b", to, 1 };
    struct mail  m = { .site = &site, .envelope = &envelope, .subject = "", .text = text, .header_from = "", .mailer = "" };
    struct arena arena;
    struct err   e;
    arena_init(&arena, 4 * 1024 * 1024);
    struct events events = { .arena = &arena };
    if (parsers_read(&m, &events, &e) < 0 ? n < 64 * 1024 : events.count == 0)
        abort();
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    if (n == 0)
        return 0;
    const char *language = bytes[0] & 1 ? "de" : "en";
    char       *frame = malloc(n > 1 ? n - 1 : 1), *text = calloc(1, n);
    if (!frame || !text)
        abort();
    memcpy(frame, bytes + 1, n - 1);
    memcpy(text, bytes + 1, n - 1);
    check_frame(frame, n - 1, language);
    check_mail(text, n, language);
    free(frame);
    free(text);
    return 0;
}
