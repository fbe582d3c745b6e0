/* smtp_sasl: AUTH (RFC 4954): the questions and what follows from the answers. */
#include "net/smtp_auth.h"
#include "net/smtp_inside.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void auth_done(struct smtp_session *s, char *user)
{
    free(s->login);
    s->login = user;
    s->envelope.login = user ? user : "";
    s->is_authenticated = true;
    smtp_reply(s, "235 2.7.0 welcome");
    smtp_enter(s, ST_READY);
}

static void auth_failed(struct smtp_session *s, const char *response)
{
    smtp_reply(s, strcmp(response, "*") == 0 ? "501 5.7.0 authentication aborted" : "501 5.5.2 this is not base64");
    smtp_enter(s, ST_READY);
}

static void on_auth_plain(struct smtp_session *s, char *response)
{
    char *user = smtp_auth_plain_user(response);
    if (user)
        auth_done(s, user);
    else
        auth_failed(s, response);
}

static void on_auth_user(struct smtp_session *s, char *response)
{
    char *user = smtp_auth_login_user(response);
    if (!user) {
        auth_failed(s, response);
        return;
    }
    free(s->login);
    s->login = user;
    smtp_reply(s, "334 UGFzc3dvcmQ6"); /* Password: */
    smtp_enter(s, ST_AUTH_PASSWORD);
}

static void on_auth_password(struct smtp_session *s, char *response)
{
    char *password = smtp_auth_login_user(response); /* only to see that it is base64 */
    if (!password) {
        auth_failed(s, response);
        return;
    }
    explicit_bzero(password, strlen(password));
    free(password);
    auth_done(s, TAKE(s->login));
}

static const struct mechanism {
    const char *name;
    const char *prompt; /* when the first response does not come with the command */
    enum smtp_state next;
    void (*run)(struct smtp_session *s, char *response);
} mechanisms[] = {
    { "PLAIN", "334 ", ST_AUTH_PLAIN, on_auth_plain },
    { "LOGIN", "334 VXNlcm5hbWU6", ST_AUTH_USER, on_auth_user }, /* Username: */
};

static void start_mechanism(struct smtp_session *s, const struct mechanism *m, char *response)
{
    if (*response) {
        m->run(s, response);
        return;
    }
    smtp_reply(s, m->prompt);
    smtp_enter(s, m->next);
}

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

void smtp_on_auth(struct smtp_session *s, char *arg)
{
    s->has_tried_auth = true;
    if (s->is_authenticated) {
        smtp_reply(s, "503 5.5.1 already authenticated");
        return;
    }
    size_t n = strcspn(arg, " \t");
    const struct mechanism *m = find_mechanism(arg, n);
    if (m)
        start_mechanism(s, m, arg + n + strspn(arg + n, " \t"));
    else
        smtp_reply(s, "504 5.5.4 only AUTH LOGIN and AUTH PLAIN");
}

/* States in which a line is an answer to our question, not a command. */
static void (*const answers[ST_COUNT])(struct smtp_session *s, char *line) = {
    [ST_AUTH_USER] = on_auth_user,
    [ST_AUTH_PASSWORD] = on_auth_password,
    [ST_AUTH_PLAIN] = on_auth_plain,
};

bool smtp_is_sasl_asked(const struct smtp_session *s)
{
    return answers[s->state];
}

void smtp_on_sasl_answer(struct smtp_session *s, char *line)
{
    answers[s->state](s, line);
}
