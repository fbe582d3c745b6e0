/* test_head: when a mail came, from whom and to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/import_head.h"
#include <stdlib.h>
#include <string.h>

static const int64_t day = INT64_C(1763690400000); /* 21 November 2025, 02:00:00 UTC */

static const struct {
    const char *raw;
    bool        is_mail;
    int64_t     after_day_s; /* -1: no time */
    const char *from, *to;
} rows[] = {
    { "Date: Fri, 21 Nov 2025 03:00:05 +0100\r\nFrom: \"A, B\" <a@b.c>\r\nTo: x@y (X), z@y\r\n\r\n", true, 5, "a@b.c", "x@y" },
    { "Received: by a; Fri, 21 Nov 2025 02:00:09 +0000 (UTC)\nReceived: by b; Fri, 21 Nov 2025 01:00:00 +0000\nDate: Thu, 1 Jan 1970 00:00:00 +0000\n\n",
      true, 9, "", "" },
    { "Received: from x\r\n\tby y; Fri,\r\n 21 Nov 2025 02:00:07 GMT\r\n\r\n", true, 7, "", "" },
    { "Received: no date\r\nDate: Fri, 21 Nov 2025 02:00:01 GMT\r\n\r\n", true, 1, "", "" },
    { "To: a@x\r\nDelivered-To: b@x\r\nX-Original-To: alarm@x\r\nEnvelope-To: c@x\r\nReturn-Path: <p@x>\r\nFrom: q@x\r\n\r\n", true, -1, "p@x", "alarm@x" },
    { "Return-Path: <>\r\nFrom: q@x\r\n\r\n", true, -1, "q@x", "" },
    { "Date: Fri, 21 Nov 2098 03:00:05 +0100\r\n\r\n", true, -1, "", "" },
    { "Date: Sat, 1 Jan 1980 03:00:05 +0100\r\n\r\n", true, -1, "", "" },
    { "Subject: x\r\n\r\nDate: Fri, 21 Nov 2025 02:00:01 GMT\r\n", true, -1, "", "" },
    { "To: <a b@x>\r\nFrom: <\x01@x>\r\n\r\n", true, -1, "", "" },
    { "not a header\r\n", false, -1, "", "" },
    { "", false, -1, "", "" },
    { "\r\n", false, -1, "", "" },
    { " folded: first\r\n", false, -1, "", "" },
    { ": no name\r\n", false, -1, "", "" },
    { "Subject:", true, -1, "", "" },
};

static void test_heads_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct import_head head;
        import_head_read(rows[i].raw, strlen(rows[i].raw), &head);
        assert_int_equal(head.is_mail, rows[i].is_mail);
        assert_int_equal(head.time_ms, rows[i].after_day_s < 0 ? 0 : day + rows[i].after_day_s * 1000);
        assert_string_equal(head.from, rows[i].from);
        assert_string_equal(head.to, rows[i].to);
    }
}

/* Each beginning of each mail, in a block of exactly its size: nothing behind it is looked at. */
static void test_a_mail_may_end_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t n = 0; n <= strlen(rows[i].raw); n++) {
            struct import_head head;
            char              *exact = malloc(n + !n);
            memcpy(exact, rows[i].raw, n);
            import_head_read(exact, n, &head);
            free(exact);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_heads_are_read), cmocka_unit_test(test_a_mail_may_end_anywhere) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
