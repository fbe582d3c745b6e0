/* search: two parts, as FTS5 wants it: what must all be there, with blanks between (where a word without any letter does not matter), then
 * what has alternatives, in brackets. */
#include "store/search.h"
#include "core/fold.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DEVICES_MAX = 100, WORDS_MAX = 40, PREFIX_MIN = 2, PART_MAX = 32 * 1024, BEGINNINGS_MAX = 32, WORD_BYTES = 64 };

struct word {
    const char *at;
    size_t      n;
    bool        is_prefix;
};

/* --- reading what was typed ------------------------------------------------------------------------------------------ */

/* A letter, a digit, or of another script: the index would take some of it. */
static bool has_letter(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isalnum((unsigned char)s[i]) || (unsigned char)s[i] >= 0x80)
            return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word or phrase; false: no more. */
static bool next_word(const char **at, struct word *out)
{
    while (is_blank(**at))
        (*at)++;
    if (**at == '\0')
        return false;
    bool is_phrase = **at == '"';
    *at += is_phrase;
    *out = (struct word){ .at = *at };
    if (is_phrase)
        out->n = strcspn(*at, "\"");
    else
        while (out->at[out->n] && out->at[out->n] != '"' && !is_blank(out->at[out->n]))
            out->n++;
    *at += out->n + (is_phrase && out->at[out->n] == '"');
    size_t stars = is_phrase ? strspn(*at, "*") : 0;
    *at += stars;
    for (; !is_phrase && out->n > 0 && out->at[out->n - 1] == '*'; out->n--)
        stars++;
    out->is_prefix = stars > 0 && out->n >= PREFIX_MIN;
    return true;
}

/* --- writing what FTS5 reads ------------------------------------------------------------------------------------------ */

/* A string of FTS5's: whatever is in it, it is text. */
static void put_string(struct buf *out, const struct word *w)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < w->n; i++)
        buf_puts(out, w->at[i] == '"' ? "\"\"" : (char[]){ w->at[i], '\0' });
    buf_puts(out, w->is_prefix ? "\" *" : "\"");
}

static void put_device(struct buf *out, const char *id)
{
    buf_puts(out, "zqd");
    for (; *id; id++)
        buf_printf(out, "%02X", (unsigned char)*id);
}

static void put_kind(struct buf *out, const char *kind)
{
    size_t n = strlen(kind);
    bool   is_group = n > 2 && strcmp(kind + n - 2, ".*") == 0;
    buf_puts(out, is_group ? "zqg" : "zqk");
    for (size_t i = 0; i < n - (is_group ? 2 : 0); i++)
        if (kind[i] != '.')
            buf_putc(out, kind[i]);
}

/* One that GLOB reads and the index does not know: "a*m.x", "*", "alarm.t?". */
bool search_knows_kind(const char *kind)
{
    size_t n = kind ? strlen(kind) : 0, plain = kind ? strspn(kind, "abcdefghijklmnopqrstuvwxyz.") : 0;
    return plain > 0 && (plain == n || (strcmp(kind + plain, "*") == 0 && kind[plain - 1] == '.' && strcspn(kind, ".") == plain - 1));
}

/* A name is asked for as a phrase of its column, unless it may have nothing that the index took. */
static bool is_indexed(const char *name)
{
    for (; name && *name; name++)
        if (isascii(*name) && isalnum((unsigned char)*name))
            return true;
    return false;
}

bool search_has_tags(const struct event_filter *f)
{
    return search_knows_kind(f->kind) || f->device || f->severity >= 0 || f->zone != ZONE_NONE || f->person == MARK_YES || is_indexed(f->user) ||
           is_indexed(f->zone_name);
}

static void put_name(struct buf *out, const char *column, const char *name)
{
    if (!is_indexed(name))
        return;
    buf_printf(out, " %s : ", column);
    put_string(out, &(struct word){ .at = name, .n = strlen(name) });
}

static void put_tags(struct buf *out, const struct event_filter *f)
{
    if (search_knows_kind(f->kind)) {
        buf_putc(out, ' ');
        put_kind(out, f->kind);
    }
    if (f->device) {
        buf_putc(out, ' ');
        put_device(out, f->device);
    }
    if (f->severity >= 0)
        buf_printf(out, " zqs%d", f->severity);
    if (f->zone != ZONE_NONE)
        buf_printf(out, " zqz%d", f->zone);
    if (f->person == MARK_YES)
        buf_puts(out, " zqp");
    put_name(out, "zone", f->zone_name);
    put_name(out, "user", f->user);
}

/* The devices with this word in their name, as alternatives to it: how many, or -1. */
static int put_devices(struct db *d, const struct word *w, struct buf *out, struct err *e)
{
    CLEANUP(buf_done) struct buf name;
    buf_init(&name, PART_MAX);
    put_string(&name, w);
    CLEANUP(stmt_done) struct stmt *q = db_ask(d, e, "SELECT id FROM device_names(?) LIMIT ?", P(buf_str(&name)), P(DEVICES_MAX));
    if (!q)
        return -1;
    int found, n = 0;
    for (; (found = stmt_step(q, e)) > 0; n++) {
        buf_puts(out, " OR ");
        put_device(out, col_text(q, 0));
    }
    return found < 0 ? -1 : n;
}

