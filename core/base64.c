/* base64: one table each way. */
#include "core/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void base64_encode(struct buf *out, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned group = (unsigned)p[i] << 16;
        if (left > 1)
            group |= (unsigned)p[i + 1] << 8;
        if (left > 2)
            group |= p[i + 2];
        char four[4] = { alphabet[group >> 18], alphabet[(group >> 12) & 63], '=', '=' };
        if (left > 1)
            four[2] = alphabet[(group >> 6) & 63];
        if (left > 2)
            four[3] = alphabet[group & 63];
        buf_put(out, four, sizeof four);
    }
}

int base64_decode(struct buf *out, const char *text, size_t n, struct err *e)
{
    size_t padding = 0;
    while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
        padding++;
    if (n % 4 == 1 || (padding > 0 && n % 4 != 0))
        return err_set(e, ERR_INPUT, "not base64: a length of %zu with %zu of padding", n, padding);
    n -= padding;
    unsigned group = 0;
    for (size_t i = 0; i < n; i++) {
        int v = value_of(text[i]);
        if (v < 0)
            return err_set(e, ERR_INPUT, "not base64: byte 0x%02x", (unsigned char)text[i]);
        group = group << 6 | (unsigned)v;
        if (i % 4 == 0)
            continue;
        unsigned drop = (3 - (unsigned)(i % 4)) * 2;
        char byte = (char)(unsigned char)(group >> drop);
        group &= (1U << drop) - 1U;
        if (buf_add(out, &byte, 1, e) < 0)
            return -1;
    }
    return 0;
}

size_t base64_stream_decode(struct base64_stream *s, const char *text, size_t n, unsigned char *out)
{
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '=') {
            s->bits = 0;
            s->count = 0;
            continue;
        }
        int v = value_of(text[i]);
        if (v < 0)
            continue;
        s->bits = s->bits << 6 | (unsigned)v;
        s->count++;
        if (s->count == 1)
            continue;
        unsigned drop = (unsigned)(4 - s->count) * 2;
        out[written++] = (unsigned char)(s->bits >> drop);
        s->bits &= (1U << drop) - 1U;
        if (s->count == 4)
            s->count = 0;
    }
    return written;
}
