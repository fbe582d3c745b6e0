/* test_smtp_starttls: STARTTLS at the session: what is answered, what is forgotten, and that nothing gets in behind it. */
#include "net/smtp_session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define READY    "220 2.0.0 ready for TLS\r\n"
#define INJECTED "554 5.5.1 bytes came after STARTTLS in plain text\r\n"

static const struct smtp_limits limits = {
    .message_bytes = 400, .recipients = 3, .command_bytes = 200, .errors = 10, .junk_commands = 20
};

struct device {
    struct smtp_session *session;
    struct buf heard;
    enum smtp_want want;
    bool was_refused;
};

static void device_open(struct device *d)
{
    *d = (struct device){ .session = smtp_session_new(&limits, "gate", "192.0.2.7") };
    assert_non_null(d->session);
    buf_init(&d->heard, 64 * 1024);
    smtp_session_offer_tls(d->session, true);
}

static void device_done(struct device *d)
{
    smtp_session_free(&d->session);
    buf_done(&d->heard);
}

static void say(struct device *d, const char *text, size_t n)
{
    size_t used;
    d->want = smtp_session_feed(d->session, text, n, &used);
    const struct smtp_refusal *r = smtp_session_refusal(d->session);
    d->was_refused = d->was_refused || (r && strcmp(r->reason, "starttls") == 0);
    struct buf *out = smtp_session_out(d->session);
    buf_put(&d->heard, out->data, out->len);
    buf_clear(out);
}

/* What the device hears to one text. */
static const char *hears(struct device *d, const char *text)
{
    buf_clear(&d->heard);
    say(d, text, strlen(text));
    return buf_str(&d->heard);
}

static void test_starttls_is_offered_taken_and_then_no_more(void **state)
{
    (void)state;
    struct device d;
    device_open(&d);
    assert_non_null(strstr(hears(&d, "EHLO cam\r\n"), "250-STARTTLS\r\n"));
    assert_string_equal(hears(&d, "starttls\r\n"), READY);
    assert_int_equal(d.want, SMTP_WANT_TLS);
    smtp_session_tls_on(d.session, "TLSv1.2");
    assert_null(strstr(hears(&d, "EHLO cam\r\n"), "STARTTLS"));
    assert_string_equal(hears(&d, "STARTTLS\r\n"), "554 5.5.1 TLS is active already\r\n");
    assert_int_equal(d.want, SMTP_WANT_READ);
    device_done(&d);
}

static void test_without_a_certificate_it_is_not_there(void **state)
{
    (void)state;
    struct device d;
    device_open(&d);
    smtp_session_offer_tls(d.session, false);
    assert_null(strstr(hears(&d, "EHLO cam\r\n"), "STARTTLS"));
    assert_string_equal(hears(&d, "STARTTLS\r\n"), "454 4.7.0 TLS is not available\r\n");
    assert_int_equal(d.want, SMTP_WANT_READ);
    device_done(&d);
}

static void test_all_that_was_said_before_is_forgotten(void **state)
{
    (void)state;
    struct device d;
    device_open(&d);
    (void)hears(&d, "EHLO forged\r\nAUTH PLAIN AGNhbQBzZWNyZXQ=\r\nMAIL FROM:<forged@x>\r\nRCPT TO:<a@b>\r\nSTARTTLS\r\n");
    assert_int_equal(d.want, SMTP_WANT_TLS);
    assert_string_equal(smtp_session_envelope(d.session)->login, "cam");
    smtp_session_tls_on(d.session, "TLSv1.3");
    const struct envelope *env = smtp_session_envelope(d.session);
    assert_string_equal(env->helo, "");
    assert_string_equal(env->login, "");
    assert_string_equal(env->from, "");
    assert_int_equal(env->to_count, 0);
    assert_string_equal(env->tls, "TLSv1.3");
    assert_string_equal(hears(&d, "DATA\r\n"), "503 5.5.1 need MAIL and RCPT first\r\n");
    assert_string_equal(hears(&d, "AUTH PLAIN AGNhbQBzZWNyZXQ=\r\n"), "235 2.7.0 welcome\r\n");
    device_done(&d);
}

/* CVE-2011-0411, however the bytes are cut into packets. */
static void test_plain_bytes_after_starttls_end_the_conversation(void **state)
{
    (void)state;
    static const char text[] = "STARTTLS\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<a@b>\r\nDATA\r\nx\r\n.\r\n";
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        struct device d;
        device_open(&d);
        say(&d, text, cut);
        if (d.want != SMTP_WANT_CLOSE)
            say(&d, text + cut, sizeof text - 1 - cut);
        assert_string_equal(buf_str(&d.heard), READY INJECTED);
        assert_int_equal(d.want, SMTP_WANT_CLOSE);
        assert_true(d.was_refused);
        device_done(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starttls_is_offered_taken_and_then_no_more),
        cmocka_unit_test(test_without_a_certificate_it_is_not_there),
        cmocka_unit_test(test_all_that_was_said_before_is_forgotten),
        cmocka_unit_test(test_plain_bytes_after_starttls_end_the_conversation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
