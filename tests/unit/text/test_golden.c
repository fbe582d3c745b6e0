/* The golden files: the text of every kind, in every language, for every provider (tests/data/golden/<language>-<provider>.txt).
 * A change of wording shows as a difference there; `test_golden FOLDER write` writes them anew. */
#include "core/clock.h"
#include "service/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* */
#include <cmocka.h>

static const char *folder;
static bool        is_writing;

/* 2026-11-21 03:12:45 in Berlin. */
static const int64_t night = 1795227165000;

static const struct media pictures[2] = { { .n = 1, .type = "image/jpeg" }, { .n = 2, .type = "image/jpeg" } };

/* An event of this kind as its device would tell it. */
static struct event sample(const char *kind, bool restored)
{
    struct event ev = { .kind = kind, .restored = restored, .severity = kind_severity(kind, restored), .device_id = "panel",
                        .device_name = "panel", .zone_number = ZONE_NONE, .text = "Zone:8 Gästezimmer, „…“ – Café" };
    if (kind_matches("camera.*", kind)) {
        ev.device_name = "Einfahrt";
        ev.media = pictures;
        ev.media_count = 2;
    } else if (kind_matches("mode.*", kind)) {
        ev.user = "Jörg Weiß";
    } else if (kind_matches("system.*", kind)) {
        ev.text = NULL;
    } else if (strcmp(kind, "unreadable") == 0) {
        ev.text = "312 kB";
        ev.device_name = "Einfahrt";
    } else if (strcmp(kind, "unknown") != 0) {
        ev.zone_number = 8;
        ev.zone_name = "Gästezimmer";
    }
    return ev;
}

static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *text);
    }
}

static void put_sample(struct buf *out, const struct text_style *style, const char *kind, bool restored)
{
    struct event        ev = sample(kind, restored);
    struct event_origin o = { .site = "Ferienhaus", .arrival = "01JD5Z000000000000007ZQ4KD", .parser = "lupusec", .received_ms = night };
    CLEANUP(buf_done) struct buf title, text;
    buf_init(&title, 1000);
    buf_init(&text, 8000);
    text_compose(style, &(struct text_input){ .events = &ev, .origins = &o, .count = 1 }, &title, &text);
    buf_printf(out, "%s%s\t%s\t", kind, restored ? " restored" : "", buf_str(&title));
    put_escaped(out, buf_str(&text));
    buf_putc(out, '\n');
}

static void put_all(struct buf *out, const struct text_style *style)
{
    for (unsigned i = 0; kind_at(i); i++) {
        put_sample(out, style, kind_at(i), false);
        if (kind_severity(kind_at(i), true) != kind_severity(kind_at(i), false))
            put_sample(out, style, kind_at(i), true);
    }
}

static void read_file(const char *path, struct buf *out)
{
    char  chunk[4096];
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing: run the test with a second argument, write", path);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_put(out, chunk, n);
    (void)fclose(f);
}

static void write_file(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text->data, 1, text->len, f), text->len);
    assert_int_equal(fclose(f), 0);
}

static void check_file(const char *language, const struct provider *p)
{
    struct account    a = { .name = "test", .provider = p };
    struct text_style style;
    text_style_init(&style, &a, language, "Ferienhaus");
    CLEANUP(buf_done) struct buf now, golden;
    buf_init(&now, 1 << 20);
    buf_init(&golden, 1 << 20);
    put_all(&now, &style);
    assert_false(now.failed);
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s-%s.txt", folder, language, p->name);
    if (is_writing)
        write_file(path, &now);
    read_file(path, &golden);
    if (strcmp(buf_str(&now), buf_str(&golden)) != 0)
        fail_msg("%s differs; now it is:\n%s", path, buf_str(&now));
}

static void test_every_kind_reads_as_its_golden_file_says(void **state)
{
    (void)state;
    for (size_t l = 0; words_language(l); l++)
        for (size_t i = 0; providers[i]; i++)
            check_file(words_language(l), providers[i]);
}

int main(int argc, char **argv)
{
    folder = argc > 1 ? argv[1] : "tests/data/golden";
    is_writing = argc > 2 && strcmp(argv[2], "write") == 0;
    if (clock_use_zone("Europe/Berlin") < 0)
        return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_kind_reads_as_its_golden_file_says) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
