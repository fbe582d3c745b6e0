/* smtp_data: see smtp_data.h. */
#include "net/smtp_data.h"
#include <string.h>

/* What of CR LF . CR LF has just been seen. The dot and the CR after it are held back until it is known what they are. */
enum place { IN_TEXT, AFTER_CR, AT_LINE_START, AFTER_DOT, AFTER_DOT_CR };

void smtp_data_begin(struct smtp_data *d, bool is_lf_enough)
{
    *d = (struct smtp_data){ .place = AT_LINE_START, .is_lf_enough = is_lf_enough };
}

static void emit(struct smtp_data *d, struct buf *out, const char *bytes, size_t n)
{
    d->bytes += (int64_t)n;
    if (out && n > 0)
        buf_put(out, bytes, n);
}

static bool ends_with(const char *bytes, size_t n, const char *end, size_t length)
{
    return n >= length && memcmp(bytes + n - length, end, length) == 0;
}

/* The fast way through the middle of a message: everything up to a line that begins with a dot. Returns how many were taken. */
static size_t take_text(struct smtp_data *d, const char *bytes, size_t n, struct buf *out)
{
    const char *dot = d->is_lf_enough ? "\n." : "\r\n.";
    size_t length = strlen(dot);
    const char *dot_line = memmem(bytes, n, dot, length);
    if (dot_line) {
        size_t used = (size_t)(dot_line - bytes) + length;
        emit(d, out, bytes, used - 1);
        d->place = AFTER_DOT;
        return used;
    }
    emit(d, out, bytes, n);
    d->place = ends_with(bytes, n, dot, length - 1) ? AT_LINE_START : ends_with(bytes, n, "\r", 1) ? AFTER_CR : IN_TEXT;
    return n;
}

/* One byte in a place where it may matter; false: it is ordinary text, to be taken again. */
static bool take_special(struct smtp_data *d, char c, struct buf *out)
{
    switch ((enum place)d->place) {
    case AFTER_CR:
        if (c == '\n')
            emit(d, out, "\n", 1);
        d->place = c == '\n' ? AT_LINE_START : IN_TEXT;
        return c == '\n';
    case AT_LINE_START:
        d->place = c == '.' ? AFTER_DOT : IN_TEXT;
        return c == '.';
    case AFTER_DOT:
        d->place = c == '\r' ? AFTER_DOT_CR : IN_TEXT;
        return c == '\r';
    case AFTER_DOT_CR: /* not LF, or the message had ended: the CR that was held back is text */
        emit(d, out, "\r", 1);
        d->place = IN_TEXT;
        return false;
    case IN_TEXT:
        break;
    }
    return false;
}

static void remember_tail(struct smtp_data *d, const char *bytes, size_t n)
{
    size_t room = sizeof d->tail;
    if (n >= room) {
        memcpy(d->tail, bytes + n - room, room);
        d->tail_length = room;
        return;
    }
    size_t kept = d->tail_length + n > room ? room - n : d->tail_length;
    memmove(d->tail, d->tail + d->tail_length - kept, kept);
    memcpy(d->tail + kept, bytes, n);
    d->tail_length = kept + n;
}

static bool is_end(const struct smtp_data *d, char c)
{
    return c == '\n' && (d->place == AFTER_DOT_CR || (d->place == AFTER_DOT && d->is_lf_enough));
}

void smtp_data_take_raw(struct smtp_data *d, const char *bytes, size_t n, struct buf *out)
{
    emit(d, out, bytes, n);
}

size_t smtp_data_take(struct smtp_data *d, const char *bytes, size_t n, struct buf *out, bool *ended_out)
{
    size_t used = 0;
    *ended_out = false;
    while (used < n && !*ended_out) {
        if (d->place == IN_TEXT)
            used += take_text(d, bytes + used, n - used, out);
        else if (is_end(d, bytes[used]))
            *ended_out = true;
        else if (take_special(d, bytes[used], out))
            used++;
    }
    if (*ended_out)
        used++;
    remember_tail(d, bytes, used);
    return used;
}

bool smtp_data_saw_false_end(const struct smtp_data *d)
{
    static const struct {
        const char *bytes;
        size_t length;
    } ends[] = {
        { "\n.\n", 3 },   { "\r.\r", 3 },   { "\r.\n", 3 },   { "\n.\r", 3 },       { "\n.\r\n", 4 },
        { "\r\n.\n", 4 }, { "\r.\r\n", 4 }, { "\r\n.\r", 4 }, { "\r\n\0.\r\n", 6 }, { "\r\n.\0\r\n", 6 },
    };
    for (size_t i = 0; i < COUNT(ends); i++)
        if (memmem(d->tail, d->tail_length, ends[i].bytes, ends[i].length))
            return true;
    return false;
}
