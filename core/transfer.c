/* transfer: quoted-printable (RFC 2045 section 6.7) and uuencode as small machines; base64 is base64.c's. */
#include "core/transfer.h"
#include <string.h>

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* What was held turned out to be no escape: it stands for itself. */
static size_t release(struct transfer *t, unsigned char *out)
{
    size_t n = t->held_count;
    memcpy(out, t->held, n);
    t->held_count = 0;
    return n;
}

static size_t quoted_step(struct transfer *t, char c, unsigned char *out)
{
    bool is_soft_break = t->held_count == 2 && t->held[1] == ' ';
    if (is_soft_break || (t->held_count == 1 && (c == '\r' || c == '\n' || c == ' ' || c == '\t'))) {
        t->held[1] = ' ';
        t->held_count = c == '\n' ? 0 : 2;
        return 0;
    }
    if (t->held_count == 0 && c != '=') {
        *out = (unsigned char)c;
        return 1;
    }
    if (t->held_count == 0 || (t->held_count == 1 && hex_of(c) >= 0)) {
        t->held[t->held_count++] = c;
        return 0;
    }
    if (t->held_count == 2 && hex_of(c) >= 0) {
        *out = (unsigned char)((unsigned)hex_of(t->held[1]) << 4 | (unsigned)hex_of(c));
        t->held_count = 0;
        return 1;
    }
    size_t n = release(t, out);
    out[n] = (unsigned char)c;
    return n + 1;
}

static size_t quoted_decode(struct transfer *t, const char *text, size_t n, unsigned char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < n; i++)
        written += quoted_step(t, text[i], out + written);
    return written;
}

/* The line "begin 644 name" opens, then each line says its length first; "`" or "end" closes. */
enum { UU_BEFORE, UU_SKIP_LINE, UU_LINE_START, UU_DATA, UU_AFTER };

static size_t uu_step(struct transfer *t, char c, unsigned char *out)
{
    static const char begin[] = "begin ";
    switch (t->uu_state) {
    case UU_BEFORE: /* uu_count: how much of "begin " stands at this line's start; past it: not this line */
        if (c == '\n')
            t->uu_count = 0;
        else if (t->uu_count < sizeof begin)
            t->uu_count = c == begin[t->uu_count] ? t->uu_count + 1 : (unsigned)sizeof begin;
        if (t->uu_count == sizeof begin - 1)
            t->uu_state = UU_SKIP_LINE;
        return 0;
    case UU_SKIP_LINE:
        if (c == '\n')
            t->uu_state = UU_LINE_START;
        return 0;
    case UU_LINE_START:
        if (c == '\r' || c == '\n')
            return 0;
        t->uu_left = ((unsigned)(unsigned char)c - 32U) & 63U;
        t->uu_state = c == 'e' || c == '`' || t->uu_left == 0 ? UU_AFTER : UU_DATA;
        t->uu_count = t->uu_bits = 0;
        return 0;
    case UU_DATA:
        break;
    default:
        return 0;
    }
    if (c == '\n') {
        t->uu_state = UU_LINE_START;
        return 0;
    }
    if (c == '\r' || t->uu_left == 0)
        return 0;
    t->uu_bits = (t->uu_bits << 6 | (((unsigned)(unsigned char)c - 32U) & 63U)) & 0xFFFFFFU;
    t->uu_count = (t->uu_count + 1) & 3U;
    if (t->uu_count == 1)
        return 0;
    *out = (unsigned char)(t->uu_bits >> ((4U - t->uu_count) & 3U) * 2U);
    t->uu_left--;
    return 1;
}

static size_t uu_decode(struct transfer *t, const char *text, size_t n, unsigned char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < n; i++)
        written += uu_step(t, text[i], out + written);
    return written;
}

size_t transfer_decode(struct transfer *t, const char *text, size_t n, unsigned char *out)
{
    switch (t->encoding) {
    case ENCODING_BASE64:
        return base64_stream_decode(&t->base64, text, n, out);
    case ENCODING_QUOTED_PRINTABLE:
        return quoted_decode(t, text, n, out);
    case ENCODING_UUENCODE:
        return uu_decode(t, text, n, out);
    case ENCODING_NONE:
        break;
    }
    memcpy(out, text, n);
    return n;
}

/* 25 MB of camera clip are counted here, so base64 is counted rather than decoded: in a group each sextet but the first
 * gives a byte, and "=" ends a group. */
static int64_t base64_size(const char *text, size_t n)
{
    static const unsigned char is_sextet[256] = {
        ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['+'] = 1, ['/'] = 1,
    };
    int64_t     bytes = 0;
    const char *end = text + n;
    while (text < end) {
        const char *stop = memchr(text, '=', (size_t)(end - text));
        stop = stop ? stop : end;
        uint64_t sextets = 0;
        for (; text < stop; text++)
            sextets += is_sextet[(unsigned char)*text];
        bytes += (int64_t)(sextets * 3 / 4);
        text++;
    }
    return bytes;
}

int64_t transfer_size(enum encoding encoding, const char *text, size_t n)
{
    if (encoding == ENCODING_NONE)
        return (int64_t)n;
    if (encoding == ENCODING_BASE64)
        return base64_size(text, n);
    struct transfer t = { .encoding = encoding };
    unsigned char   out[4096 + 2];
    int64_t         bytes = 0;
    for (size_t i = 0; i < n; i += 4096)
        bytes += (int64_t)transfer_decode(&t, text + i, n - i < 4096 ? n - i : 4096, out);
    return bytes;
}
