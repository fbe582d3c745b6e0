/* html: one pass from tag to tag. */
#include "parsers/html.h"
#include "core/utf8.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct html {
    const char *p, *end;
    struct buf *out;
    const char *hidden; /* inside this element nothing is seen; NULL: outside */
};

static const char *const hidden_elements[] = { "script", "style", "title", "head", "template" };
static const char *const line_elements[] = { "br", "p", "div", "tr", "li", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre" };

static const struct {
    const char *name, *text;
} entities[] = {
    { "amp", "&" },        { "lt", "<" },         { "gt", ">" },         { "quot", "\"" },      { "apos", "'" },       { "nbsp", " " },
    { "auml", "\u00E4" },  { "ouml", "\u00F6" },  { "uuml", "\u00FC" },  { "Auml", "\u00C4" },  { "Ouml", "\u00D6" },  { "Uuml", "\u00DC" },
    { "szlig", "\u00DF" }, { "eacute", "\u00E9" }, { "egrave", "\u00E8" }, { "agrave", "\u00E0" }, { "ccedil", "\u00E7" },
    { "euro", "\u20AC" },  { "deg", "\u00B0" },   { "copy", "\u00A9" },  { "ndash", "\u2013" }, { "mdash", "\u2014" },
    { "hellip", "\u2026" }, { "middot", "\u00B7" }, { "laquo", "\u00AB" }, { "raquo", "\u00BB" },
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_name_char(char c)
{
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

static void put(struct html *h, const char *s, size_t n)
{
    if (!h->hidden)
        buf_put(h->out, s, utf8_cut(s, n, h->out->max - h->out->len));
}

static bool ends_with(const struct buf *b, char c)
{
    return b->len > 0 && b->data[b->len - 1] == c;
}

static void put_blank(struct html *h)
{
    if (h->out->len > 0 && !ends_with(h->out, ' ') && !ends_with(h->out, '\n'))
        put(h, " ", 1);
}

static void put_line_end(struct html *h)
{
    if (h->out->len > 0 && !ends_with(h->out, '\n'))
        put(h, "\n", 1);
}

static void put_code(struct html *h, unsigned long code)
{
    if (code == 0xA0 || code == '\t' || code == '\n' || code == '\r') {
        put_blank(h);
        return;
    }
    char   c[4];
    size_t n = 0;
    if (code < 0x20 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) || (code >= 0x7F && code < 0xA0))
        return;
    if (code < 0x80) {
        c[n++] = (char)code;
    } else if (code < 0x800) {
        c[n++] = (char)(0xC0U | code >> 6);
    } else if (code < 0x10000) {
        c[n++] = (char)(0xE0U | code >> 12);
        c[n++] = (char)(0x80U | (code >> 6 & 0x3FU));
    } else {
        c[n++] = (char)(0xF0U | code >> 18);
        c[n++] = (char)(0x80U | (code >> 12 & 0x3FU));
        c[n++] = (char)(0x80U | (code >> 6 & 0x3FU));
    }
    if (code >= 0x80)
        c[n++] = (char)(0x80U | (code & 0x3FU));
    put(h, c, n);
}

static const char *entity_text(const char *name, size_t n)
{
    for (size_t i = 0; i < COUNT(entities); i++)
        if (strlen(entities[i].name) == n && memcmp(entities[i].name, name, n) == 0)
            return entities[i].text;
    return NULL;
}

/* At "&": the entity, or the sign itself. */
static void take_entity(struct html *h)
{
    const char *name = h->p + 1;
    size_t      room = (size_t)(h->end - name), n = 0;
    while (n < room && n < 10 && name[n] != ';' && name[n] != '&' && name[n] != '<' && !is_blank(name[n]))
        n++;
    bool is_closed = n < room && name[n] == ';';
    if (is_closed && n >= 2 && name[0] == '#') {
        char digits[11] = { 0 };
        memcpy(digits, name + 1, n - 1);
        bool is_hex = digits[0] == 'x' || digits[0] == 'X';
        put_code(h, strtoul(digits + is_hex, NULL, is_hex ? 16 : 10));
    } else if (is_closed && entity_text(name, n)) {
        const char *text = entity_text(name, n);
        if (text[0] == ' ')
            put_blank(h);
        else
            put(h, text, strlen(text));
    } else {
        put(h, "&", 1);
        h->p++;
        return;
    }
    h->p = name + n + 1;
}

static bool is_one_of(const char *const *names, size_t count, const char *tag, size_t n, const char **which)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == n && strncasecmp(names[i], tag, n) == 0) {
            *which = names[i];
            return true;
        }
    return false;
}

static const char *find(const struct html *h, const char *needle)
{
    const char *at = memmem(h->p, (size_t)(h->end - h->p), needle, strlen(needle));
    return at ? at : h->end;
}

/* A tag within what is hidden. */
static void show_again(struct html *h, const char *name, size_t n, bool is_end)
{
    bool is_body = !is_end && n == 4 && strncasecmp(name, "body", 4) == 0; /* </head> may be left out */
    if (is_body || (is_end && strlen(h->hidden) == n && strncasecmp(h->hidden, name, n) == 0))
        h->hidden = NULL;
}

/* What any other tag does to the text. */
static void obey(struct html *h, const char *name, size_t n, bool is_end)
{
    const char *which = NULL;
    if (!is_end && is_one_of(hidden_elements, COUNT(hidden_elements), name, n, &which))
        h->hidden = which;
    else if (is_one_of(line_elements, COUNT(line_elements), name, n, &which))
        put_line_end(h);
    else if (n == 2 && (name[0] | 0x20) == 't') /* td, th: cells stand apart */
        put_blank(h);
}

/* At "<": a comment, a tag, or a sign that somebody forgot to write as an entity. */
static void take_tag(struct html *h)
{
    size_t room = (size_t)(h->end - h->p);
    if (room >= 4 && memcmp(h->p, "<!--", 4) == 0) {
        h->p = find(h, "-->");
        h->p = h->end - h->p >= 3 ? h->p + 3 : h->end;
        return;
    }
    bool        is_end = room > 1 && h->p[1] == '/';
    const char *name = h->p + 1 + is_end;
    size_t      n = 0;
    while (name + n < h->end && is_name_char(name[n]))
        n++;
    if (n == 0 && !(room > 1 && (h->p[1] == '!' || h->p[1] == '?' || is_end))) {
        put(h, "<", 1);
        h->p++;
        return;
    }
    h->p = find(h, ">");
    h->p += h->p < h->end;
    if (h->hidden)
        show_again(h, name, n, is_end);
    else
        obey(h, name, n, is_end);
}

void html_visible(struct buf *out, const char *html, size_t n)
{
    struct html h = { .p = html, .end = html + n, .out = out };
    while (h.p < h.end && out->len < out->max) {
        if (*h.p == '<') {
            take_tag(&h);
        } else if (*h.p == '&') {
            take_entity(&h);
        } else if (is_blank(*h.p)) {
            put_blank(&h);
            h.p++;
        } else {
            const char *from = h.p;
            while (h.p < h.end && *h.p != '<' && *h.p != '&' && !is_blank(*h.p))
                h.p++;
            put(&h, from, (size_t)(h.p - from));
        }
    }
}
