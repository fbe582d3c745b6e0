/* err: filling and prefixing of error values. */
#include "core/err.h"
#include <stdio.h>
#include <string.h>

/* A long text is cut at a character, so that what we show stays UTF-8. */
static void cut_to_whole_character(char *text, size_t size)
{
    size_t n = strnlen(text, size);
    if (n + 1 < size)
        return;
    while (n > 0 && ((unsigned char)text[n - 1] & 0xC0U) == 0x80U)
        n--;
    if (n > 0 && ((unsigned char)text[n - 1] & 0xC0U) == 0xC0U)
        n--;
    text[n] = '\0';
}

int err_set(struct err *e, enum err_code code, const char *format, ...)
{
    if (!e)
        return -1;
    va_list args;
    va_start(args, format);
    e->code = code;
    (void)vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    cut_to_whole_character(e->text, sizeof e->text);
    return -1;
}

int err_prefix(struct err *e, const char *format, ...)
{
    if (!e)
        return -1;
    char joined[sizeof e->text];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(joined, sizeof joined, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof joined)
        return -1;
    (void)snprintf(joined + n, sizeof joined - (size_t)n, ": %s", e->text);
    memcpy(e->text, joined, sizeof joined);
    cut_to_whole_character(e->text, sizeof e->text);
    return -1;
}
