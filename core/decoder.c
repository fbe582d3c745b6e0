/* decoder: one row per encoding. */
#include "core/decoder.h"
#include <string.h>

/* --- quoted-printable (RFC 2045 section 6.7) --------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t release_held(struct decoder *d, unsigned char *out)
{
    size_t n = d->held_count;
    memcpy(out, d->held, n);
    d->held_count = 0;
    return n;
}

/* After "=" and perhaps one character more: is c the one that decides? What begins with "=" and is neither a byte nor a soft
 * line break comes out as it is. Blanks between "=" and the line's end are padding of the transport. */
static size_t qp_decide(struct decoder *d, char c, unsigned char *out)
{
    bool has_second = d->held_count > 1; /* which may be any byte, NUL too */
    char second = has_second ? d->held[1] : '\0';
    if (c == '\n') {
        d->held_count = 0;
        return 0;
    }
    if (!has_second && c == '=') { /* the first was only itself */
        out[0] = '=';
        return 1;
    }
    if (!has_second) {
        d->held[d->held_count++] = c;
        return 0;
    }
    if (hex_value(second) >= 0 && hex_value(c) >= 0) {
        d->held_count = 0;
        out[0] = (unsigned char)(hex_value(second) << 4 | hex_value(c));
        return 1;
    }
    bool is_padding = (second == ' ' || second == '\t') && (c == ' ' || c == '\t' || c == '\r');
    if (is_padding) {
        d->held[1] = c;
        return 0;
    }
    size_t n = release_held(d, out);
    if (c == '=')
        d->held[d->held_count++] = c;
    else
        out[n++] = (unsigned char)c;
    return n;
}

static size_t qp_feed(struct decoder *d, const char *text, size_t n, unsigned char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        if (d->held_count > 0)
            written += qp_decide(d, text[i], out + written);
        else if (text[i] == '=')
            d->held[d->held_count++] = '=';
        else
            out[written++] = (unsigned char)text[i];
    }
    return written;
}

/* --- uuencode (POSIX) -------------------------------------------------------------------------------------------- */

/* The line "begin 644 name" opens, then each line says its length first; "`" or "end" closes. */
enum { UU_BEFORE, UU_SKIP_LINE, UU_LINE_START, UU_DATA, UU_AFTER };

static size_t uu_step(struct decoder *d, char c, unsigned char *out)
{
    static const char begin[] = "begin ";
    switch (d->uu_state) {
    case UU_BEFORE: /* uu_count: how much of "begin " stands at this line's start; past it: not this line */
        if (c == '\n')
            d->uu_count = 0;
        else if (d->uu_count < sizeof begin)
            d->uu_count = c == begin[d->uu_count] ? d->uu_count + 1 : (unsigned)sizeof begin;
        if (d->uu_count == sizeof begin - 1)
            d->uu_state = UU_SKIP_LINE;
        return 0;
    case UU_SKIP_LINE:
        if (c == '\n')
            d->uu_state = UU_LINE_START;
        return 0;
    case UU_LINE_START:
        if (c == '\r' || c == '\n')
            return 0;
        d->uu_left = ((unsigned)(unsigned char)c - 32U) & 63U;
        d->uu_state = c == 'e' || c == '`' || d->uu_left == 0 ? UU_AFTER : UU_DATA;
        d->uu_count = d->uu_bits = 0;
        return 0;
    case UU_DATA:
        break;
    default:
        return 0;
    }
    if (c == '\n') {
        d->uu_state = UU_LINE_START;
        return 0;
    }
    if (c == '\r' || d->uu_left == 0)
        return 0;
    d->uu_bits = (d->uu_bits << 6 | (((unsigned)(unsigned char)c - 32U) & 63U)) & 0xFFFFFFU;
    d->uu_count = (d->uu_count + 1) & 3U;
    if (d->uu_count == 1)
        return 0;
    *out = (unsigned char)(d->uu_bits >> ((4U - d->uu_count) & 3U) * 2U);
    d->uu_left--;
    return 1;
}

static size_t uu_feed(struct decoder *d, const char *text, size_t n, unsigned char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < n; i++)
        written += uu_step(d, text[i], out + written);
    return written;
}

/* --- the face ---------------------------------------------------------------------------------------------------- */

static size_t none_feed(struct decoder *d, const char *text, size_t n, unsigned char *out)
{
    (void)d;
    memcpy(out, text, n);
    return n;
}

static size_t base64_feed(struct decoder *d, const char *text, size_t n, unsigned char *out)
{
    return base64_stream_decode(&d->base64, text, n, out);
}

static size_t (*const feeds[])(struct decoder *, const char *, size_t, unsigned char *) = {
    [ENCODING_NONE] = none_feed,
    [ENCODING_BASE64] = base64_feed,
    [ENCODING_QUOTED_PRINTABLE] = qp_feed,
    [ENCODING_UUENCODE] = uu_feed,
};

void decoder_init(struct decoder *d, enum encoding encoding)
{
    *d = (struct decoder){ .encoding = (size_t)encoding < COUNT(feeds) ? encoding : ENCODING_NONE };
}

size_t decoder_feed(struct decoder *d, const char *text, size_t n, unsigned char *out)
{
    return n ? feeds[d->encoding](d, text, n, out) : 0;
}

size_t decoder_end(struct decoder *d, unsigned char *out)
{
    return d->encoding == ENCODING_QUOTED_PRINTABLE ? release_held(d, out) : 0;
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

int64_t decoder_size(enum encoding encoding, const char *text, size_t n)
{
    if (encoding == ENCODING_NONE)
        return (int64_t)n;
    if (encoding == ENCODING_BASE64)
        return base64_size(text, n);
    enum { PIECE = 4096 };
    struct decoder d;
    unsigned char  out[PIECE + DECODER_ROOM];
    int64_t        bytes = 0;
    decoder_init(&d, encoding);
    for (size_t i = 0; i < n; i += PIECE)
        bytes += (int64_t)decoder_feed(&d, text + i, n - i < PIECE ? n - i : PIECE, out);
    return bytes + (int64_t)decoder_end(&d, out);
}
