/* Fuzz: from plain text to TLS. The first byte is the size of the pieces, the second the manner; then what is said in plain text, a
 * byte 0xFF, and what follows: raw bytes instead of a handshake (0), text under TLS (1), or that with one byte touched (2). */
#include "../unit/net/tls_device.h"
#include "net/smtp_session.h"
#include "net/tls_pair.h"
#include <stdlib.h>
#include <string.h>

static const struct smtp_limits limits = { 600, 3, 120, 6, 12 };
static struct tls_context *context;
#define MUST(holds) ((holds) ? (void)0 : abort())
static enum smtp_want say(struct smtp_session *s, const char *bytes, size_t n, size_t step)
{
    enum smtp_want want = SMTP_WANT_READ;
    for (size_t at = 0, used; at < n && want != SMTP_WANT_CLOSE; at += used) {
        bool was_tls = want == SMTP_WANT_TLS;
        want = smtp_session_feed(s, bytes + at, n - at < step ? n - at : step, &used);
        MUST(!was_tls || want == SMTP_WANT_CLOSE); /* nothing gets in behind STARTTLS */
        if (want == SMTP_WANT_COMMIT)
            smtp_session_committed(s, "01ID", NULL);
        buf_clear(smtp_session_out(s));
    }
    return want;
}

static void hand_over(struct smtp_session *s, const char *rest, size_t n, size_t step, int manner)
{
    CLEANUP(tls_free) struct tls *us = tls_new(context);
    CLEANUP(tls_device_free) struct tls_device *device = tls_device_new(0, 0, NULL);
    CLEANUP(buf_done) struct buf plain = { .max = 1 << 20 };
    MUST(manner > 0 || (tls_feed(us, rest, n, &plain) != TLS_OPEN && plain.len == 0));
    if (manner == 0 || n == 0)
        return;
    tls_device_carry(device, us, &plain, step);
    tls_device_say(device, rest, n);
    if (manner == 2)
        tls_device_out(device)->data[(uint8_t)rest[0] * tls_device_out(device)->len / 256] ^= 1;
    tls_device_carry(device, us, &plain, step);
    MUST(plain.len == (manner == 1 ? n : 0) && memcmp(buf_str(&plain), rest, plain.len) == 0);
    smtp_session_tls_on(s, tls_version(us));
    const struct envelope *env = smtp_session_envelope(s);
    MUST(!env->helo[0] && !env->login[0] && !env->from[0] && env->to_count == 0); /* all before is forgotten */
    (void)say(s, buf_str(&plain), plain.len, step);
    MUST(tls_put(us, "250 ok\r\n", 8) == (tls_state(us) == TLS_FAILED ? -1 : 0));
    tls_end(us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_pair *pair; /* it and the context stay to the end */
    if (!pair)
        MUST(tls_pair_read(tls_device_pair(), tls_device_pair(), &pair, NULL) == 0 && tls_context_new(pair, TLS_1_2, &context, NULL) == 0);
    if (size < 3 || size > 4096)
        return -1;
    const uint8_t *end = memchr(data + 2, 0xFF, size - 2);
    size_t before = end ? (size_t)(end - data) - 2 : size - 2, rest = end ? size - before - 3 : 0;
    struct smtp_session *s = smtp_session_new(&limits, "gate", "192.0.2.7");
    smtp_session_offer_tls(s, true);
    if (say(s, (const char *)data + 2, before, data[0] + 1U) == SMTP_WANT_TLS)
        hand_over(s, (const char *)data + size - rest, rest, data[0] + 1U, data[1] % 3);
    smtp_session_free(&s);
    return 0;
}
