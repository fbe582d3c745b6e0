/* smtp_recorder: the session's ear, with the clock. */
#include "net/smtp_recorder.h"
#include "core/clock.h"
#include <string.h>

enum { GREETING_MAX = 512 };

/* The transcript, begun by the first word of the device with the greeting it was given. NULL: no memory. */
static struct transcript *begun(struct smtp_recorder *r)
{
    if (r->transcript)
        return r->transcript;
    const struct envelope *env = smtp_session_envelope(r->session);
    r->transcript = transcript_new(env->listener, env->peer, r->wall_ms, r->mono_ms);
    if (r->transcript && r->greeting.len > 0)
        transcript_said(r->transcript, buf_str(&r->greeting), r->greeting.len, r->mono_ms);
    buf_shrink(&r->greeting);
    return r->transcript;
}

static void heard(void *user, const char *line, size_t n)
{
    struct transcript *t = begun(user);
    if (t)
        transcript_heard(t, line, n, clock_mono_ms());
}

static void said(void *user, const char *reply, size_t n)
{
    struct smtp_recorder *r = user;
    if (r->transcript)
        transcript_said(r->transcript, reply, n, clock_mono_ms());
    else if (r->greeting.len == 0)
        buf_put(&r->greeting, reply, n);
}

static void took(void *user, int64_t bytes)
{
    struct transcript *t = begun(user);
    if (t)
        transcript_took(t, bytes, clock_mono_ms());
}

void smtp_recorder_start(struct smtp_recorder *r, struct smtp_session *s)
{
    const struct smtp_ear ear = { .user = r, .heard = heard, .said = said, .took = took };
    *r = (struct smtp_recorder){ .session = s, .wall_ms = clock_wall_ms(), .mono_ms = clock_mono_ms() };
    buf_init(&r->greeting, GREETING_MAX);
    smtp_session_listen(s, &ear);
}

void smtp_recorder_done(struct smtp_recorder *r)
{
    transcript_free(&r->transcript);
    buf_done(&r->greeting);
}

void smtp_recorder_note(struct smtp_recorder *r, const char *text)
{
    struct transcript *t = begun(r);
    if (t)
        transcript_note(t, text, clock_mono_ms());
}

void smtp_recorder_tls(struct smtp_recorder *r, const char *version, const char *cipher)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, GREETING_MAX);
    buf_printf(&text, "%s, %s", version, cipher ? cipher : "");
    smtp_recorder_note(r, buf_str(&text));
}

void smtp_recorder_failed(struct smtp_recorder *r, const char *text, const char *setting)
{
    smtp_recorder_note(r, text);
    if (r->transcript)
        transcript_refused(r->transcript, text, setting);
}

void smtp_recorder_mail(struct smtp_recorder *r)
{
    if (r->transcript)
        transcript_envelope_is(r->transcript, smtp_session_envelope(r->session));
}

void smtp_recorder_kept(struct smtp_recorder *r, const char *id)
{
    if (r->transcript)
        transcript_kept(r->transcript, id);
}

void smtp_recorder_refused(struct smtp_recorder *r, const struct smtp_refusal *refusal)
{
    if (!r->transcript)
        return;
    transcript_envelope_is(r->transcript, refusal->envelope);
    transcript_refused(r->transcript, refusal->reply, refusal->setting);
}

static bool has_quit(const struct smtp_recorder *r)
{
    const char *last = transcript_last_reply(r->transcript);
    return strncmp(last, "221", 3) == 0;
}

const struct transcript *smtp_recorder_end(struct smtp_recorder *r, bool was_cut)
{
    if (!r->transcript || !transcript_is_worth_keeping(r->transcript))
        return NULL;
    smtp_recorder_mail(r);
    transcript_ended(r->transcript, has_quit(r) ? TRANSCRIPT_QUIT : was_cut ? TRANSCRIPT_CUT : TRANSCRIPT_LEFT, clock_mono_ms());
    return r->transcript;
}
