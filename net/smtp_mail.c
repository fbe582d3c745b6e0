/* smtp_mail: one mail, from MAIL to the end of its body. */
#include "net/smtp_inside.h"
#include "net/smtp_path.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIRST_RECIPIENTS = 4 };

/* --- the mail that is under way ------------------------------------------------------------------------------ */

void smtp_mail_forget(struct smtp_session *s)
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
    s->lost_by = NULL;
    s->is_body_dropped = s->is_body_dropped || s->state == ST_BDAT;
    smtp_data_begin(&s->data, false);
}

static void mail_begin(struct smtp_session *s, const char *from)
{
    smtp_mail_forget(s);
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

/* --- MAIL and RCPT ------------------------------------------------------------------------------------------------ */

static bool is_any(const char *value)
{
    return value;
}

static bool is_number(const char *value)
{
    return *value && !value[strspn(value, "0123456789")];
}

static bool is_body(const char *value)
{
    return strcasecmp(value, "7BIT") == 0 || strcasecmp(value, "8BITMIME") == 0;
}

static bool is_ret(const char *value)
{
    return strcasecmp(value, "FULL") == 0 || strcasecmp(value, "HDRS") == 0;
}

/* RFC 3461 section 4.1: NEVER, or any of the others apart by commas. We notify nobody: the sender is a device. */
static bool is_notify(const char *value)
{
    static const char *const words[] = { "NEVER", "SUCCESS", "FAILURE", "DELAY" };
    size_t n = strcspn(value, ","), known = 0;
    for (size_t i = 0; i < COUNT(words); i++)
        known += n == strlen(words[i]) && strncasecmp(value, words[i], n) == 0;
    return known > 0 && (!value[n] || is_notify(value + n + 1));
}

/* What may stand behind an address. Only SIZE changes anything here. What is unknown or has a strange value is passed over and
 * noted, not refused (RFC 5321 would have 555): the alarm in that mail is worth more than its parameter. */
struct parameter {
    const char *name;
    bool (*is_fine)(const char *value);
};
static const struct parameter mail_parameters[] = {
    { "SIZE", is_number },  /* RFC 1870 */
    { "BODY", is_body },    /* RFC 6152 */
    { "SMTPUTF8", is_any }, /* RFC 6531; UTF-8 is taken without it too */
    { "AUTH", is_any },     /* RFC 4954 section 5: who wrote it first; we ask nobody else */
    { "RET", is_ret },      /* RFC 3461, as ENVID, NOTIFY and ORCPT */
    { "ENVID", is_any },    { NULL, NULL },
};
static const struct parameter rcpt_parameters[] = {
    { "NOTIFY", is_notify },
    { "ORCPT", is_any },
    { NULL, NULL },
};

static const char *oddity_of(const struct parameter *known, const char *name, const char *value)
{
    while (known->name && strcasecmp(known->name, name) != 0)
        known++;
    return !known->name ? "an unknown parameter" : known->is_fine(value) ? NULL : "a strange value of a parameter";
}

/* Returns the size that was told; 0: none. */
static uint64_t read_parameters(struct smtp_session *s, char *text, const struct parameter *known)
{
    const char *name, *value;
    uint64_t size = 0;
    while (smtp_parameter_next(&text, &name, &value)) {
        const char *oddity = oddity_of(known, name, value);
        if (oddity)
            s->oddity = oddity;
        else if (known == mail_parameters && strcasecmp(name, "SIZE") == 0)
            size = strtoull(value, NULL, 10); /* ULLONG_MAX when it does not fit: large enough to be refused */
    }
    return size;
}

static void refuse_at_the_gate(struct smtp_session *s, const struct smtp_refusal *no)
{
    smtp_refuse_as(s, no);
    if (strncmp(no->reply, "421", 3) == 0)
        smtp_enter(s, ST_CLOSED);
}

void smtp_on_mail(struct smtp_session *s, char *arg)
{
    struct smtp_path path;
    if (smtp_path_read(arg, "FROM", &path) < 0) {
        smtp_reply(s, "501 5.1.7 bad sender, say MAIL FROM:<address>");
        return;
    }
    uint64_t size = read_parameters(s, path.parameters, mail_parameters);
    mail_begin(s, path.address);
    if (!s->envelope.from) {
        s->envelope.from = "";
        smtp_reply(s, "452 4.3.1 out of memory");
        return;
    }
    if (s->auth.policy == SMTP_AUTH_REQUIRED && !s->is_authenticated) {
        smtp_refuse(s, REFUSED_NO_LOGIN);
        return;
    }
    if (size > s->limits.message_bytes) {
        smtp_refuse(s, REFUSED_SIZE);
        return;
    }
    const struct smtp_refusal *no = s->keeper.refuses ? s->keeper.refuses(s->keeper.user, size) : NULL;
    if (no) {
        refuse_at_the_gate(s, no);
        return;
    }
    smtp_reply(s, "250 2.1.0 ok");
    smtp_enter(s, ST_MAIL);
}

static void refuse_recipient(struct smtp_session *s)
{
    s->was_recipient_refused = true;
    if (s->was_too_many_told) /* one word to the operator is enough */
        smtp_reply_refused(s, REFUSED_RECIPIENTS);
    else
        smtp_refuse(s, REFUSED_RECIPIENTS);
    s->was_too_many_told = true;
}

void smtp_on_rcpt(struct smtp_session *s, char *arg)
{
    struct smtp_path path;
    if (smtp_path_read(arg, "TO", &path) < 0 || !path.address[0]) {
        s->was_recipient_refused = true;
        smtp_reply(s, "501 5.1.3 bad recipient, say RCPT TO:<address>");
    } else if (s->envelope.to_count >= s->limits.recipients || mail_add_recipient(s, path.address) < 0) {
        refuse_recipient(s);
    } else {
        (void)read_parameters(s, path.parameters, rcpt_parameters);
        smtp_reply(s, "250 2.1.5 ok");
        smtp_enter(s, ST_RCPT);
    }
}

const char *smtp_no_recipients(const struct smtp_session *s)
{
    return s->was_recipient_refused ? "554 5.5.1 no valid recipients" : "503 5.5.1 need RCPT first";
}

void smtp_on_data(struct smtp_session *s, char *arg)
{
    (void)arg;
    if (s->state == ST_MAIL) {
        smtp_reply(s, smtp_no_recipients(s));
        return;
    }
    smtp_body_begin(s);
    smtp_reply(s, "354 end with <CR><LF>.<CR><LF>");
    smtp_enter(s, ST_DATA);
}

/* --- the body ------------------------------------------------------------------------------------------------------- */

void smtp_body_begin(struct smtp_session *s)
{
    smtp_data_begin(&s->data, s->profile->ends_at_lf_dot);
    s->was_early = false;
}

struct buf *smtp_body_wanted(struct smtp_session *s)
{
    return s->lost == ERR_NONE ? &s->body : NULL;
}

void smtp_lose_body(struct smtp_session *s, enum err_code code)
{
    if (s->lost == ERR_NONE)
        s->lost = code;
    buf_shrink(&s->body);
}

void smtp_refuse_endless(struct smtp_session *s)
{
    if (smtp_session_in_mail(s))
        smtp_refuse(s, REFUSED_SIZE);
    else
        smtp_reply_refused(s, REFUSED_SIZE);
    smtp_enter(s, ST_CLOSED);
}

void smtp_check_body(struct smtp_session *s)
{
    if (s->body.failed)
        smtp_lose_body(s, ERR_NOMEM);
    if (s->data.bytes > (int64_t)s->limits.message_bytes)
        smtp_lose_body(s, ERR_LIMIT);
    if (s->data.bytes / 2 > (int64_t)s->limits.message_bytes) /* no patience without end, even if it has just come */
        smtp_refuse_endless(s);
}

void smtp_end_body(struct smtp_session *s)
{
    smtp_tell_took(s, s->data.bytes);
    if (s->lost == ERR_NONE) {
        smtp_enter(s, ST_COMMIT);
        return;
    }
    if (s->lost_by)
        smtp_refuse_as(s, s->lost_by);
    else
        smtp_refuse(s, smtp_refused_by(s->lost));
    smtp_enter(s, ST_READY);
    smtp_answer_early(s);
}

void smtp_answer_early(struct smtp_session *s)
{
    if (!TAKE(s->was_early))
        return;
    smtp_reply(s, "554 5.5.0 wait for the answer to your message before you say more");
    smtp_enter(s, ST_CLOSED);
}

void smtp_session_came_early(struct smtp_session *s)
{
    s->was_early = s->state == ST_COMMIT && s->profile->ends_at_lf_dot;
}

size_t smtp_take_data(struct smtp_session *s, const char *bytes, size_t n)
{
    bool has_ended;
    size_t used = smtp_data_take(&s->data, bytes, n, smtp_body_wanted(s), &has_ended);
    smtp_check_body(s);
    s->was_early = has_ended && used < n && s->profile->ends_at_lf_dot;
    if (has_ended && s->state != ST_CLOSED)
        smtp_end_body(s);
    return used;
}
