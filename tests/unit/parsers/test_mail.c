/* mail_read's ceilings and places; what it reads of ordinary mails is in tests/data and tests/protocol/test_inspect_samples.py. */
#include "core/decoder.h"
#include "parsers/mail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct arena arena;
static struct mail  mail;

static int read_bytes(const char *raw, size_t n)
{
    struct err e;
    arena_done(&arena);
    arena_init(&arena, 4 * 1024 * 1024);
    mail_setup();
    return mail_read(raw, n, &arena, &mail, &e);
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void an_attachment_is_a_place_in_the_raw_mail(void **state)
{
    (void)state;
    static const char raw[] =
        "Subject: x\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\ntext\r\n--q\r\n"
        "Content-Type: application/octet-stream; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/4AAQ\r\nSkZJRg==\r\n--q\r\n"
        "Content-Type: image/gif\r\nContent-Disposition: attachment; filename=b\r\n\r\nGIF89a,\r\n\r\n--q--\r\n";
    assert_int_equal(read_bytes(raw, sizeof raw - 1), 0);
    assert_int_equal(mail.media_count, 2);
    const struct media *jpeg = &mail.media[0], *gif = &mail.media[1];
    assert_string_equal(jpeg->type, "image/jpeg");
    assert_int_equal(jpeg->encoding, ENCODING_BASE64);
    assert_memory_equal(raw + jpeg->offset, "/9j/4AAQ\r\nSkZJRg==", (size_t)jpeg->length);
    assert_int_equal(jpeg->bytes, 10);
    assert_string_equal(gif->type, "image/gif");
    assert_int_equal(gif->length, 9);
    assert_memory_equal(raw + gif->offset, "GIF89a,\r\n", 9);
    assert_int_equal(gif->n, 2);
}

static void a_text_is_cut_at_64_kib(void **state)
{
    (void)state;
    enum { BYTES = 300 * 1024 };
    char *raw = malloc(BYTES);
    assert_non_null(raw);
    memset(raw, 'x', BYTES);
    memcpy(raw, "Subject: x\r\n\r\n", 14);
    assert_int_equal(read_bytes(raw, BYTES), 0);
    assert_int_equal(strlen(mail.text), MAIL_TEXT_MAX);
    free(raw);
}

/* A buffer of what `print` writes for each i. */
static char *repeat(const char *head, const char *piece, int times, size_t *n_out)
{
    size_t h = strlen(head), k = strlen(piece);
    char  *raw = malloc(h + k * (size_t)times + 1);
    assert_non_null(raw);
    memcpy(raw, head, h);
    for (int i = 0; i < times; i++)
        memcpy(raw + h + k * (size_t)i, piece, k);
    *n_out = h + k * (size_t)times;
    raw[*n_out] = '\0';
    return raw;
}

static void parts_and_attachments_have_a_ceiling(void **state)
{
    (void)state;
    size_t n;
    char  *raw = repeat("Subject: x\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n", "--q\r\nContent-Type: image/gif\r\n\r\nGIF89a\r\n", 3000, &n);
    assert_int_equal(read_bytes(raw, n), 0);
    assert_int_equal(mail.media_count, MAIL_MEDIA_MAX);
    free(raw);
}

static void more_header_lines_than_any_device_sends_are_read_roughly(void **state)
{
    (void)state;
    size_t n;
    char  *raw = repeat("Subject: Zone:1 A, Sabotage Alarm\r\n", "X: y\r\n", MAIL_HEADER_LINES + 10, &n);
    assert_int_equal(read_bytes(raw, n), 0);
    assert_string_equal(mail.subject, "Zone:1 A, Sabotage Alarm");
    free(raw);
}

static void more_boundaries_than_any_device_sends_are_read_roughly(void **state)
{
    (void)state;
    size_t n;
    char  *raw = repeat("Subject: x\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n", "--q\r\n\r\nwords\r\n", MAIL_BOUNDARY_LINES + 10, &n);
    assert_int_equal(read_bytes(raw, n), 0);
    assert_int_equal(mail.media_count, 0);
    assert_non_null(strstr(mail.text, "words"));
    free(raw);
}

static void nesting_has_a_ceiling(void **state)
{
    (void)state;
    size_t n;
    char  *raw = repeat("Subject: x\r\n", "Content-Type: message/rfc822\r\n\r\nSubject: y\r\n", 5000, &n);
    assert_int_equal(read_bytes(raw, n), 0);
    assert_string_equal(mail.subject, "x");
    free(raw);
}

static void names_have_a_ceiling_and_no_control_characters(void **state)
{
    (void)state;
    char   head[4200] = "Subject: x\r\nContent-Type: application/pdf; name=\"a\tb";
    size_t n = strlen(head);
    memset(head + n, 'n', 3000);
    (void)snprintf(head + n + 3000, sizeof head - n - 3000, "\"\r\n\r\n%%PDF-1\r\n");
    assert_int_equal(read_bytes(head, strlen(head)), 0);
    assert_int_equal(mail.media_count, 1);
    assert_int_equal(strlen(mail.media[0].name), 255);
    assert_memory_equal(mail.media[0].name, "a b", 3);
}

static void a_full_arena_is_an_error_and_no_crash(void **state)
{
    (void)state;
    static const char raw[] = "From: a@b\r\nSubject: x\r\n\r\nsome words\r\n";
    mail_setup();
    for (size_t max = 0; max < 60; max++) {
        struct arena small;
        struct err   e;
        arena_init(&small, max);
        int r = mail_read(raw, sizeof raw - 1, &small, &mail, &e);
        assert_true(r == 0 || e.code == ERR_NOMEM);
        arena_done(&small);
    }
}

static void every_beginning_of_a_mail_is_read(void **state)
{
    (void)state;
    static const char raw[] =
        "From: =?utf-8?Q?a?= <a@b>\r\nDate: Sat, 21 Nov 2026 03:12:45 +0100\r\nSubject: =?iso-8859-1?B?5A==?=\r\n"
        "Content-Type: multipart/mixed; boundary=\"q\"\r\n\r\n--q\r\nContent-Type: text/html\r\n\r\n<p>a</p>\r\n--q\r\n"
        "Content-Type: image/jpeg; name*0=a; name*1=b\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/\r\n--q--\r\n";
    for (size_t n = 0; n < sizeof raw; n++)
        assert_int_equal(read_bytes(raw, n), 0);
    assert_int_equal(mail.date_ms, 1795227165000);
    assert_string_equal(mail.header_from, "a@b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attachment_is_a_place_in_the_raw_mail),
        cmocka_unit_test(a_text_is_cut_at_64_kib),
        cmocka_unit_test(parts_and_attachments_have_a_ceiling),
        cmocka_unit_test(more_header_lines_than_any_device_sends_are_read_roughly),
        cmocka_unit_test(more_boundaries_than_any_device_sends_are_read_roughly),
        cmocka_unit_test(nesting_has_a_ceiling),
        cmocka_unit_test(names_have_a_ceiling_and_no_control_characters),
        cmocka_unit_test(a_full_arena_is_an_error_and_no_crash),
        cmocka_unit_test(every_beginning_of_a_mail_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
