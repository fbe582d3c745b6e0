/* smtp_bdat: BDAT (RFC 3030): a body in chunks of counted bytes. No line is looked at: no dot ends it, none is taken away. A
 * chunk that may not come is read to its end all the same, and answered then, so that its bytes are never taken for commands. */
#include "net/smtp_inside.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "86" or "86 LAST". -1: nobody knows how many bytes follow. */
static int read_chunk(const char *arg, uint64_t *bytes_out, bool *is_last_out)
{
    enum { DIGITS_MAX = 18 };
    size_t digits = strspn(arg, "0123456789");
    const char *rest = arg + digits + strspn(arg + digits, " \t");
    if (digits == 0 || digits > DIGITS_MAX || (*rest && strcasecmp(rest, "LAST") != 0) || (*rest && rest == arg + digits))
        return -1;
    *bytes_out = strtoull(arg, NULL, 10);
    *is_last_out = *rest;
    return 0;
}

static const char *why_not_here(const struct smtp_session *s)
{
    if (s->state == ST_MAIL)
        return smtp_no_recipients(s);
    return "503 5.5.1 need MAIL and RCPT first";
}

/* A chunk of this mail is here. A failed mail ends at once: chunks that follow belong to none. */
static void end_chunk(struct smtp_session *s)
{
    if (s->chunk.is_last || s->lost != ERR_NONE) {
        smtp_end_body(s);
        return;
    }
    buf_puts(&s->out, "250 2.0.0 ");
    buf_puti(&s->out, (int64_t)s->chunk.bytes);
    buf_puts(&s->out, " octets taken\r\n");
    smtp_enter(s, ST_BDAT);
}

static void end_swallowed(struct smtp_session *s)
{
    smtp_enter(s, s->chunk.then);
    smtp_reply(s, s->chunk.reply);
    smtp_end_if_beyond_patience(s);
}

static void end_any_chunk(struct smtp_session *s)
{
    if (s->state == ST_CHUNK)
        end_chunk(s);
    else
        end_swallowed(s);
}

static void begin_chunk(struct smtp_session *s)
{
    if (s->state == ST_RCPT)
        smtp_body_begin(s);
    smtp_enter(s, ST_CHUNK);
}

static void begin_swallowing(struct smtp_session *s, const char *reply)
{
    s->chunk.reply = reply;
    s->chunk.then = s->state;
    smtp_enter(s, ST_SWALLOW);
}

void smtp_on_bdat(struct smtp_session *s, char *arg)
{
    s->chunk = (struct smtp_chunk){ 0 };
    if (read_chunk(arg, &s->chunk.bytes, &s->chunk.is_last) < 0) {
        smtp_reply(s, "501 5.5.4 say BDAT octets [LAST]");
        smtp_enter(s, ST_CLOSED);
        return;
    }
    s->chunk.left = s->chunk.bytes;
    if (s->chunk.bytes / 2 > s->limits.message_bytes) { /* as with DATA: no patience without end */
        smtp_refuse_endless(s);
        return;
    }
    if (s->state != ST_RCPT && s->state != ST_BDAT)
        begin_swallowing(s, why_not_here(s));
    else if (s->chunk.bytes == 0 && !s->chunk.is_last)
        begin_swallowing(s, "551 5.7.1 an empty chunk says nothing");
    else
        begin_chunk(s);
    if (s->chunk.left == 0)
        end_any_chunk(s);
}

size_t smtp_take_chunk(struct smtp_session *s, const char *bytes, size_t n)
{
    size_t used = s->chunk.left < n ? (size_t)s->chunk.left : n;
    s->chunk.left -= used;
    if (s->state == ST_CHUNK) {
        smtp_data_take_raw(&s->data, bytes, used, smtp_body_wanted(s));
        smtp_check_body(s);
    }
    if (s->state != ST_CLOSED && s->chunk.left == 0)
        end_any_chunk(s);
    return used;
}
