/* buf: growth by half, never over the ceiling. */
#include "core/buf.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_done(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_shrink(struct buf *b)
{
    buf_done(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t n, struct err *e)
{
    if (n > b->max - b->len)
        return err_set(e, ERR_LIMIT, "%zu bytes do not fit under the ceiling of %zu", b->len + n, b->max);
    if (b->data && b->len + n <= b->cap)
        return 0;
    size_t want = b->len + n;
    size_t grown = b->cap + b->cap / 2;
    size_t cap = want > grown ? want : grown;
    if (cap < 64)
        cap = 64;
    if (cap > b->max)
        cap = b->max;
    char *data = realloc(b->data, cap + 1);
    if (!data)
        return err_set(e, ERR_NOMEM, "out of memory for %zu bytes", cap);
    data[b->len] = '\0';
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_add(struct buf *b, const void *bytes, size_t n, struct err *e)
{
    if (buf_reserve(b, n, e) < 0)
        return -1;
    if (n > 0)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
    if (b->failed)
        return;
    if (b->data && n <= b->cap - b->len) { /* nearly always: every answer is put together by this */
        if (n > 0)
            memcpy(b->data + b->len, bytes, n);
        b->len += n;
        b->data[b->len] = '\0';
        return;
    }
    struct err e;
    if (buf_add(b, bytes, n, &e) < 0)
        b->failed = true;
}

void buf_puts(struct buf *b, const char *s)
{
    if (s)
        buf_put(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_puti(struct buf *b, int64_t value)
{
    char     digits[24];
    size_t   at = sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        digits[--at] = '-';
    buf_put(b, digits + at, sizeof digits - at);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    if (b->failed)
        return;
    char small[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
        return;
    }
    size_t len = (size_t)n;
    if (len < sizeof small) {
        buf_put(b, small, len);
        return;
    }
    struct err e;
    if (buf_reserve(b, len, &e) < 0) {
        b->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(b->data + b->len, len + 1, format, args);
    va_end(args);
    b->len += len;
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

const char *buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    struct err e;
    if (!b->data && buf_reserve(b, 0, &e) < 0)
        return NULL;
    char *data = TAKE(b->data);
    buf_init(b, b->max);
    return data;
}
