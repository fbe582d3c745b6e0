/* smtp_session: bytes become lines or a body; the state alone says what we want from the server. */
#include "net/smtp_inside.h"
#include "net/smtp_path.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    AUTH_LINE_MAX = 12288,       /* Postfix takes as much (tokens of some gateways)             */
    OUT_ENOUGH = 8 * 1024,       /* replies nobody has read yet: take no more commands          */
    OUT_MAX = OUT_ENOUGH + 4096, /* … the last of which may still be answered                  */
    ENVELOPE_EACH = SMTP_PATH_MAX + 64,
    REST_KEEPS = 256, /* bytes a buffer may keep while nobody speaks                 */
};

static const enum smtp_want wants[ST_COUNT] = {
    [ST_COMMIT] = SMTP_WANT_COMMIT, [ST_TLS] = SMTP_WANT_TLS, [ST_VERIFY] = SMTP_WANT_VERIFY, [ST_CLOSED] = SMTP_WANT_CLOSE
};

void smtp_enter(struct smtp_session *s, enum smtp_state next)
{
    s->state = next;
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

static bool is_about_auth(const struct smtp_session *s)
{
    const char *line = buf_str(&s->line);
    return smtp_is_sasl_asked(s) || strncasecmp(line + strspn(line, " \t"), "AUTH", 4) == 0;
}

static void refuse_line(struct smtp_session *s, bool is_auth)
{
    if (is_auth)
        smtp_reply(s, "500 5.5.6 line too long");
    else
        smtp_refuse(s, REFUSED_COMMAND);
    if (smtp_is_sasl_asked(s))
        smtp_sasl_abort(s);
}

static void refuse_nul(struct smtp_session *s)
{
    smtp_reply(s, "500 5.5.2 a command holds no NUL");
    if (smtp_is_sasl_asked(s))
        smtp_sasl_abort(s);
}

static void trim_line(struct buf *line)
{
    while (line->len > 0 && strchr("\r\n \t", line->data[line->len - 1])) /* a NUL is found by strchr, too */
        line->data[--line->len] = '\0';
}

/* Some devices send the NUL behind their text, too, before or behind the line's end. */
static void skip_nuls(struct buf *line)
{
    size_t n = 0;
    while (n < line->len && line->data[n] == '\0')
        n++;
    buf_consume(line, n);
}

static void run_line(struct smtp_session *s)
{
    skip_nuls(&s->line);
    bool is_auth = is_about_auth(s);
    bool is_long = s->is_line_too_long || (!is_auth && s->line.len > s->limits.command_bytes);
    trim_line(&s->line);
    smtp_tell_heard(s, is_auth);
    if (is_long)
        refuse_line(s, is_auth);
    else if (strlen(buf_str(&s->line)) != s->line.len)
        refuse_nul(s);
    else if (smtp_is_sasl_asked(s))
        smtp_on_sasl_answer(s, s->line.data);
    else
        smtp_run_command(s, s->line.data);
    if (is_auth)
        explicit_bzero(s->line.data, s->line.cap);
}

static bool is_beyond_patience(const struct smtp_session *s)
{
    return s->errors > s->limits.errors || s->junk > s->limits.junk_commands;
}

void smtp_end_if_beyond_patience(struct smtp_session *s)
{
    if (s->state == ST_CLOSED || !is_beyond_patience(s))
        return;
    smtp_refuse(s, s->errors > s->limits.errors ? REFUSED_ERRORS : REFUSED_JUNK);
    smtp_enter(s, ST_CLOSED);
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
        smtp_reply(s, "452 4.3.1 out of memory");
    else
        run_line(s);
    buf_clear(&s->line);
    s->is_line_too_long = false;
    smtp_end_if_beyond_patience(s); /* only where a line is whole: else it would matter how the bytes came */
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
    s->profile = smtp_profile_default();
    buf_init(&s->line, limits->command_bytes > AUTH_LINE_MAX ? limits->command_bytes : AUTH_LINE_MAX);
    buf_init(&s->out, OUT_MAX);
    buf_init(&s->body, body_max(limits));
    arena_init(&s->arena, (limits->recipients + 2) * ENVELOPE_EACH);
    s->hostname = strdup(hostname);
    s->peer = strdup(peer);
    if (!s->hostname || !s->peer)
        return NULL;
    s->envelope = (struct envelope){ .listener = "smtp", .peer = s->peer, .helo = "", .login = "" };
    smtp_mail_forget(s);
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
    smtp_auth_forget(s);
    free(s->nonce);
    free(s);
}

void smtp_session_use(struct smtp_session *s, const struct smtp_profile *profile)
{
    s->profile = profile;
}

void smtp_session_greet(struct smtp_session *s)
{
    size_t before = s->out.len;
    if (s->profile->greeting)
        buf_printf(&s->out, "220 %s\r\n", s->profile->greeting);
    else
        smtp_reply_hostname(s, "220 ", " ESMTP Postern");
    smtp_tell_said(s, before);
}

/* What was refused last stays readable until more is fed. */
static void forget_refused(struct smtp_session *s)
{
    s->has_refusal = s->is_body_dropped = false;
    if (s->state == ST_READY && (s->arena.blocks || s->lost != ERR_NONE))
        smtp_mail_forget(s);
}

static bool is_hungry(const struct smtp_session *s)
{
    return wants[s->state] == SMTP_WANT_READ && !s->has_refusal && !s->is_body_dropped && s->out.len < OUT_ENOUGH &&
           !s->out.failed;
}

static size_t (*const takers[ST_COUNT])(struct smtp_session *s, const char *bytes, size_t n) = {
    [ST_READY] = take_line,         [ST_MAIL] = take_line,        [ST_RCPT] = take_line,          [ST_AUTH_USER] = take_line,
    [ST_AUTH_PASSWORD] = take_line, [ST_AUTH_PLAIN] = take_line,  [ST_AUTH_CRAM] = take_line,     [ST_DATA] = smtp_take_data,
    [ST_BDAT] = take_line,          [ST_CHUNK] = smtp_take_chunk, [ST_SWALLOW] = smtp_take_chunk,
};

/* One line, or a piece of the body. */
static size_t take(struct smtp_session *s, const char *bytes, size_t n)
{
    size_t before = s->out.len;
    size_t used = takers[s->state](s, bytes, n);
    smtp_tell_said(s, before);
    return used;
}

enum smtp_want smtp_session_feed(struct smtp_session *s, const char *bytes, size_t n, size_t *used_out)
{
    size_t used = 0;
    forget_refused(s);
    while (used < n && is_hungry(s))
        used += take(s, bytes + used, n - used);
    if (s->state == ST_TLS && used < n)
        smtp_refuse_injected(s);
    if (s->out.failed)
        smtp_enter(s, ST_CLOSED);
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
    return s->state == ST_DATA || s->state == ST_BDAT || s->state == ST_CHUNK;
}

bool smtp_session_in_mail(const struct smtp_session *s)
{
    return s->state == ST_MAIL || s->state == ST_RCPT || smtp_session_in_data(s);
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

static void answer_commit(struct smtp_session *s, const char *id, const struct err *failed)
{
    smtp_enter(s, ST_READY);
    if (failed) {
        smtp_refuse(s, smtp_refused_by(failed->code));
        return;
    }
    buf_puts(&s->out, "250 2.0.0 queued as ");
    buf_puts(&s->out, id);
    buf_puts(&s->out, "\r\n");
    s->errors = s->junk = 0;
    smtp_mail_forget(s);
}

void smtp_session_committed(struct smtp_session *s, const char *id, const struct err *failed)
{
    size_t before = s->out.len;
    answer_commit(s, id, failed);
    smtp_answer_early(s);
    smtp_tell_said(s, before);
}

void smtp_session_body_failed(struct smtp_session *s, const struct err *failed)
{
    smtp_lose_body(s, failed->code);
}

void smtp_session_guard(struct smtp_session *s, const struct smtp_gate_keeper *keeper)
{
    s->keeper = *keeper;
}

static void refuse_commit(struct smtp_session *s, const struct smtp_refusal *why)
{
    size_t before = s->out.len;
    smtp_enter(s, ST_READY);
    smtp_refuse_as(s, why);
    smtp_answer_early(s);
    smtp_tell_said(s, before);
}

void smtp_session_refuse_mail(struct smtp_session *s, const struct smtp_refusal *why)
{
    if (s->state == ST_COMMIT) {
        refuse_commit(s, why);
    } else if (s->lost == ERR_NONE) {
        smtp_lose_body(s, ERR_FULL);
        s->lost_by = why;
    }
}

void smtp_session_end(struct smtp_session *s, enum smtp_end why)
{
    size_t before = s->out.len;
    smtp_reply_end(s, why);
    smtp_enter(s, ST_CLOSED);
    smtp_tell_said(s, before);
}

const char *smtp_session_oddity(struct smtp_session *s)
{
    return TAKE(s->oddity);
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
