/* smtp_session: the state machine. The dispatcher is a loop over commands[]; each handler does its own verb and nothing else;
 * enter() is the only place that changes the state, and the state alone says what we want from the server. */
#include "net/smtp_session.h"
#include "net/smtp_auth.h"
#include "net/smtp_data.h"
#include "net/smtp_path.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    AUTH_LINE_MAX = 12288,       /* Postfix takes as much (tokens of some gateways)             */
    OUT_ENOUGH = 8 * 1024,       /* replies nobody has read yet: take no more commands          */
    OUT_MAX = OUT_ENOUGH + 4096, /* … the last of which may still be answered                  */
    ENVELOPE_EACH = SMTP_PATH_MAX + 64,
    FIRST_RECIPIENTS = 4,
    REST_KEEPS = 256, /* bytes a buffer may keep while nobody speaks                 */
};

enum state {
    ST_READY,
    ST_MAIL,
    ST_RCPT,
    ST_DATA,
    ST_COMMIT,
    ST_AUTH_USER,
    ST_AUTH_PASSWORD,
    ST_AUTH_PLAIN,
    ST_CLOSED,
    ST_COUNT
};

static const enum smtp_want wants[ST_COUNT] = { [ST_COMMIT] = SMTP_WANT_COMMIT, [ST_CLOSED] = SMTP_WANT_CLOSE };

struct smtp_session {
    enum state state;
    struct smtp_limits limits;
    char *hostname, *peer, *helo, *login;
    struct buf line, out, body;
    bool is_line_too_long, is_authenticated;
    size_t errors, junk;
    uint64_t commands;

    struct arena arena; /* of the mail that is under way, as all below */
    struct envelope envelope;
    const char **to;
    size_t to_cap;
    bool was_recipient_refused, was_too_many_told;
    struct smtp_data data;
    enum err_code lost; /* not ERR_NONE: the body cannot be kept, its rest is thrown away */

    struct smtp_refusal refusal;
    bool has_refusal;
};

/* --- replies and refusals ------------------------------------------------------------------------------------ */

static void reply(struct smtp_session *s, const char *text)
{
    if (text[0] == '5')
        s->errors++;
    buf_puts(&s->out, text);
    buf_puts(&s->out, "\r\n");
}

static void enter(struct smtp_session *s, enum state next)
{
    s->state = next;
}

enum refused { REFUSED_SIZE, REFUSED_RECIPIENTS, REFUSED_FULL, REFUSED_STORE, REFUSED_ERRORS };

static const struct smtp_refusal refusals[] = {
    [REFUSED_SIZE] = { "552 5.3.4 message is larger than this gateway takes", "Smtp:MaxMessage", "size", true },
    [REFUSED_RECIPIENTS] = { "452 4.5.3 too many recipients", "Smtp:MaxRecipients", "recipients", false },
    [REFUSED_FULL] = { "452 4.3.1 no room to keep this message", "Store:MaxBytes", "storage", true },
    [REFUSED_STORE] = { "451 4.3.0 cannot keep this message now", "Store:Folder", "storage", true },
    [REFUSED_ERRORS] = { "421 4.7.0 too many errors", "Smtp:MaxErrors", "errors", true },
};

static const struct smtp_refusal ends[] = {
    [SMTP_END_SILENT] = { "421 4.4.2 timeout, no command came", "Smtp:CommandTimeout", "timeout", true },
    [SMTP_END_STALLED] = { "421 4.4.2 timeout, the end of the message did not come", "Smtp:DataTimeout", "timeout", true },
    [SMTP_END_TOO_LONG] = { "421 4.4.2 timeout, this conversation is too long", "Smtp:SessionTimeout", "timeout", true },
    [SMTP_END_CROWDED] = { "421 4.7.0 too many connections", "Smtp:MaxConnections", "connections", true },
    [SMTP_END_STOPPING] = { "421 4.3.2 this gateway is stopping, try again", NULL, NULL, true },
};

/* Answers, and leaves word for the server. */
static void refuse(struct smtp_session *s, const struct smtp_refusal *rule)
{
    reply(s, rule->reply);
    s->refusal = *rule;
    s->refusal.envelope = &s->envelope;
    s->has_refusal = true;
}

static enum refused refused_by(enum err_code code)
{
    return code == ERR_LIMIT ? REFUSED_SIZE : code == ERR_FULL ? REFUSED_FULL : REFUSED_STORE;
}

