/* smtp_conn_mail: feeds the session and does what it wants: mails to an intake, passwords to be checked, TLS, the end. */
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "net/smtp_conn_inside.h"

static bool take_refusal(struct smtp_conn *c)
{
    const struct smtp_refusal *r = smtp_session_refusal(c->session);
    if (r) {
        smtp_recorder_refused(&c->recorder, r);
        c->shared->refused(c->shared->user, c->address, smtp_conn_peer(c), r);
    }
    return r;
}

static void on_wrote(void *user, const struct err *failed)
{
    struct smtp_conn *c = user;
    if (failed) {
        log_line(LOG_ERROR, "mail.spool", LOG_S("peer", smtp_conn_peer(c)), LOG_S("error", failed->text));
        smtp_session_body_failed(c->session, failed);
        intake_abandon(&c->intake);
    }
    smtp_conn_resume(c);
}

static void on_ended(void *user, const char *id, const struct err *failed)
{
    struct smtp_conn *c = user;
    c->intake = NULL;
    c->is_committing = false;
    c->mails += !failed;
    c->last_ms = clock_mono_ms();
    if (c->held.len > 0)
        smtp_session_came_early(c->session);
    if (!failed)
        smtp_recorder_kept(&c->recorder, id);
    smtp_session_committed(c->session, id, failed);
    (void)take_refusal(c);
    if (c->shared->is_stopping) {
        (void)smtp_conn_end(c, SMTP_END_STOPPING);
        return;
    }
    smtp_conn_flush(c);
    FAULT("net.after_reply");
    smtp_conn_resume(c);
}

static struct intake *need_intake(struct smtp_conn *c)
{
    const struct intake_owner owner = { .user = c, .wrote = on_wrote, .ended = on_ended };
    if (!c->intake)
        c->intake = intake_begin(c->shared->intakes, &owner);
    return c->intake;
}

static void spool_if_large(struct smtp_conn *c)
{
    struct buf *body = smtp_session_body(c->session);
    if (body->len < c->shared->spool_bytes || (int64_t)body->len <= c->shared->small_bytes ||
        (c->intake && intake_is_busy(c->intake)))
        return;
    if (need_intake(c)) {
        intake_spool(c->intake, body);
        return;
    }
    struct err e;
    (void)err_set(&e, ERR_NOMEM, "out of memory");
    smtp_session_body_failed(c->session, &e);
}

/* What a mail has become may be more than the disk takes now. */
static bool is_refused_by_size(struct smtp_conn *c)
{
    const struct smtp_refusal *no = c->shared->watch(c->shared->user, smtp_session_body_bytes(c->session));
    if (no)
        smtp_session_refuse_mail(c->session, no);
    return no;
}

static void commit(struct smtp_conn *c)
{
    if (is_refused_by_size(c)) {
        (void)take_refusal(c);
        intake_abandon(&c->intake);
        return;
    }
    c->is_committing = true;
    c->is_stall_said = false;
    smtp_recorder_mail(&c->recorder);
    if (need_intake(c)) {
        intake_finish(c->intake, smtp_session_body(c->session), smtp_session_envelope(c->session),
                      smtp_session_body_bytes(c->session));
        return;
    }
    struct err e;
    (void)err_set(&e, ERR_NOMEM, "out of memory");
    on_ended(c, "", &e);
}

static void go_on_reading(struct smtp_conn *c)
{
    if (!is_refused_by_size(c))
        spool_if_large(c);
}

static void on_login(void *user, enum smtp_login answer)
{
    struct smtp_conn *c = user;
    size_t none;
    c->login = NULL;
    c->last_ms = clock_mono_ms();
    smtp_session_verified(c->session, answer);
    (void)take_refusal(c);
    smtp_conn_obey(c, smtp_session_feed(c->session, "", 0, &none), c->held.len > 0);
    smtp_conn_flush(c);
    smtp_conn_resume(c);
}

static void check_login(struct smtp_conn *c)
{
    const struct login_owner owner = { .user = c, .answered = on_login };
    c->login = login_begin(c->shared->logins, &owner, c->address, smtp_conn_peer(c), smtp_session_credentials(c->session));
    if (!c->login)
        on_login(c, SMTP_LOGIN_LATER);
}

/* What the session wants after it was fed; what is left over decides how we part. */
void smtp_conn_obey(struct smtp_conn *c, enum smtp_want want, bool has_more)
{
    bool was_refused = take_refusal(c);
    const char *oddity = smtp_session_oddity(c->session);
    if (oddity)
        log_line(LOG_DEBUG, "smtp.oddity", LOG_S("peer", smtp_conn_peer(c)), LOG_S("taken", oddity));
    if (want == SMTP_WANT_CLOSE) {
        c->is_ending = true;
        c->is_rude = has_more || was_refused;
    }
    if (want == SMTP_WANT_COMMIT)
        commit(c);
    else if (want == SMTP_WANT_VERIFY)
        check_login(c);
    else if (smtp_session_in_data(c->session))
        go_on_reading(c);
    else if (!c->is_committing)
        intake_abandon(&c->intake); /* of a mail that was refused at its end */
    if (want == SMTP_WANT_TLS) {
        smtp_conn_flush(c); /* the last plain bytes: nothing else is being written while the session is fed */
        if (!c->is_dropped)
            smtp_conn_start_tls(c);
    }
}

/* Progress, for the deadlines: any bytes of a message, but only whole commands: one byte in five seconds is none. */
static void note_progress(struct smtp_conn *c)
{
    uint64_t commands = smtp_session_commands(c->session);
    if (commands == c->commands && !smtp_session_in_data(c->session))
        return;
    c->commands = commands;
    c->last_ms = clock_mono_ms();
}

/* Feeds all that can be fed. Answers go out together, as the commands of a pipelining device came in. */
void smtp_conn_feed(struct smtp_conn *c, const char *bytes, size_t n)
{
    while (n > 0 && smtp_conn_may_feed(c)) {
        size_t used;
        enum smtp_want want = smtp_session_feed(c->session, bytes, n, &used);
        bytes += used;
        n -= used;
        smtp_conn_obey(c, want, n > 0);
        if (used == 0)
            smtp_conn_flush(c); /* it waits for its replies to be read */
    }
    note_progress(c);
    if (n > 0 && !c->is_dropped && !c->is_ending)
        smtp_conn_hold(c, bytes, n);
    if (smtp_conn_is_behind(c))
        smtp_conn_stop_reading(c);
    smtp_conn_flush(c);
}
