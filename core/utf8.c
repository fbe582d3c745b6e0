/* utf8: the table of RFC 3629 section 4. */
#include "core/utf8.h"

static bool is_tail(const char *s, size_t i)
{
    return ((unsigned char)s[i] & 0xC0U) == 0x80U;
}

size_t utf8_length(const char *s, size_t n)
{
    if (n == 0)
        return 0;
    unsigned char a = (unsigned char)s[0];
    if (a < 0x80)
        return 1;
    if (a < 0xC2 || a > 0xF4)
        return 0;
    size_t length = a < 0xE0 ? 2 : a < 0xF0 ? 3 : 4;
    if (n < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_tail(s, i))
            return 0;
    unsigned char b = (unsigned char)s[1];
    if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F))
        return 0;
    return length;
}

bool utf8_is_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t length = utf8_length(s + i, n - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

size_t utf8_cut(const char *s, size_t n, size_t max_bytes)
{
    if (n <= max_bytes)
        return n;
    while (max_bytes > 0 && is_tail(s, max_bytes))
        max_bytes--;
    return max_bytes;
}

size_t utf8_count(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; count++) {
        size_t length = utf8_length(s + i, n - i);
        i += length ? length : 1;
    }
    return count;
}

uint32_t utf8_code(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80)
        return p[0];
    if (p[0] < 0xE0)
        return (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU);
    if (p[0] < 0xF0)
        return (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
    return (p[0] & 0x07U) << 18 | (p[1] & 0x3FU) << 12 | (p[2] & 0x3FU) << 6 | (p[3] & 0x3FU);
}
