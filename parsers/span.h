/* span: a piece of a text that somebody else holds. */
#pragma once
#include <stddef.h>

struct span {
    const char *s;
    size_t      n;
};

/* Without the blanks and control characters at its ends. */
static inline struct span span_trim(struct span x)
{
    while (x.n > 0 && (unsigned char)x.s[0] <= ' ') {
        x.s++;
        x.n--;
    }
    while (x.n > 0 && (unsigned char)x.s[x.n - 1] <= ' ')
        x.n--;
    return x;
}
