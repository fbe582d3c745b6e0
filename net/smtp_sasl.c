/* smtp_sasl: AUTH (RFC 4954): the questions, and what follows from the answers. Under the policy any whoever names himself is
 * believed: old panels insist on sending some credentials, and the network decides who may talk to us. */
#include "core/base64.h"
#include "net/smtp_inside.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void smtp_session_use_auth(struct smtp_session *s, const struct smtp_auth_rules *rules, const char *nonce)
{
    s->auth = *rules;
    free(s->nonce);
    s->nonce = nonce ? strdup(nonce) : NULL;
}

void smtp_auth_forget(struct smtp_session *s)
{
    smtp_credentials_forget(&s->credentials);
    free(s->login);
    s->login = NULL;
    s->envelope.login = "";
    s->is_authenticated = s->has_tried_auth = false;
}

/* --- how it ends ----------------------------------------------------------------------------------------------------- */

static void welcome(struct smtp_session *s)
{
    free(s->login);
    s->login = TAKE(s->credentials.user);
    s->envelope.login = s->login ? s->login : "";
    s->is_authenticated = true;
    smtp_reply(s, "235 2.7.0 welcome");
}

static void auth_failed(struct smtp_session *s, const char *response)
{
    smtp_credentials_forget(&s->credentials);
    smtp_reply(s, strcmp(response, "*") == 0 ? "501 5.7.0 authentication aborted" : "501 5.5.2 this is not base64");
    smtp_enter(s, ST_READY);
}

/* All was said. */
static void judge(struct smtp_session *s)
{
    if (s->auth.policy != SMTP_AUTH_ANY) {
        smtp_enter(s, ST_VERIFY);
        return;
    }
    welcome(s);
    smtp_credentials_forget(&s->credentials);
    smtp_enter(s, ST_READY);
}

const struct smtp_credentials *smtp_session_credentials(const struct smtp_session *s)
{
    return &s->credentials;
}

static void answer(struct smtp_session *s, enum smtp_login login)
{
    switch (login) {
    case SMTP_LOGIN_RIGHT:
        welcome(s);
        break;
    case SMTP_LOGIN_WRONG:
        smtp_refuse(s, REFUSED_LOGIN);
        break;
    case SMTP_LOGIN_LATER:
        smtp_reply(s, "454 4.7.0 cannot check this now, try again");
        break;
    }
}

void smtp_session_verified(struct smtp_session *s, enum smtp_login login)
{
    size_t before = s->out.len;
    answer(s, login);
    smtp_credentials_forget(&s->credentials);
    smtp_enter(s, ST_READY);
    smtp_end_if_beyond_patience(s);
    smtp_tell_said(s, before);
}

/* --- PLAIN and LOGIN ------------------------------------------------------------------------------------------------- */

static void on_auth_plain(struct smtp_session *s, char *response)
{
    if (smtp_auth_read_plain(response, &s->credentials) < 0)
        auth_failed(s, response);
    else
        judge(s);
}

static void on_auth_user(struct smtp_session *s, char *response)
{
    s->credentials.user = smtp_auth_read_text(response);
    if (!s->credentials.user) {
        auth_failed(s, response);
        return;
    }
    smtp_reply(s, "334 UGFzc3dvcmQ6"); /* Password: */
    smtp_enter(s, ST_AUTH_PASSWORD);
}

static void on_auth_password(struct smtp_session *s, char *response)
{
    s->credentials.password = smtp_auth_read_text(response);
    if (!s->credentials.password)
        auth_failed(s, response);
    else
        judge(s);
}

/* --- CRAM-MD5 -------------------------------------------------------------------------------------------------------- */

bool smtp_is_cram_offered(const struct smtp_session *s)
{
    return s->nonce && (s->auth.policy == SMTP_AUTH_ANY || s->auth.has_secrets);
}