/* --- the mail that is under way ------------------------------------------------------------------------------ */

static void mail_forget(struct smtp_session *s)
{
    arena_done(&s->arena);
    buf_shrink(&s->body);
    s->to = NULL;
    s->to_cap = 0;
    s->envelope.from = "";
    s->envelope.to = NULL;
    s->envelope.to_count = 0;
    s->was_recipient_refused = s->was_too_many_told = false;
    s->lost = ERR_NONE;
    smtp_data_begin(&s->data);
}

static void mail_begin(struct smtp_session *s, const char *from)
{
    mail_forget(s);
    s->envelope.from = from[0] ? arena_str(&s->arena, from) : "";
}

static int mail_add_recipient(struct smtp_session *s, const char *address)
{
    size_t n = s->envelope.to_count;
    if (n == s->to_cap) {
        size_t cap = n ? n * 2 : FIRST_RECIPIENTS;
        const char **grown = arena_alloc(&s->arena, cap * sizeof *grown);
        if (!grown)
            return -1;
        if (n > 0)
            memcpy(grown, s->to, n * sizeof *grown);
        s->to = grown;
        s->to_cap = cap;
    }
    s->to[n] = arena_str(&s->arena, address);
    if (!s->to[n])
        return -1;
    s->envelope.to = s->to;
    s->envelope.to_count = n + 1;
    return 0;
}

/* --- handlers, one per verb: arg is what stands behind it, blanks trimmed; they may write into it --------------- */

static void put_hostname_line(struct smtp_session *s, const char *code, const char *words)
{
    buf_puts(&s->out, code);
    buf_puts(&s->out, s->hostname);
    buf_puts(&s->out, words);
    buf_puts(&s->out, "\r\n");
}

static void greeted(struct smtp_session *s, const char *name)
{
    free(s->helo);
    s->helo = strdup(name);
    s->envelope.helo = s->helo ? s->helo : "";
    mail_forget(s);
    enter(s, ST_READY);
}

/* Both forms of AUTH: some devices only know the one with "=" (Postfix: broken_sasl_auth_clients). */
static void on_ehlo(struct smtp_session *s, char *arg)
{
    greeted(s, arg);
    put_hostname_line(s, "250-", "");
    buf_puts(&s->out, "250-SIZE ");
    buf_puti(&s->out, (int64_t)s->limits.message_bytes);
    buf_puts(&s->out, "\r\n250-8BITMIME\r\n250-AUTH LOGIN PLAIN\r\n250-AUTH=LOGIN PLAIN\r\n250-PIPELINING\r\n"
                      "250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n");
}

static void on_helo(struct smtp_session *s, char *arg)
{
    greeted(s, arg);
    put_hostname_line(s, "250 ", "");
}

struct mail_parameters {
    uint64_t size; /* 0: not told */
};

static int take_size(struct mail_parameters *p, const char *value)
{
    if (!*value || value[strspn(value, "0123456789")])
        return -1;
    p->size = strtoull(value, NULL, 10); /* ULLONG_MAX when it does not fit: large enough to be refused */
    return 0;
}

static int take_body(struct mail_parameters *p, const char *value)
{
    (void)p;
    return strcasecmp(value, "7BIT") == 0 || strcasecmp(value, "8BITMIME") == 0 ? 0 : -1;
}

static int take_any(struct mail_parameters *p, const char *value)
{
    (void)p;
    (void)value;
    return 0;
}

static const struct mail_parameter {
    const char *name;
    int (*take)(struct mail_parameters *p, const char *value);
} mail_parameters[] = {
    { "SIZE", take_size },    /* RFC 1870 */
    { "BODY", take_body },    /* RFC 6152 */
    { "SMTPUTF8", take_any }, /* RFC 6531; UTF-8 is taken without it too */
    { "AUTH", take_any },     /* RFC 4954 section 5: who wrote it first; we ask nobody else */
};

static const struct mail_parameter *find_parameter(const char *name)
{
    for (size_t i = 0; i < COUNT(mail_parameters); i++)
        if (strcasecmp(name, mail_parameters[i].name) == 0)
            return &mail_parameters[i];
    return NULL;
}

