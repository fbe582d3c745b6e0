/* talk: see talk.h. */
#include "talk.h"

const struct smtp_limits talk_limits = {
    .message_bytes = 400,
    .recipients = 3,
    .command_bytes = 100,
    .errors = 4,
    .junk_commands = 6,
};
static const struct talk_way usual;

void talk_init(struct talk *t, const struct talk_way *way)
{
    enum { ENOUGH = 1024 * 1024 };
    t->way = way ? way : &usual;
    buf_init(&t->replies, ENOUGH);
    buf_init(&t->kept, ENOUGH);
    buf_init(&t->refused, ENOUGH);
    t->want = SMTP_WANT_READ;
}

void talk_done(struct talk *t)
{
    buf_done(&t->replies);
    buf_done(&t->kept);
    buf_done(&t->refused);
}

struct smtp_session *talk_session(const struct talk_way *way)
{
    way = way ? way : &usual;
    struct smtp_session *s = smtp_session_new(way->limits ? way->limits : &talk_limits, "gate", "192.0.2.7");
    assert_non_null(s);
    const struct smtp_profile *profile = smtp_profile_find(way->profile ? way->profile : "default");
    assert_non_null(profile);
    smtp_session_use(s, profile);
    const struct smtp_auth_rules rules = { .policy = way->auth, .has_secrets = smtp_users_have_secrets(&way->users) };
    smtp_session_use_auth(s, &rules, way->nonce);
    return s;
}

void talk_note_refusal(struct talk *t, struct smtp_session *s)
{
    const struct smtp_refusal *r = smtp_session_refusal(s);
    if (r)
        buf_printf(&t->refused, "%s=%s;", r->reason, r->setting);
}

static void keep(struct talk *t, struct smtp_session *s)
{
    const struct envelope *env = smtp_session_envelope(s);
    buf_printf(&t->kept, "%s%s%s>", env->login, env->login[0] ? ":" : "", env->from);
    for (size_t i = 0; i < env->to_count; i++)
        buf_printf(&t->kept, i ? ",%s" : "%s", env->to[i]);
    buf_putc(&t->kept, ':');
    buf_put(&t->kept, smtp_session_body(s)->data, smtp_session_body(s)->len);
    buf_putc(&t->kept, '|');
    assert_int_equal(smtp_session_body(s)->len, smtp_session_body_bytes(s));
    smtp_session_committed(s, "01ID", t->way->failed);
    talk_note_refusal(t, s);
}

static void verify(struct talk *t, struct smtp_session *s)
{
    const struct smtp_credentials *c = smtp_session_credentials(s);
    smtp_session_verified(s, strcmp(c->user, "later") == 0 ? SMTP_LOGIN_LATER : smtp_users_check(&t->way->users, c));
    talk_note_refusal(t, s);
}

static void obey(struct talk *t, struct smtp_session *s)
{
    size_t none;
    if (t->want == SMTP_WANT_COMMIT)
        keep(t, s);
    else if (t->want == SMTP_WANT_VERIFY)
        verify(t, s);
    else
        return;
    t->want = smtp_session_feed(s, "", 0, &none);
}

static void feed(struct talk *t, struct smtp_session *s, const char *bytes, size_t n)
{
    bool is_stuck = false;
    while (t->want != SMTP_WANT_CLOSE && !is_stuck) {
        size_t used;
        t->want = smtp_session_feed(s, bytes, n, &used);
        bytes += used;
        n -= used;
        talk_note_refusal(t, s);
        obey(t, s);
        is_stuck = n == 0;
        buf_put(&t->replies, smtp_session_out(s)->data, smtp_session_out(s)->len);
        buf_clear(smtp_session_out(s));
    }
}

void talk_feed(struct talk *t, struct smtp_session *s, const char *bytes, size_t n)
{
    const char *pause;
    while ((pause = memchr(bytes, TALK_WAITS[0], n)) != NULL) {
        size_t before = (size_t)(pause - bytes);
        feed(t, s, bytes, before);
        bytes += before + 1;
        n -= before + 1;
    }
    feed(t, s, bytes, n);
}

void talk_say(struct talk *t, struct smtp_session *s, const char *text)
{
    talk_feed(t, s, text, strlen(text));
}

void talk_cut(struct talk *t, const struct talk_way *way, const char *in, size_t n, const size_t cuts[2], size_t step)
{
    struct smtp_session *s = talk_session(way);
    talk_init(t, way);
    talk_feed(t, s, in, cuts[0]);
    talk_feed(t, s, in + cuts[0], cuts[1] - cuts[0]);
    for (size_t at = cuts[1]; at < n; at += step)
        talk_feed(t, s, in + at, n - at < step ? n - at : step);
    smtp_session_free(&s);
    assert_null(s);
}

void talk_assert_same(const struct talk *a, const struct talk *b)
{
    assert_string_equal(buf_str(&a->replies), buf_str(&b->replies));
    assert_int_equal(a->kept.len, b->kept.len);
    assert_memory_equal(buf_str(&a->kept), buf_str(&b->kept), a->kept.len);
    assert_string_equal(buf_str(&a->refused), buf_str(&b->refused));
    assert_int_equal(a->want, b->want);
}

static void compare(const struct talk *t, const char *in, size_t n, size_t first, size_t second, size_t step)
{
    struct talk other;
    const size_t cuts[2] = { first, second };
    talk_cut(&other, t->way, in, n, cuts, step);
    talk_assert_same(t, &other);
    talk_done(&other);
}

void talk_every_way(struct talk *t, const struct talk_way *way, const char *in, size_t n, size_t pairs_up_to)
{
    static const size_t whole[2];
    talk_cut(t, way, in, n, whole, n);
    compare(t, in, n, 0, 0, 1);
    for (size_t first = 1; first < n; first++) {
        compare(t, in, n, first, first, n);
        for (size_t second = first + 1; second < n && n <= pairs_up_to; second++)
            compare(t, in, n, first, second, n);
    }
}