/* <nonce.number@hostname>: never the same twice. */
static char *make_challenge(struct smtp_session *s)
{
    enum { CHALLENGE_MAX = 512 };
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, CHALLENGE_MAX);
    buf_printf(&text, "<%s.%u@%s>", s->nonce, s->challenges++, s->hostname);
    return text.failed ? NULL : buf_take(&text);
}

static void ask_cram(struct smtp_session *s)
{
    s->credentials.challenge = make_challenge(s);
    if (!s->credentials.challenge) {
        smtp_reply(s, "454 4.7.0 cannot check this now, try again");
        return;
    }
    buf_puts(&s->out, "334 ");
    base64_encode(&s->out, s->credentials.challenge, strlen(s->credentials.challenge));
    buf_puts(&s->out, "\r\n");
    smtp_enter(s, ST_AUTH_CRAM);
}

static void on_auth_cram(struct smtp_session *s, char *response)
{
    char *challenge = TAKE(s->credentials.challenge);
    if (smtp_auth_read_cram(response, &s->credentials) < 0) {
        free(challenge);
        auth_failed(s, response);
        return;
    }
    s->credentials.challenge = challenge;
    judge(s);
}

/* --- the command ----------------------------------------------------------------------------------------------------- */

static void ask_plain(struct smtp_session *s)
{
    smtp_reply(s, "334 ");
    smtp_enter(s, ST_AUTH_PLAIN);
}

static void ask_user(struct smtp_session *s)
{
    smtp_reply(s, "334 VXNlcm5hbWU6"); /* Username: */
    smtp_enter(s, ST_AUTH_USER);
}

static const struct mechanism {
    const char *name;
    void (*ask)(struct smtp_session *s);
    void (*run)(struct smtp_session *s, char *response); /* with a first response; NULL: there cannot be one */
    bool (*is_offered)(const struct smtp_session *s);    /* NULL: always */
} mechanisms[] = {
    { "PLAIN", ask_plain, on_auth_plain, NULL },
    { "LOGIN", ask_user, on_auth_user, NULL },
    { "CRAM-MD5", ask_cram, NULL, smtp_is_cram_offered },
};

static const struct mechanism *find_mechanism(const char *name, size_t n)
{
    for (size_t i = 0; i < COUNT(mechanisms); i++)
        if (n == strlen(mechanisms[i].name) && strncasecmp(name, mechanisms[i].name, n) == 0)
            return &mechanisms[i];
    return NULL;
}

bool smtp_sasl_knows(const char *mechanism, size_t n)
{
    return find_mechanism(mechanism, n);
}

static void start(struct smtp_session *s, const struct mechanism *m, char *response)
{
    if (*response && m->run)
        m->run(s, response);
    else
        m->ask(s); /* a first response to CRAM-MD5 answers no question: it is passed over */
}

void smtp_on_auth(struct smtp_session *s, char *arg)
{
    s->has_tried_auth = true;
    if (s->is_authenticated) {
        smtp_reply(s, "503 5.5.1 already authenticated");
        return;
    }
    size_t n = strcspn(arg, " \t");
    const struct mechanism *m = find_mechanism(arg, n);
    if (m && (!m->is_offered || m->is_offered(s)))
        start(s, m, arg + n + strspn(arg + n, " \t"));
    else
        smtp_reply(s, "504 5.5.4 not this mechanism; EHLO lists ours");
}

/* States in which a line is an answer to our question, not a command. */
static void (*const answers[ST_COUNT])(struct smtp_session *s, char *line) = {
    [ST_AUTH_USER] = on_auth_user,
    [ST_AUTH_PASSWORD] = on_auth_password,
    [ST_AUTH_PLAIN] = on_auth_plain,
    [ST_AUTH_CRAM] = on_auth_cram,
};

bool smtp_is_sasl_asked(const struct smtp_session *s)
{
    return answers[s->state];
}

void smtp_on_sasl_answer(struct smtp_session *s, char *line)
{
    answers[s->state](s, line);
}

void smtp_sasl_abort(struct smtp_session *s)
{
    smtp_credentials_forget(&s->credentials);
    smtp_enter(s, ST_READY);
}
