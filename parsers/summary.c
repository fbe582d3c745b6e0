/* summary: blanks and line ends collapsed, cut at a whole character. */
#include "parsers/summary.h"
#include "core/utf8.h"
#include <string.h>

enum { TEXT_CHARACTERS = 300, SUBJECT_CHARACTERS = 300 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Up to `characters` visible characters of s, runs of blanks as one. */
static void put_collapsed(struct buf *out, const char *s, int characters)
{
    size_t n = strlen(s), i = 0;
    while (i < n && is_blank(s[i]))
        i++;
    while (i < n && characters > 0) {
        if (is_blank(s[i])) {
            while (i < n && is_blank(s[i]))
                i++;
            if (i < n)
                buf_putc(out, ' ');
            continue;
        }
        size_t length = utf8_length(s + i, n - i);
        length = length ? length : 1;
        buf_put(out, s + i, length);
        i += length;
        characters--;
    }
}

/* With these words, not with the beginning of a longer one. */
static bool begins_with(const struct buf *text, const struct buf *subject)
{
    if (text->len < subject->len || memcmp(buf_str(text), buf_str(subject), subject->len) != 0)
        return false;
    unsigned char next = (unsigned char)buf_str(text)[subject->len];
    return next < 0x80 && !(next >= '0' && next <= '9') && !((next | 0x20) >= 'a' && (next | 0x20) <= 'z');
}

const char *mail_summary(const struct mail *m, struct arena *a)
{
    CLEANUP(buf_done) struct buf subject, text;
    buf_init(&subject, 8 * SUBJECT_CHARACTERS);
    buf_init(&text, 8 * TEXT_CHARACTERS);
    put_collapsed(&subject, m->subject, SUBJECT_CHARACTERS);
    put_collapsed(&text, m->text, TEXT_CHARACTERS);
    if (subject.len == 0 || begins_with(&text, &subject))
        return arena_copy(a, buf_str(&text), text.len);
    if (text.len == 0)
        return arena_copy(a, buf_str(&subject), subject.len);
    return arena_printf(a, "%s: %s", buf_str(&subject), buf_str(&text));
}