/* What the index makes of this beginning of a word; false: only it knows. */
static bool fold_beginning(const struct word *w, char out[WORD_BYTES])
{
    static const char *const kept[] = { "ß", "æ", "Æ", "œ", "Œ", "ø", "Ø", "đ", "Đ", "ħ", "Ħ", "ı", "ł", "Ł", "ŋ", "Ŋ", "þ", "Þ", "ð", "Ð", "ŧ", "Ŧ" };
    for (size_t i = 0; i < COUNT(kept); i++)
        if (memmem(w->at, w->n, kept[i], strlen(kept[i])))
            return false;
    for (size_t i = 0; i < w->n; i++) /* others are of two bytes: c3 80 to c5 bf */
        if (!isalnum((unsigned char)w->at[i]) && ((unsigned char)w->at[i] < 0x80 || (unsigned char)w->at[i] > 0xc5))
            return false;
    size_t n = fold_tight(out, WORD_BYTES, w->at, w->n);
    for (size_t i = 0; i < n; i++)
        if (!isascii(out[i]))
            return false;
    return n >= PREFIX_MIN;
}

/* The index's words as a table, once for each connection. */
static int make_words(struct db *d, struct err *e)
{
    int64_t has_words;
    if (db_number(d, "SELECT 1 FROM temp.sqlite_schema WHERE name = 'search_words'", 0, &has_words, e) < 0)
        return -1;
    return has_words ? 0 : db_exec(d, "PRAGMA query_only = 0; CREATE VIRTUAL TABLE temp.search_words USING fts5vocab(main, search, instance);"
                                      "PRAGMA query_only = 1", e);
}

/* The next word of the index from here on: 1, 0, -1. */
static int next_indexed(struct db *d, const char *from, char out[WORD_BYTES], struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_ask(d, e, "SELECT term FROM temp.search_words WHERE term >= ? LIMIT 1", P(from));
    int found = q ? stmt_step(q, e) : -1;
    if (found > 0)
        (void)snprintf(out, WORD_BYTES, "%s", col_text(q, 0));
    return found;
}

/* The words that begin so, as alternatives: FTS5 walks them row by row, but would first put together all rows of a beginning, of a
 * common one millions. How many; 0: none, or so many that FTS5 shall do it; -1. */
static int put_beginning(struct db *d, const struct word *w, struct buf *out, struct err *e)
{
    char beginning[WORD_BYTES], term[WORD_BYTES];
    int  found, count = 0;
    if (!fold_beginning(w, beginning))
        return 0;
    if (make_words(d, e) < 0)
        return -1;
    CLEANUP(buf_done) struct buf from;
    buf_init(&from, WORD_BYTES + 1);
    buf_puts(&from, beginning);
    while ((found = next_indexed(d, buf_str(&from), term, e)) > 0 && strncmp(term, beginning, strlen(beginning)) == 0) {
        if (++count > BEGINNINGS_MAX || strlen(term) == WORD_BYTES - 1)
            return 0;
        buf_puts(out, count > 1 ? " OR " : "");
        buf_puts(out, "- tags : ");
        put_string(out, &(struct word){ .at = term, .n = strlen(term) });
        buf_clear(&from);
        buf_puts(&from, term);
        buf_putc(&from, '\1'); /* after it, and before all that are longer */
    }
    return found < 0 ? -1 : count;
}

static int put_word(struct db *d, const struct word *w, struct buf *all, struct buf *either, struct err *e)
{
    CLEANUP(buf_done) struct buf devices, words;
    buf_init(&devices, PART_MAX);
    buf_init(&words, PART_MAX);
    int n = put_devices(d, w, &devices, e);
    int beginnings = n >= 0 && w->is_prefix ? put_beginning(d, w, &words, e) : 0;
    if (n < 0 || beginnings < 0)
        return -1;
    if (beginnings == 0) {
        buf_clear(&words);
        buf_puts(&words, "- tags : ");
        put_string(&words, w);
    }
    bool        has_choice = n > 0 || beginnings > 1;
    struct buf *out = has_choice ? either : all;
    buf_puts(out, !has_choice ? " " : out->len > 0 ? " AND (" : "(");
    buf_puts(out, buf_str(&words));
    buf_puts(out, buf_str(&devices));
    buf_puts(out, has_choice ? ")" : "");
    return devices.failed || words.failed ? err_set(e, ERR_LIMIT, "text: too many devices have such names") : 0;
}

/* How many words the text has; -1. */
static int put_text(struct db *d, const char *text, struct buf *all, struct buf *either, struct err *e)
{
    struct word w;
    int         count = 0;
    while (count < WORDS_MAX && next_word(&text, &w))
        if (has_letter(w.at, w.n)) {
            count++;
            if (put_word(d, &w, all, either, e) < 0)
                return -1;
        }
    return count;
}

int search_expression(struct db *d, const struct event_filter *f, struct buf *out, struct err *e)
{
    CLEANUP(buf_done) struct buf either;
    buf_init(&either, PART_MAX);
    put_tags(out, f);
    int words = f->text ? put_text(d, f->text, out, &either, e) : 0;
    if (words < 0)
        return -1;
    if (f->text && words == 0)
        return SEARCH_NOTHING;
    if (out->len > 0 && either.len > 0)
        buf_puts(out, " AND ");
    buf_puts(out, buf_str(&either));
    if (out->failed || either.failed)
        return err_set(e, ERR_LIMIT, "text: too long");
    return out->len > 0 ? SEARCH_SOME : SEARCH_ALL;
}
