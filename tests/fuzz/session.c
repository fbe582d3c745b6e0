/* Fuzz: the SMTP session. The first byte is the size of the pieces it is fed in, the second how all around it behaves (two bits each:
 * store, policy, logins, profile); the rest is the conversation. Fed whole and in pieces it must end the same. */
#include "net/smtp_session.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct smtp_limits limits = { 600, 3, 120, 6, 12 };
static const char *const profiles[] = { "default", "reolink", "short", "greeting" };
#define MUST(holds) ((holds) ? (void)0 : abort())

static void commit(struct smtp_session *s, struct buf *kept, uint8_t manner)
{
    static const enum err_code codes[] = { ERR_NONE, ERR_FULL, ERR_IO, ERR_LIMIT };
    const struct envelope *env = smtp_session_envelope(s);
    struct err failed = { .code = codes[manner % COUNT(codes)] };
    buf_printf(kept, "%s %s %s %s %s", env->helo, env->login, env->from, env->to[0], env->to[env->to_count - 1]);
    MUST(env->to_count > 0 && env->to_count <= limits.recipients && smtp_session_body_bytes(s) <= (int64_t)limits.message_bytes);
    MUST((manner >> 2) % 3 != SMTP_AUTH_REQUIRED || (manner >> 4) % 3 == SMTP_LOGIN_RIGHT);
    buf_put(kept, smtp_session_body(s)->data, smtp_session_body(s)->len);
    smtp_session_committed(s, "01ID", failed.code == ERR_NONE ? NULL : &failed);
}

static void run(const char *bytes, size_t n, size_t step, uint8_t manner, struct buf *kept, struct buf *log)
{
    CLEANUP(smtp_session_free) struct smtp_session *s = smtp_session_new(&limits, "gate", "192.0.2.7");
    enum smtp_want want = SMTP_WANT_READ;
    int64_t refusals = 0;
    smtp_session_use(s, smtp_profile_find(profiles[manner >> 6]));
    smtp_session_use_auth(s, &(struct smtp_auth_rules){ (manner >> 2) % 3, manner & 1 }, "n0nce");
    smtp_session_greet(s);
    for (size_t at = 0, used; at < n && want != SMTP_WANT_CLOSE; at += used) {
        want = smtp_session_feed(s, bytes + at, n - at < step ? n - at : step, &used);
        refusals += smtp_session_refusal(s) != NULL;
        if (want == SMTP_WANT_COMMIT)
            commit(s, kept, manner);
        else if (want == SMTP_WANT_VERIFY)
            smtp_session_verified(s, (manner >> 4) % 3);
        buf_put(log, smtp_session_out(s)->data, smtp_session_out(s)->len);
        buf_clear(smtp_session_out(s));
        smtp_session_rest(s);
        (void)smtp_session_saw_false_end(s);
    }
    buf_puti(log, refusals);
    smtp_session_end(s, SMTP_END_STALLED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf b[4]; /* kept and said, whole and in pieces */
    if (size < 3)
        return -1;
    for (size_t i = 0; i < COUNT(b); i++)
        buf_init(&b[i], 16 << 20);
    run((const char *)data + 2, size - 2, size, data[1], &b[0], &b[1]);
    run((const char *)data + 2, size - 2, (size_t)data[0] + 1, data[1], &b[2], &b[3]);
    for (size_t i = 0; i < 2; i++)
        MUST(b[i].len == b[i + 2].len && memcmp(buf_str(&b[i]), buf_str(&b[i + 2]), b[i].len) == 0);
    for (size_t i = 0; i < COUNT(b); i++)
        buf_done(&b[i]);
    return 0;
}
