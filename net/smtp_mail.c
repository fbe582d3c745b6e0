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
    smtp_data_begin(&s->data);
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

void smtp_on_mail(struct smtp_session *s, char *arg)
{
    struct smtp_path path;
    if (smtp_path_read(arg, "FROM", &path) < 0) {
        smtp_reply(s, "501 5.1.7 bad sender, say MAIL FROM:<address>");
        return;
    }
    struct mail_parameters parameters = { 0 };
    const char *wrong = read_mail_parameters(path.parameters, &parameters);
    if (wrong) {
        smtp_reply(s, wrong);
        return;
    }
    mail_begin(s, path.address);
    if (!s->envelope.from) {
        s->envelope.from = "";
        smtp_reply(s, "452 4.3.1 out of memory");
        return;
    }
    if (parameters.size > s->limits.message_bytes) {
        smtp_refuse(s, REFUSED_SIZE);
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
    } else if (path.parameters[0]) {
        s->was_recipient_refused = true;
        smtp_reply(s, "555 5.5.4 unknown parameter of RCPT");
    } else if (s->envelope.to_count >= s->limits.recipients || mail_add_recipient(s, path.address) < 0) {
        refuse_recipient(s);
    } else {
        smtp_reply(s, "250 2.1.5 ok");
        smtp_enter(s, ST_RCPT);
    }
}

void smtp_on_data(struct smtp_session *s, char *arg)
{
    (void)arg;
    if (s->state == ST_MAIL) {
        smtp_reply(s, s->was_recipient_refused ? "554 5.5.1 no valid recipients" : "503 5.5.1 need RCPT first");
        return;
    }
    smtp_data_begin(&s->data);
    smtp_reply(s, "354 end with <CR><LF>.<CR><LF>");
    smtp_enter(s, ST_DATA);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

void smtp_lose_body(struct smtp_session *s, enum err_code code)
{
    if (s->lost == ERR_NONE)
        s->lost = code;
    buf_shrink(&s->body);
}

static void check_body(struct smtp_session *s)
{
    if (s->body.failed)
        smtp_lose_body(s, ERR_NOMEM);
    if (s->data.bytes > (int64_t)s->limits.message_bytes)
        smtp_lose_body(s, ERR_LIMIT);
}

static void end_data(struct smtp_session *s)
{
    smtp_tell_took(s, s->data.bytes);
    if (s->lost == ERR_NONE) {
        smtp_enter(s, ST_COMMIT);
        return;
    }
    smtp_refuse(s, smtp_refused_by(s->lost));
    smtp_enter(s, ST_READY);
}

size_t smtp_take_data(struct smtp_session *s, const char *bytes, size_t n)
{
    bool has_ended;
    size_t used = smtp_data_take(&s->data, bytes, n, s->lost == ERR_NONE ? &s->body : NULL, &has_ended);
    check_body(s);
    if (s->data.bytes / 2 > (int64_t)s->limits.message_bytes) { /* no patience without end, even if it has just come */
        smtp_refuse(s, REFUSED_SIZE);
        smtp_enter(s, ST_CLOSED);
    } else if (has_ended) {
        end_data(s);
    }
    return used;
}
