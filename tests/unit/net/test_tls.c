/* test_tls: our end of TLS against a device's, through buffers: handshakes, records in any pieces, ends and failures. */
#include "net/tls.h"
#include "net/tls_pair.h"
#include "tls_device.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TLS10 = 0x0301, TLS11 = 0x0302, TLS12 = 0x0303, TLS13 = 0x0304 };

static struct tls_context *context(enum tls_least least)
{
    CLEANUP(tls_pair_free) struct tls_pair *pair = NULL;
    struct tls_context *c = NULL;
    struct err e;
    assert_int_equal(tls_pair_read(tls_device_pair(), tls_device_pair(), &pair, &e), 0);
    if (tls_context_new(pair, least, &c, &e) < 0)
        fail_msg("%s", e.text);
    return c;
}

/* Two ends and what we understood. */
struct link {
    struct tls *us;
    struct tls_device *device;
    struct buf plain;
};

static void link_open(struct link *l, enum tls_least least, int from, int to, const char *ciphers)
{
    struct tls_context *c = context(least);
    l->us = tls_new(c);
    assert_non_null(l->us);
    tls_context_drop(&c); /* the connection keeps it */
    l->device = tls_device_new(from, to, ciphers);
    buf_init(&l->plain, 64U << 20);
}

static void link_done(struct link *l)
{
    tls_free(&l->us);
    tls_device_free(&l->device);
    buf_done(&l->plain);
}

static void carry(struct link *l, size_t step)
{
    tls_device_carry(l->device, l->us, &l->plain, step);
}

/* --- handshakes ------------------------------------------------------------------------------------------------------ */

static const struct meeting {
    enum tls_least least;
    int from, to;
    const char *ciphers;
    const char *version;                 /* NULL: they do not meet, and then: */
    const char *reason, *setting, *text; /* text: a part of it                */
} meetings[] = {
    { TLS_1_2, TLS12, TLS13, NULL, "TLSv1.3", NULL, NULL, NULL },
    { TLS_1_2, TLS10, TLS12, NULL, "TLSv1.2", NULL, NULL, NULL },
    { TLS_1_2, TLS12, TLS12, "AES128-SHA", "TLSv1.2", NULL, NULL, NULL }, /* RSA key exchange, as old cameras do it */
    { TLS_1_3, TLS12, TLS13, NULL, "TLSv1.3", NULL, NULL, NULL },
    { TLS_LEGACY, TLS12, TLS13, NULL, "TLSv1.3", NULL, NULL, NULL },
    { TLS_LEGACY, TLS10, TLS10, NULL, "TLSv1", NULL, NULL, NULL },
    { TLS_LEGACY, TLS10, TLS10, "AES128-SHA", "TLSv1", NULL, NULL, NULL },
    { TLS_LEGACY, TLS10, TLS11, "DHE-RSA-AES128-SHA", "TLSv1.1", NULL, NULL, NULL },
    { TLS_1_2, TLS10, TLS10, NULL, NULL, "version", "Smtp:Legacy", "this device speaks TLS 1.0" },
    { TLS_1_2, TLS10, TLS11, NULL, NULL, "version", "Smtp:Legacy", "this device speaks TLS 1.1" },
    { TLS_1_3, TLS10, TLS12, NULL, NULL, "version", "Smtp:TlsMinimum", "this device speaks TLS 1.2" },
    { TLS_1_2, TLS12, TLS12, "ECDHE-ECDSA-AES128-SHA256", NULL, "ciphers", "Smtp:Legacy", "no shared cipher" },
};

static void assert_failed(const struct link *l, const struct meeting *m)
{
    assert_int_equal(tls_state(l->us), TLS_FAILED);
    assert_string_equal(tls_failure(l->us)->reason, m->reason);
    assert_string_equal(tls_failure(l->us)->setting, m->setting);
    assert_non_null(strstr(tls_failure(l->us)->text, m->text));
}

static void test_who_meets_whom(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(meetings); i++) {
        const struct meeting *m = &meetings[i];
        struct link l;
        link_open(&l, m->least, m->from, m->to, m->ciphers);
        carry(&l, i % 2 ? 1 : 1400);
        if (!m->version) {
            assert_failed(&l, m);
        } else {
            if (tls_state(l.us) != TLS_OPEN)
                fail_msg("meeting %zu: %s", i, tls_failure(l.us)->text);
            assert_true(tls_device_is_open(l.device));
            assert_string_equal(tls_version(l.us), m->version);
            assert_true(strlen(tls_cipher(l.us)) > 0);
        }
        link_done(&l);
    }
}

static void test_plain_text_instead_of_a_handshake_fails_at_once(void **state)
{
    (void)state;
    static const char *const texts[] = { "EHLO camera\r\n", "POST / HTTP/1.1\r\nHost: gate\r\n\r\n", "MAIL FROM:<a@b>\r\n" };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct link l;
        link_open(&l, TLS_1_2, 0, 0, NULL);
        assert_int_equal(tls_feed(l.us, texts[i], strlen(texts[i]), &l.plain), TLS_FAILED);
        assert_string_equal(tls_failure(l.us)->reason, "not_tls");
        assert_int_equal(l.plain.len, 0);
        assert_int_equal(tls_feed(l.us, texts[i], strlen(texts[i]), &l.plain), TLS_FAILED); /* and stays so */
        assert_int_equal(tls_put(l.us, "x", 1), -1);
        link_done(&l);
    }
}

