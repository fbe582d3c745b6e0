/* smtp_command: the command table. The dispatcher is a loop over it; each handler does its own verb and nothing else. */
#include "net/smtp_inside.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- handlers, one per verb: arg is what stands behind it, blanks trimmed; they may write into it --------------- */

static void greeted(struct smtp_session *s, const char *name)
{
    free(s->helo);
    s->helo = strdup(name);
    s->envelope.helo = s->helo ? s->helo : "";
    smtp_mail_forget(s);
    smtp_enter(s, ST_READY);
}

/* --- what EHLO lists ------------------------------------------------------------------------------------------------ */

static void put_size(struct smtp_session *s)
{
    buf_putc(&s->out, ' ');
    buf_puti(&s->out, (int64_t)s->limits.message_bytes);
}

static void put_mechanisms(struct smtp_session *s)
{
    buf_puts(&s->out, smtp_is_cram_offered(s) && !s->profile->is_short ? " LOGIN PLAIN CRAM-MD5" : " LOGIN PLAIN");
}

/* The short list is what all devices understand. Both forms of AUTH: some only know the one with "=" (Postfix:
 * broken_sasl_auth_clients). */
static const struct capability {
    const char *words;
    bool is_in_short_list;
    bool (*is_offered)(const struct smtp_session *s); /* NULL: always */
    void (*put_value)(struct smtp_session *s);        /* NULL: none   */
} capabilities[] = {
    { "SIZE", true, NULL, put_size },
    { "8BITMIME", true, NULL, NULL },
    { "AUTH", true, NULL, put_mechanisms },
    { "AUTH=LOGIN PLAIN", false, NULL, NULL },
    { "PIPELINING", false, NULL, NULL },
    { "STARTTLS", false, smtp_is_tls_offered, NULL },
    { "ENHANCEDSTATUSCODES", false, NULL, NULL },
    { "CHUNKING", false, NULL, NULL },
    { "SMTPUTF8", false, NULL, NULL },
};

static bool is_listed(const struct smtp_session *s, const struct capability *c)
{
    return (c->is_in_short_list || !s->profile->is_short) && (!c->is_offered || c->is_offered(s));
}

/* Each line as if another followed; where none did, the hyphen becomes a blank. */
static void put_capabilities(struct smtp_session *s)
{
    enum { CODE = 3 };
    size_t last = s->out.len;
    smtp_reply_hostname(s, "250-", "");
    for (size_t i = 0; i < COUNT(capabilities); i++) {
        if (!is_listed(s, &capabilities[i]))
            continue;
        last = s->out.len;
        buf_puts(&s->out, "250-");
        buf_puts(&s->out, capabilities[i].words);
        if (capabilities[i].put_value)
            capabilities[i].put_value(s);
        buf_puts(&s->out, "\r\n");
    }
    if (!s->out.failed)
        s->out.data[last + CODE] = ' ';
}

static void on_ehlo(struct smtp_session *s, char *arg)
{
    if (s->profile->refuses_ehlo) {
        smtp_reply(s, "502 5.5.1 not implemented, say HELO");
        return;
    }
    greeted(s, arg);
    put_capabilities(s);
}

static void on_helo(struct smtp_session *s, char *arg)
{
    greeted(s, arg);
    smtp_reply_hostname(s, "250 ", "");
}

static void on_rset(struct smtp_session *s, char *arg)
{
    (void)arg;
    smtp_mail_forget(s);
    smtp_enter(s, ST_READY);
    smtp_reply(s, "250 2.0.0 ok");
}

static void on_noop(struct smtp_session *s, char *arg)
{
    (void)arg;
    smtp_reply(s, "250 2.0.0 ok");
}

static void on_vrfy(struct smtp_session *s, char *arg)
{
    (void)arg;
    smtp_reply(s, "252 2.0.0 send it and see");
}

static void on_help(struct smtp_session *s, char *arg)
{
    (void)arg;
    smtp_reply(s, "214 2.0.0 EHLO HELO AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT");
}

static void on_quit(struct smtp_session *s, char *arg)
{
    (void)arg;
    smtp_reply(s, "221 2.0.0 bye");
    smtp_enter(s, ST_CLOSED);
}

static void on_not_here(struct smtp_session *s, char *arg)
{
    (void)arg;
    smtp_reply(s, "502 5.5.1 not implemented");
}

/* A web page that posts to our port could otherwise say MAIL, RCPT and DATA in its body and so raise an alarm. */
static void on_web(struct smtp_session *s, char *arg)
{
    (void)arg;
    smtp_reply(s, "554 5.7.0 this is SMTP");
    smtp_enter(s, ST_CLOSED);
}

/* --- the command table ------------------------------------------------------------------------------------------ */

#define IN(state) (1U << (state))
enum { ANY = IN(ST_READY) | IN(ST_MAIL) | IN(ST_RCPT) | IN(ST_BDAT), IN_MAIL = IN(ST_MAIL) | IN(ST_RCPT) };
enum { JUNK = 1 }; /* legal, but nothing comes of it: counted */

/* HELO is not asked for: devices forget it. What a device says behind a verb that takes nothing is ignored. */
static const struct command {
    const char *verb;
    unsigned states; /* where it may be sent */
    unsigned flags;
    const char *elsewhere; /* the answer there     */
    void (*run)(struct smtp_session *s, char *arg);
} commands[] = {
    { "MAIL", IN(ST_READY), 0, "503 5.5.1 a mail is under way", smtp_on_mail },
    { "RCPT", IN_MAIL, 0, "503 5.5.1 need MAIL first", smtp_on_rcpt },
    { "DATA", IN_MAIL, 0, "503 5.5.1 need MAIL and RCPT first", smtp_on_data },
    { "EHLO", ANY, JUNK, NULL, on_ehlo },
    { "HELO", ANY, JUNK, NULL, on_helo },
    { "QUIT", ANY, 0, NULL, on_quit },
    { "RSET", ANY, JUNK, NULL, on_rset },
    { "AUTH", IN(ST_READY), 0, "503 5.5.1 a mail is under way", smtp_on_auth },
    { "NOOP", ANY, JUNK, NULL, on_noop },
    { "VRFY", ANY, JUNK, NULL, on_vrfy },
    { "HELP", ANY, JUNK, NULL, on_help },
    { "EXPN", ANY, JUNK, NULL, on_not_here },
    { "ETRN", ANY, JUNK, NULL, on_not_here },
    { "TURN", ANY, JUNK, NULL, on_not_here },
    { "BDAT", ANY, 0, NULL, smtp_on_bdat },
    { "STARTTLS", ANY, JUNK, NULL, smtp_on_starttls },
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

bool smtp_is_command(const char *line)
{
    return find_command(line, strcspn(line, " \t"));
}

void smtp_run_command(struct smtp_session *s, char *line)
{
    line += strspn(line, " \t");
    size_t verb = strcspn(line, " \t");
    const struct command *c = find_command(line, verb);
    if (verb == 0 || (c && (c->flags & JUNK)))
        s->junk++;
    if (verb == 0)
        return; /* blank lines between commands: legal from some devices, answered by nobody */
    if (!c)
        smtp_reply(s, "500 5.5.2 unknown command");
    else if (!(c->states & IN(s->state)))
        smtp_reply(s, s->state == ST_BDAT ? "503 5.5.1 a BDAT message is under way" : c->elsewhere);
    else
        c->run(s, line + verb + strspn(line + verb, " \t"));
}
