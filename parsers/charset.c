/* charset: the table of charsets, and how a wrong label is seen through. */
#include "parsers/charset.h"
#include "core/utf8.h"
#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

/* What mails are declared as; the second word is what it is read as where that is wider (a label says less than is sent). */
static struct charset {
    const char *label, *read_as;
    bool        is_open;
    iconv_t     handle;
} charsets[] = {
    { "iso-8859-1", "WINDOWS-1252" }, { "windows-1252", "WINDOWS-1252" }, { "iso-8859-15", "ISO-8859-15" },
    { "us-ascii", "WINDOWS-1252" }, { "latin1", "WINDOWS-1252" }, { "cp1252", "WINDOWS-1252" },
    { "gb2312", "GB18030" }, { "gbk", "GB18030" }, { "gb18030", "GB18030" }, { "x-gbk", "GB18030" },
    { "big5", "BIG5-HKSCS" }, { "iso-8859-2", "ISO-8859-2" }, { "iso-8859-5", "ISO-8859-5" },
    { "iso-8859-7", "ISO-8859-7" }, { "iso-8859-9", "ISO-8859-9" }, { "windows-1250", "WINDOWS-1250" },
    { "windows-1251", "WINDOWS-1251" }, { "windows-1253", "WINDOWS-1253" }, { "windows-1254", "WINDOWS-1254" },
    { "koi8-r", "KOI8-R" }, { "koi8-u", "KOI8-U" }, { "shift_jis", "SHIFT_JIS" }, { "euc-jp", "EUC-JP" },
    { "iso-2022-jp", "ISO-2022-JP" }, { "euc-kr", "EUC-KR" }, { "ks_c_5601-1987", "EUC-KR" }, { "utf-16", "UTF-16" },
    { "utf-16le", "UTF-16LE" }, { "utf-16be", "UTF-16BE" }, { "utf-7", "UTF-7" }, { "macintosh", "MACINTOSH" },
    { "ibm850", "IBM850" }, { "cp850", "IBM850" }, { "ibm437", "IBM437" },
};

void charset_setup(void)
{
    for (struct charset *c = charsets; c < charsets + COUNT(charsets); c++)
        if (!c->is_open) {
            c->handle = iconv_open("UTF-8", c->read_as);
            c->is_open = (intptr_t)c->handle != -1;
        }
}

static struct charset *find(const char *label)
{
    for (struct charset *c = charsets; label && c < charsets + COUNT(charsets); c++)
        if (strcasecmp(c->label, label) == 0 && c->is_open)
            return c;
    return NULL;
}

static bool is_ascii(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

/* In UTF-16, UTF-7 and the ISO-2022 family plain ASCII bytes mean something else. */
static bool hides_in_ascii(const struct charset *c)
{
    return strncasecmp(c->label, "utf-", 4) == 0 || strncasecmp(c->label, "iso-2022", 8) == 0;
}

/* The best that fits: a text cut at the ceiling is a text. */
static void put_some(struct buf *out, const char *text, size_t n)
{
    buf_put(out, text, utf8_cut(text, n, out->max - out->len));
}

/* windows-1252, with the five bytes it does not have as U+FFFD. Needs no handle: the last resort has to work. */
static void put_1252(struct buf *out, const char *text, size_t n)
{
    static const uint16_t c1[32] = {
        0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD,
        0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
    };
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)text[i];
        unsigned      code = b >= 0x80 && b < 0xA0 ? c1[b - 0x80] : b;
        unsigned char c[3] = { b };
        size_t        length = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
        if (length == 2)
            c[0] = (unsigned char)(0xC0U | code >> 6);
        if (length == 3) {
            c[0] = (unsigned char)(0xE0U | code >> 12);
            c[1] = (unsigned char)(0x80U | (code >> 6 & 0x3FU));
        }
        if (length > 1)
            c[length - 1] = (unsigned char)(0x80U | (code & 0x3FU));
        if (length > out->max - out->len)
            return;
        buf_put(out, c, length);
    }
}

/* 0, or -1 when the bytes are not of this charset: then out is as before. A cut last character is forgiven. */
static int put_by_iconv(struct buf *out, const struct charset *c, const char *text, size_t n)
{
    size_t before = out->len;
    char  *in = UNCONST(char, text); /* iconv does not write through it */
    size_t left = n;
    (void)iconv(c->handle, NULL, NULL, NULL, NULL);
    while (left > 0 && out->len < out->max) {
        char   piece[1024], *to = piece;
        size_t room = sizeof piece;
        size_t r = iconv(c->handle, &in, &left, &to, &room);
        size_t made = (size_t)(to - piece);
        int    why = errno;
        put_some(out, piece, made);
        if (r == (size_t)-1 && why == EINVAL)
            return 0;
        if (r == (size_t)-1 && why != E2BIG) {
            out->len = before;
            if (out->data)
                out->data[before] = '\0';
            return -1;
        }
    }
    return 0;
}

void charset_put(struct buf *out, const char *label, const char *text, size_t n)
{
    const struct charset *c = find(label);
    bool                  is_coded = c && hides_in_ascii(c);
    if (!is_coded && is_ascii(text, n)) {
        put_some(out, text, n);
        return;
    }
    if (!is_coded && utf8_is_valid(text, n)) {
        put_some(out, text, n);
        return;
    }
    if (c && put_by_iconv(out, c, text, n) == 0)
        return;
    put_1252(out, text, n);
}