/* NULL, or the reply that says what is wrong. */
static const char *read_mail_parameters(char *text, struct mail_parameters *out)
{
    const char *name, *value;
    while (smtp_parameter_next(&text, &name, &value)) {
        const struct mail_parameter *known = find_parameter(name);
        if (!known)
            return "555 5.5.4 unknown parameter of MAIL";
        if (known->take(out, value) < 0)
            return "501 5.5.4 bad value of a parameter of MAIL";
    }
    return NULL;
}

static void on_mail(struct smtp_session *s, char *arg)
{
    struct smtp_path path;
    if (smtp_path_read(arg, "FROM", &path) < 0) {
        reply(s, "501 5.1.7 bad sender, say MAIL FROM:<address>");
        return;
    }
    struct mail_parameters parameters = { 0 };
    const char *wrong = read_mail_parameters(path.parameters, &parameters);
    if (wrong) {
        reply(s, wrong);
        return;
    }
    mail_begin(s, path.address);
    if (!s->envelope.from) {
        s->envelope.from = "";
        reply(s, "452 4.3.1 out of memory");
        return;
    }
    if (parameters.size > s->limits.message_bytes) {
        refuse(s, &refusals[REFUSED_SIZE]);
        return;
    }
    reply(s, "250 2.1.0 ok");
    enter(s, ST_MAIL);
}

static void refuse_recipient(struct smtp_session *s)
{
    s->was_recipient_refused = true;
    if (s->was_too_many_told) /* one word to the operator is enough */
        reply(s, refusals[REFUSED_RECIPIENTS].reply);
    else
        refuse(s, &refusals[REFUSED_RECIPIENTS]);
    s->was_too_many_told = true;
}

static void on_rcpt(struct smtp_session *s, char *arg)
{
    struct smtp_path path;
    if (smtp_path_read(arg, "TO", &path) < 0 || !path.address[0]) {
        s->was_recipient_refused = true;
        reply(s, "501 5.1.3 bad recipient, say RCPT TO:<address>");
    } else if (path.parameters[0]) {
        s->was_recipient_refused = true;
        reply(s, "555 5.5.4 unknown parameter of RCPT");
    } else if (s->envelope.to_count >= s->limits.recipients || mail_add_recipient(s, path.address) < 0) {
        refuse_recipient(s);
    } else {
        reply(s, "250 2.1.5 ok");
        enter(s, ST_RCPT);
    }
}

static void on_data(struct smtp_session *s, char *arg)
{
    (void)arg;
    if (s->state == ST_MAIL) {
        reply(s, s->was_recipient_refused ? "554 5.5.1 no valid recipients" : "503 5.5.1 need RCPT first");
        return;
    }
    smtp_data_begin(&s->data);
    reply(s, "354 end with <CR><LF>.<CR><LF>");
    enter(s, ST_DATA);
}

static void on_rset(struct smtp_session *s, char *arg)
{
    (void)arg;
    mail_forget(s);
    enter(s, ST_READY);
    reply(s, "250 2.0.0 ok");
}

static void on_noop(struct smtp_session *s, char *arg)
{
    (void)arg;
    reply(s, "250 2.0.0 ok");
}

static void on_vrfy(struct smtp_session *s, char *arg)
{
    (void)arg;
    reply(s, "252 2.0.0 send it and see");
}

static void on_help(struct smtp_session *s, char *arg)
{
    (void)arg;
    reply(s, "214 2.0.0 EHLO HELO AUTH MAIL RCPT DATA RSET NOOP VRFY QUIT");
}

static void on_quit(struct smtp_session *s, char *arg)
{
    (void)arg;
    reply(s, "221 2.0.0 bye");
    enter(s, ST_CLOSED);
}

static void on_not_here(struct smtp_session *s, char *arg)
{
    (void)arg;
    reply(s, "502 5.5.1 not implemented");
}

/* A web page that posts to our port could otherwise say MAIL, RCPT and DATA in its body and so raise an alarm. */
static void on_web(struct smtp_session *s, char *arg)
{
    (void)arg;
    reply(s, "554 5.7.0 this is SMTP");
    enter(s, ST_CLOSED);
}

/* --- AUTH ------------------------------------------------------------------------------------------------------ */

static void auth_done(struct smtp_session *s, char *user)
{
    free(s->login);
    s->login = user;
    s->envelope.login = user ? user : "";
    s->is_authenticated = true;
    reply(s, "235 2.7.0 welcome");
    enter(s, ST_READY);
}