static void test_nothing_is_said_in_plain_before_the_handshake(void **state)
{
    (void)state;
    struct link l;
    link_open(&l, TLS_1_2, 0, 0, NULL);
    assert_int_equal(tls_put(l.us, "220 gate\r\n", 10), 0);
    tls_end(l.us);
    assert_int_equal(tls_out(l.us)->len, 0);
    link_done(&l);
}

/* --- records --------------------------------------------------------------------------------------------------------- */

static char *noise(size_t n)
{
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return bytes;
}

static const struct {
    int version;
    size_t step;
} pieces[] = { { TLS12, 1 }, { TLS13, 1 }, { TLS12, 7 }, { TLS13, 4096 }, { TLS13, 65536 }, { TLS12, SIZE_MAX / 2 } };

static void test_records_of_16_kib_arrive_whole_in_any_pieces(void **state)
{
    (void)state;
    enum { BYTES = 200 * 1000 };
    char *bytes = noise(BYTES);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct link l;
        link_open(&l, TLS_1_2, pieces[i].version, pieces[i].version, NULL);
        carry(&l, pieces[i].step);
        assert_int_equal(tls_state(l.us), TLS_OPEN);
        tls_device_say(l.device, bytes, BYTES);
        assert_int_equal(tls_put(l.us, bytes, BYTES), 0);
        carry(&l, pieces[i].step);
        assert_int_equal(l.plain.len, BYTES);
        assert_memory_equal(l.plain.data, bytes, BYTES);
        assert_int_equal(tls_device_plain(l.device)->len, BYTES);
        assert_memory_equal(tls_device_plain(l.device)->data, bytes, BYTES);
        link_done(&l);
    }
    free(bytes);
}

static void test_a_record_that_was_touched_fails(void **state)
{
    (void)state;
    struct link l;
    link_open(&l, TLS_1_2, 0, 0, NULL);
    carry(&l, 1000);
    tls_device_say(l.device, "MAIL FROM:<a@b>\r\n", 17);
    struct buf *theirs = tls_device_out(l.device);
    theirs->data[theirs->len - 1] ^= 1;
    assert_int_equal(tls_feed(l.us, theirs->data, theirs->len, &l.plain), TLS_FAILED);
    assert_string_equal(tls_failure(l.us)->reason, "other");
    assert_true(strlen(tls_failure(l.us)->text) > 0);
    assert_int_equal(l.plain.len, 0);
    link_done(&l);
}

/* --- ends ------------------------------------------------------------------------------------------------------------- */

static void test_both_ends_can_say_that_they_are_done(void **state)
{
    (void)state;
    struct link l;
    link_open(&l, TLS_1_2, 0, 0, NULL);
    carry(&l, 1000);
    tls_device_say(l.device, "QUIT\r\n", 6);
    tls_device_end(l.device);
    carry(&l, 1);
    assert_int_equal(tls_state(l.us), TLS_ENDED);
    assert_string_equal(buf_str(&l.plain), "QUIT\r\n");
    assert_int_equal(tls_put(l.us, "221 bye\r\n", 9), 0); /* it may still listen */
    tls_end(l.us);
    carry(&l, 1);
    assert_true(tls_device_has_heard_the_end(l.device));
    link_done(&l);
}

static void test_a_handshake_may_be_left_at_any_byte(void **state)
{
    (void)state;
    struct link l;
    link_open(&l, TLS_1_2, 0, 0, NULL);
    tls_device_hear(l.device, NULL, 0);
    size_t hello = tls_device_out(l.device)->len;
    char *bytes = malloc(hello);
    memcpy(bytes, tls_device_out(l.device)->data, hello);
    link_done(&l);
    for (size_t n = 0; n <= hello; n += 13) {
        link_open(&l, TLS_1_2, 0, 0, NULL);
        assert_int_equal(tls_feed(l.us, bytes, n, &l.plain), TLS_HANDSHAKE);
        link_done(&l);
    }
    free(bytes);
}

static void test_a_context_lives_as_long_as_its_last_user(void **state)
{
    (void)state;
    struct link l;
    link_open(&l, TLS_1_2, 0, 0, NULL); /* its context was dropped there */
    carry(&l, 100);
    assert_int_equal(tls_state(l.us), TLS_OPEN);
    tls_rest(l.us);
    link_done(&l);
    struct tls_context *none = NULL;
    assert_null(tls_context_keep(none));
    tls_context_drop(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_meets_whom),
        cmocka_unit_test(test_plain_text_instead_of_a_handshake_fails_at_once),
        cmocka_unit_test(test_nothing_is_said_in_plain_before_the_handshake),
        cmocka_unit_test(test_records_of_16_kib_arrive_whole_in_any_pieces),
        cmocka_unit_test(test_a_record_that_was_touched_fails),
        cmocka_unit_test(test_both_ends_can_say_that_they_are_done),
        cmocka_unit_test(test_a_handshake_may_be_left_at_any_byte),
        cmocka_unit_test(test_a_context_lives_as_long_as_its_last_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
