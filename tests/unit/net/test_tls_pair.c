/* test_tls_pair: certificates and keys as texts: made, read, and what is wrong with those that owners give us. */
#include "net/tls_pair.h"
#include "tls_device.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_a_pair_that_was_made_can_be_read_and_looked_at(void **state)
{
    (void)state;
    CLEANUP(tls_pair_free) struct tls_pair *pair = NULL;
    struct err e;
    char fingerprint[TLS_FINGERPRINT];
    assert_int_equal(tls_pair_read(tls_device_pair(), tls_device_pair(), &pair, &e), 0);
    assert_int_equal(strlen(tls_pair_fingerprint(pair, fingerprint)), 95);
    assert_int_equal(strspn(fingerprint, "0123456789ABCDEF:"), 95);
    assert_true(tls_pair_until_ms(pair) == INT64_C(2145916799000)); /* 2037-12-31T23:59:59Z, also with a 32-bit time_t */
}

static void test_any_name_makes_a_certificate(void **state)
{
    (void)state;
    static const char *const names[] = { "", "a name, with blanks", "ümläut", "0123456789012345678901234567890123456789012345678901234567890123456789.example" };
    for (size_t i = 0; i < COUNT(names); i++) {
        CLEANUP(buf_done) struct buf text;
        CLEANUP(tls_pair_free) struct tls_pair *pair = NULL;
        struct err e;
        buf_init(&text, 64 * 1024);
        if (tls_pair_make(names[i], &text, &e) < 0)
            fail_msg("%s: %s", names[i], e.text);
        assert_int_equal(tls_pair_read(buf_str(&text), buf_str(&text), &pair, &e), 0);
    }
}

static void test_two_pairs_are_not_the_same(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf other;
    CLEANUP(tls_pair_free) struct tls_pair *pair = NULL;
    struct err e;
    buf_init(&other, 64 * 1024);
    assert_int_equal(tls_pair_make("other", &other, &e), 0);
    assert_int_equal(tls_pair_read(tls_device_pair(), buf_str(&other), &pair, &e), -1);
    assert_string_equal(e.text, "the key is not the one of the certificate");
    assert_null(pair);
}

static const struct {
    const char *certificate, *key, *text;
} wrongs[] = {
    { "", NULL, "no certificate in PEM form" },
    { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NULL, "no certificate in PEM form" },
    { NULL, "", "no key in PEM form" },
    { NULL, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no key in PEM form" },
    { NULL, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n", "the key has a passphrase" },
};

static void test_what_is_wrong_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        CLEANUP(tls_pair_free) struct tls_pair *pair = NULL;
        struct err e;
        const char *certificate = wrongs[i].certificate ? wrongs[i].certificate : tls_device_pair();
        assert_int_equal(tls_pair_read(certificate, wrongs[i].key ? wrongs[i].key : tls_device_pair(), &pair, &e), -1);
        if (!strstr(e.text, wrongs[i].text))
            fail_msg("%zu: %s", i, e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pair_that_was_made_can_be_read_and_looked_at),
        cmocka_unit_test(test_any_name_makes_a_certificate),
        cmocka_unit_test(test_two_pairs_are_not_the_same),
        cmocka_unit_test(test_what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
