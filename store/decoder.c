/* decoder: one row per encoding. */
#include "store/decoder.h"
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
    char second = d->held_count > 1 ? d->held[1] : '\0';
    if (c == '\n') {
        d->held_count = 0;
        return 0;
    }
    if (!second && c == '=') { /* the first was only itself */
        out[0] = '=';
        return 1;
    }
    if (!second) {
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

/* --- uuencode (POSIX): lines of a length character and groups of four; "begin" and "end" around them -------------- */

enum { UU_START, UU_DATA, UU_SKIP };

/* 'b' and 'e' are no length characters (those end at '`'), so "begin 644 name" and "end" skip themselves. */
static void uu_line_begins(struct decoder *d, char c)
{
    bool is_length = c > ' ' && c < '`';
    d->held_count = 0;
    d->line_left = is_length ? c - ' ' : 0;
    d->line_state = is_length ? UU_DATA : UU_SKIP;
}

static size_t uu_sextet(struct decoder *d, char c, unsigned char *out)
{
    unsigned v = (unsigned)(c - ' ') & 0x3f;
    unsigned last = d->held_count > 0 ? (unsigned char)d->held[0] : 0;
    unsigned place = d->held_count;
    d->held[0] = (char)v;
    d->held_count = (unsigned char)((place + 1) % 4);
    if (place == 0)
        return 0;
    out[0] = (unsigned char)(last << (2 * place) | v >> (6 - 2 * place));
    if (--d->line_left == 0)
        d->line_state = UU_SKIP;
    return 1;
}

static size_t uu_feed(struct decoder *d, const char *text, size_t n, unsigned char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '\n')
            d->line_state = UU_START;
        else if (d->line_state == UU_START)
            uu_line_begins(d, c);
        else if (d->line_state == UU_DATA && c >= ' ' && c <= '`')
            written += uu_sextet(d, c, out + written);
    }
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
