/* Owner's rules: by the first byte a mail to fixed rules, or the settings' list itself and a mail; subject and text parted by a NUL. */
#include "parsers/rules.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static const char fixed[] =
    "[{\"Name\":\"a\",\"Where\":[\"subject\",\"body\",\"sender\",\"recipient\",\"attachment\"],\"Pattern\":\"(?<zone>\\\\d+|\\\\pL+) (?<kind>\\\\w+)"
    "(?: by (?<user>.*?))? at (?<time>[^,]*)(?:, (?<text>.*))?\",\"Kinds\":{\"open\":\"zone.open\"},\"Kind\":\"unknown\",\"Example\":\"7 open at 1\"},"
    "{\"Name\":\"b\",\"Pattern\":\"(?<device>(a+|\\\\s?)+)+$\",\"Kind\":\"camera.motion restored\",\"Severity\":\"alarm\",\"MonthFirst\":true}]";

static void read_mail(const char *json, size_t n, const char *subject, const char *text)
{
    static const char *const to[] = { "alarm@h" };
    const struct envelope    envelope = { "smtp", "192.0.2.1", "", "", "a@b", to, 1 };
    const struct media       medium = { .n = 1, .type = "image/jpeg", .name = text };
    struct rules            *rules = NULL;
    struct err               e;
    if (rules_read(json, n, &rules, NULL, NULL, &e) < 0)
        return;
    const struct parser_site site = { .alarm_user = "alarm", .status_user = "status", .language = "en", .rules = rules };
    const struct mail        m = { &site, &envelope, NULL, subject, text, subject, "", 0, 0, 1795227165000, &medium, 1 };
    struct arena             arena;
    arena_init(&arena, 4 * 1024 * 1024);
    struct events events = { .arena = &arena };
    clock_t       before = clock();
    int           r = rules_apply(rules, &m, &events, &e);
    if (clock() - before > CLOCKS_PER_SEC / 2 || (r > 0) != (events.count == 1) || (r > 0 && !kind_is_known(events.items[0].kind)))
        abort();
    struct buf out;
    buf_init(&out, 1 << 20);
    struct json_out w = json_begin(&out);
    (void)rules_explain(rules, "a", &m, &arena, &w, &e);
    buf_done(&out);
    arena_done(&arena);
    rules_free(&rules);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    char *copy = calloc(1, n + 2), *first = copy + 1;
    memcpy(copy, bytes, n);
    const char *second = first + strlen(first) + (strlen(first) + 1 < n);
    if (n == 0 || bytes[0] % 2U == 0)
        read_mail(fixed, sizeof fixed - 1, first, second);
    else
        read_mail(first, strlen(first), "Gate 2 open at 21.11.2026 03:12", second);
    free(copy);
    return 0;
}
