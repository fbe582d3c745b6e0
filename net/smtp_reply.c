/* smtp_reply: what we say: plain replies, and those that refuse something, with the setting that would allow it. */
#include "net/smtp_inside.h"

void smtp_reply(struct smtp_session *s, const char *text)
{
    if (text[0] == '5')
        s->errors++;
    buf_puts(&s->out, text);
    buf_puts(&s->out, "\r\n");
}

void smtp_reply_hostname(struct smtp_session *s, const char *code, const char *words)
{
    buf_puts(&s->out, code);
    buf_puts(&s->out, s->hostname);
    buf_puts(&s->out, words);
    buf_puts(&s->out, "\r\n");
}

static const struct smtp_refusal refusals[] = {
    [REFUSED_SIZE] = { "552 5.3.4 message is larger than this gateway takes", "Smtp:MaxMessage", "size", true },
    [REFUSED_RECIPIENTS] = { "452 4.5.3 too many recipients", "Smtp:MaxRecipients", "recipients", false },
    [REFUSED_FULL] = { "452 4.3.1 no room to keep this message", "Store:MaxBytes", "storage", true },
    [REFUSED_STORE] = { "451 4.3.0 cannot keep this message now", "Store:Folder", "storage", true },
    [REFUSED_ERRORS] = { "421 4.7.0 too many errors", "Smtp:MaxErrors", "errors", true },
    [REFUSED_JUNK] = { "421 4.7.0 too many commands without a mail", "Smtp:MaxIdleCommands", "junk", true },
    [REFUSED_COMMAND] = { "500 5.5.2 line too long", "Smtp:MaxCommand", "command", false },
    [REFUSED_INJECTED] = { "554 5.5.1 bytes came after STARTTLS in plain text", NULL, "starttls", true },
    [REFUSED_LOGIN] = { "535 5.7.8 wrong user or password", "Smtp:Users", "login", false },
    [REFUSED_NO_LOGIN] = { "530 5.7.0 log in first", "Smtp:Auth", "auth", true },
};

static const struct smtp_refusal ends[] = {
    [SMTP_END_SILENT] = { "421 4.4.2 timeout, no command came", "Smtp:CommandTimeout", "timeout", true },
    [SMTP_END_STALLED] = { "421 4.4.2 timeout, the end of the message did not come", "Smtp:DataTimeout", "timeout", true },
    [SMTP_END_SLOW] = { "421 4.4.2 timeout, the message comes too slowly", "Smtp:MinBytesPerSecond", "slow", true },
    [SMTP_END_ENDLESS] = { "421 4.4.2 timeout, the message takes too long", "Smtp:MessageTimeout", "timeout", true },
    [SMTP_END_TOO_LONG] = { "421 4.4.2 timeout, this conversation is too long", "Smtp:SessionTimeout", "timeout", true },
    [SMTP_END_CROWDED] = { "421 4.7.0 too many connections", "Smtp:MaxConnections", "connections", true },
    [SMTP_END_STOPPING] = { "421 4.3.2 this gateway is stopping, try again", NULL, NULL, true },
};

void smtp_refuse_as(struct smtp_session *s, const struct smtp_refusal *rule)
{
    smtp_reply(s, rule->reply);
    s->refusal = *rule;
    s->refusal.envelope = &s->envelope;
    s->has_refusal = true;
}

void smtp_refuse(struct smtp_session *s, enum smtp_refused why)
{
    smtp_refuse_as(s, &refusals[why]);
}

void smtp_reply_refused(struct smtp_session *s, enum smtp_refused why)
{
    smtp_reply(s, refusals[why].reply);
}

void smtp_reply_end(struct smtp_session *s, enum smtp_end why)
{
    bool is_known = why == SMTP_END_CROWDED && !smtp_session_in_mail(s); /* the server wants it, and has said so */
    if (ends[why].reason && !is_known)
        smtp_refuse_as(s, &ends[why]);
    else
        smtp_reply(s, ends[why].reply);
}

enum smtp_refused smtp_refused_by(enum err_code code)
{
    return code == ERR_LIMIT ? REFUSED_SIZE : code == ERR_FULL ? REFUSED_FULL : REFUSED_STORE;
}