static void auth_failed(struct smtp_session *s, const char *response)
{
    reply(s, strcmp(response, "*") == 0 ? "501 5.7.0 authentication aborted" : "501 5.5.2 this is not base64");
    enter(s, ST_READY);
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
    reply(s, "334 UGFzc3dvcmQ6"); /* Password: */
    enter(s, ST_AUTH_PASSWORD);
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
    enum state next;
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
    reply(s, m->prompt);
    enter(s, m->next);
}

static void on_auth(struct smtp_session *s, char *arg)
{
    if (s->is_authenticated) {
        reply(s, "503 5.5.1 already authenticated");
        return;
    }
    size_t n = strcspn(arg, " \t");
    for (size_t i = 0; i < COUNT(mechanisms); i++)
        if (n == strlen(mechanisms[i].name) && strncasecmp(arg, mechanisms[i].name, n) == 0) {
            start_mechanism(s, &mechanisms[i], arg + n + strspn(arg + n, " \t"));
            return;
        }
    reply(s, "504 5.5.4 only AUTH LOGIN and AUTH PLAIN");
}

/* --- the command table ------------------------------------------------------------------------------------------ */

#define IN(state) (1U << (state))
enum { ANY = IN(ST_READY) | IN(ST_MAIL) | IN(ST_RCPT), IN_MAIL = IN(ST_MAIL) | IN(ST_RCPT) };
enum { JUNK = 1 }; /* legal, but nothing comes of it: counted */

/* HELO is not asked for: devices forget it. What a device says behind a verb that takes nothing is ignored. */
static const struct command {
    const char *verb;
    unsigned states; /* where it may be sent */
    unsigned flags;
    const char *elsewhere; /* the answer there     */
    void (*run)(struct smtp_session *s, char *arg);
} commands[] = {
    { "MAIL", IN(ST_READY), 0, "503 5.5.1 a mail is under way", on_mail },
    { "RCPT", IN_MAIL, 0, "503 5.5.1 need MAIL first", on_rcpt },
    { "DATA", IN_MAIL, 0, "503 5.5.1 need MAIL and RCPT first", on_data },
    { "EHLO", ANY, JUNK, NULL, on_ehlo },
    { "HELO", ANY, JUNK, NULL, on_helo },
    { "QUIT", ANY, 0, NULL, on_quit },
    { "RSET", ANY, JUNK, NULL, on_rset },
    { "AUTH", IN(ST_READY), 0, "503 5.5.1 a mail is under way", on_auth },
    { "NOOP", ANY, JUNK, NULL, on_noop },
    { "VRFY", ANY, JUNK, NULL, on_vrfy },
    { "HELP", ANY, JUNK, NULL, on_help },
    { "EXPN", ANY, JUNK, NULL, on_not_here },
    { "ETRN", ANY, JUNK, NULL, on_not_here },
    { "TURN", ANY, JUNK, NULL, on_not_here },
    { "BDAT", ANY, JUNK, NULL, on_not_here },
    { "STARTTLS", ANY, JUNK, NULL, on_not_here },
    { "GET", ANY, 0, NULL, on_web },
    { "PUT", ANY, 0, NULL, on_web },
    { "HEAD", ANY, 0, NULL, on_web },
    { "POST", ANY, 0, NULL, on_web },
    { "CONNECT", ANY, 0, NULL, on_web },
    { "OPTIONS", ANY, 0, NULL, on_web },
};

static const struct command *find_command(const char *verb, size_t n)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (n == strlen(commands[i].verb) && strncasecmp(verb, commands[i].verb, n) == 0)
            return &commands[i];
    return NULL;
}

static void run_command(struct smtp_session *s, char *line)
{
    line += strspn(line, " \t");
    size_t verb = strcspn(line, " \t");
    const struct command *c = find_command(line, verb);
    if (verb == 0 || (c && (c->flags & JUNK)))
        s->junk++;
    if (verb == 0)
        return; /* blank lines between commands: legal from some devices, answered by nobody */
    if (!c)
        reply(s, "500 5.5.2 unknown command");
    else if (!(c->states & IN(s->state)))
        reply(s, c->elsewhere);
    else
        c->run(s, line + verb + strspn(line + verb, " \t"));
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* States in which a line is an answer to our question, not a command. */
static void (*const answers[ST_COUNT])(struct smtp_session *s, char *line) = {
    [ST_AUTH_USER] = on_auth_user,
    [ST_AUTH_PASSWORD] = on_auth_password,
    [ST_AUTH_PLAIN] = on_auth_plain,
};

static bool is_about_auth(const struct smtp_session *s)
{
    return answers[s->state] || strncasecmp(buf_str(&s->line), "AUTH", 4) == 0;
}

static void refuse_line(struct smtp_session *s, bool is_auth)
{
    reply(s, is_auth ? "500 5.5.6 line too long" : "500 5.5.2 line too long");
    if (answers[s->state])
        enter(s, ST_READY);
}

static void trim_line(struct buf *line)
{
    while (line->len > 0 && strchr("\r\n \t", line->data[line->len - 1])) /* a NUL is found by strchr, too */
        line->data[--line->len] = '\0';
}

static void run_line(struct smtp_session *s)
{
    bool is_auth = is_about_auth(s);
    bool is_long = s->is_line_too_long || (!is_auth && s->line.len > s->limits.command_bytes);
    trim_line(&s->line);
    if (is_long)
        refuse_line(s, is_auth);
    else if (strlen(buf_str(&s->line)) != s->line.len)
        reply(s, "500 5.5.2 a command holds no NUL");
    else if (answers[s->state])
        answers[s->state](s, s->line.data);
    else
        run_command(s, s->line.data);
    if (is_auth)
        explicit_bzero(s->line.data, s->line.cap);
}

static bool is_beyond_patience(const struct smtp_session *s)
{
    return s->errors > s->limits.errors || s->junk > s->limits.junk_commands;
}

static void lose_patience(struct smtp_session *s)
{
    if (smtp_session_in_mail(s))
        refuse(s, &refusals[REFUSED_ERRORS]);
    else
        reply(s, refusals[REFUSED_ERRORS].reply);
    enter(s, ST_CLOSED);
}

/* What is over the ceiling is not kept, only remembered to have been. */
static void gather_line(struct smtp_session *s, const char *bytes, size_t n)
{
    size_t room = s->line.max - s->line.len;
    if (n > room)
        s->is_line_too_long = true;
    buf_put(&s->line, bytes, n < room ? n : room);
}

static size_t take_line(struct smtp_session *s, const char *bytes, size_t n)
{
    const char *end = memchr(bytes, '\n', n);
    size_t used = end ? (size_t)(end - bytes) + 1 : n;
    gather_line(s, bytes, used);
    if (!end)
        return used;
    s->commands++;
    if (s->line.failed)
        reply(s, "452 4.3.1 out of memory");
    else
        run_line(s);
    buf_clear(&s->line);
    s->is_line_too_long = false;
    if (s->state != ST_CLOSED && is_beyond_patience(s))
        lose_patience(s);
    return used;
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static void lose_body(struct smtp_session *s, enum err_code code)
{
    if (s->lost == ERR_NONE)
        s->lost = code;
    buf_shrink(&s->body);
}

static void check_body(struct smtp_session *s)
{
    if (s->body.failed)
        lose_body(s, ERR_NOMEM);
    if (s->data.bytes > (int64_t)s->limits.message_bytes)
        lose_body(s, ERR_LIMIT);
}

static void end_data(struct smtp_session *s)
{
    if (s->lost == ERR_NONE) {
        enter(s, ST_COMMIT);
        return;
    }
    refuse(s, &refusals[refused_by(s->lost)]);
    enter(s, ST_READY);
}

static size_t take_data(struct smtp_session *s, const char *bytes, size_t n)
{
    bool has_ended;
    size_t used = smtp_data_take(&s->data, bytes, n, s->lost == ERR_NONE ? &s->body : NULL, &has_ended);
    check_body(s);
    if (s->data.bytes / 2 > (int64_t)s->limits.message_bytes) { /* no patience without end, even if it has just come */
        refuse(s, &refusals[REFUSED_SIZE]);
        enter(s, ST_CLOSED);
    } else if (has_ended) {
        end_data(s);
    }
    return used;
}

/* --- the server's side ---------------------------------------------------------------------------------------------- */

static size_t body_max(const struct smtp_limits *limits)
{
    enum { ONE_FEED = 1024 * 1024 }; /* so that what crosses the limit is seen as that, not as missing memory */
    return limits->message_bytes + ONE_FEED;
}

struct smtp_session *smtp_session_new(const struct smtp_limits *limits, const char *hostname, const char *peer)
{
    CLEANUP(smtp_session_free) struct smtp_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->limits = *limits;
    buf_init(&s->line, limits->command_bytes > AUTH_LINE_MAX ? limits->command_bytes : AUTH_LINE_MAX);
    buf_init(&s->out, OUT_MAX);
    buf_init(&s->body, body_max(limits));
    arena_init(&s->arena, (limits->recipients + 2) * ENVELOPE_EACH);
    s->hostname = strdup(hostname);
    s->peer = strdup(peer);
    if (!s->hostname || !s->peer)
        return NULL;
    s->envelope = (struct envelope){ .listener = "smtp", .peer = s->peer, .helo = "", .login = "" };
    mail_forget(s);
    return TAKE(s);
}

void smtp_session_free(struct smtp_session **sp)
{
    struct smtp_session *s = TAKE(*sp);
    if (!s)
        return;
    buf_done(&s->line);
    buf_done(&s->out);
    buf_done(&s->body);
    arena_done(&s->arena);
    free(s->hostname);
    free(s->peer);
    free(s->helo);
    free(s->login);
    free(s);
}

void smtp_session_greet(struct smtp_session *s)
{
    put_hostname_line(s, "220 ", " ESMTP Postern");
}

/* What was refused last stays readable until more is fed. */
static void forget_refused(struct smtp_session *s)
{
    s->has_refusal = false;
    if (s->state == ST_READY && (s->arena.blocks || s->lost != ERR_NONE))
        mail_forget(s);
}

static bool is_hungry(const struct smtp_session *s)
{
    return wants[s->state] == SMTP_WANT_READ && !s->has_refusal && s->out.len < OUT_ENOUGH && !s->out.failed;
}

enum smtp_want smtp_session_feed(struct smtp_session *s, const char *bytes, size_t n, size_t *used_out)
{
    size_t used = 0;
    forget_refused(s);
    while (used < n && is_hungry(s))
        used += s->state == ST_DATA ? take_data(s, bytes + used, n - used) : take_line(s, bytes + used, n - used);
    if (s->out.failed)
        enter(s, ST_CLOSED);
    *used_out = used;
    return wants[s->state];
}

struct buf *smtp_session_out(struct smtp_session *s)
{
    return &s->out;
}

struct buf *smtp_session_body(struct smtp_session *s)
{
    return &s->body;
}

const struct envelope *smtp_session_envelope(const struct smtp_session *s)
{
    return &s->envelope;
}

bool smtp_session_in_data(const struct smtp_session *s)
{
    return s->state == ST_DATA;
}

bool smtp_session_in_mail(const struct smtp_session *s)
{
    return s->state == ST_MAIL || s->state == ST_RCPT || s->state == ST_DATA;
}

int64_t smtp_session_body_bytes(const struct smtp_session *s)
{
    return s->data.bytes;
}

uint64_t smtp_session_commands(const struct smtp_session *s)
{
    return s->commands;
}

bool smtp_session_saw_false_end(const struct smtp_session *s)
{
    return smtp_data_saw_false_end(&s->data);
}

void smtp_session_committed(struct smtp_session *s, const char *id, const struct err *failed)
{
    enter(s, ST_READY);
    if (failed) {
        refuse(s, &refusals[refused_by(failed->code)]);
        return;
    }
    buf_puts(&s->out, "250 2.0.0 queued as ");
    buf_puts(&s->out, id);
    buf_puts(&s->out, "\r\n");
    s->errors = s->junk = 0;
    mail_forget(s);
}

void smtp_session_body_failed(struct smtp_session *s, const struct err *failed)
{
    lose_body(s, failed->code);
}

void smtp_session_end(struct smtp_session *s, enum smtp_end why)
{
    if (smtp_session_in_mail(s) && ends[why].reason)
        refuse(s, &ends[why]);
    else
        reply(s, ends[why].reply);
    enter(s, ST_CLOSED);
}

const struct smtp_refusal *smtp_session_refusal(struct smtp_session *s)
{
    return TAKE(s->has_refusal) ? &s->refusal : NULL;
}

void smtp_session_rest(struct smtp_session *s)
{
    if (s->line.len == 0 && s->line.cap > REST_KEEPS)
        buf_shrink(&s->line);
    if (s->out.len == 0 && s->out.cap > REST_KEEPS)
        buf_shrink(&s->out);
}
