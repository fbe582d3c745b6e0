/* labels: one walk over the lines; what is a label is asked of the maker's table alone. */
#include "parsers/labels.h"
#include "core/fold.h"
#include "core/utf8.h"
#include "parsers/span.h"
#include <string.h>

enum {
    LABEL_BYTES = 80, /* of label and note, folded and unfolded */
    LINES_MAX = 300,  /* what comes later is no list            */
    VALUE_BYTES = 500,
    PHRASE_BYTES = 160,
};

/* One "label (note): value". */
struct pair {
    const struct label *label;
    struct span         note, value;
};

/* Folded words of the text without the blanks at their ends; size at least 3. */
static const char *fold(char *out, size_t size, struct span x)
{
    size_t n = fold_words(out, size, x.s, x.n);
    if (n < 2)
        return "";
    out[n - 1] = '\0';
    return out + 1;
}

/* --- one pair ------------------------------------------------------------------------------------------------- */

static const struct label *find_label(const struct label *table, struct span name)
{
    char        folded[LABEL_BYTES + 3];
    const char *words = fold(folded, sizeof folded, name);
    for (const struct label *l = table; l->text; l++)
        if (strcmp(l->text, words) == 0)
            return l;
    return NULL;
}

/* Bytes of the colon at s: ':' or the wide one (U+FF1A) of Chinese firmware; 0: none. */
static size_t colon_at(const char *s, size_t n)
{
    if (n > 0 && s[0] == ':')
        return 1;
    return n >= 3 && memcmp(s, "\xEF\xBC\x9A", 3) == 0 ? 3 : 0;
}

/* Cuts x at its first colon outside brackets into what stands before and behind; false: there is none near. */
static bool cut_at_colon(struct span x, struct span *name, struct span *value)
{
    char closing = '\0';
    for (size_t i = 0; i < x.n && i < LABEL_BYTES; i++) {
        size_t k = closing ? 0 : colon_at(x.s + i, x.n - i);
        if (k > 0) {
            *name = (struct span){ x.s, i };
            *value = span_trim((struct span){ x.s + i + k, x.n - i - k });
            return true;
        }
        if (x.s[i] == ',' && !closing)
            return false;
        if (closing)
            closing = x.s[i] == closing ? '\0' : closing;
        else if (x.s[i] == '(' || x.s[i] == '[')
            closing = x.s[i] == '(' ? ')' : ']';
    }
    return false;
}

/* "Alarm Start Time(D/M/Y H:M:S)" is a name and a note. */
static struct span cut_note(struct span *name)
{
    for (size_t i = 0; i < name->n; i++) {
        if (name->s[i] != '(' && name->s[i] != '[')
            continue;
        char        closing = name->s[i] == '(' ? ')' : ']';
        const char *end = memchr(name->s + i, closing, name->n - i);
        struct span note = { name->s + i + 1, end ? (size_t)(end - name->s) - i - 1 : 0 };
        name->n = i;
        return span_trim(note);
    }
    return (struct span){ NULL, 0 };
}

/* Whether x begins with a label of the table and a colon. */
static bool read_pair(const struct label *table, struct span x, struct pair *out)
{
    struct span name;
    if (!cut_at_colon(x, &name, &out->value))
        return false;
    struct span with_note = name;
    out->note = cut_note(&name);
    out->label = find_label(table, with_note);
    if (!out->label && out->note.s)
        out->label = find_label(table, name);
    return out->label != NULL;
}

/* Reolink joins its lines by commas: the value ends where behind a comma another label of the table stands. How much of x
 * this pair is. */
static size_t cut_at_next(const struct label *table, struct span x, struct pair *pair)
{
    const char *end = x.s + x.n;
    for (const char *comma = pair->value.s; (comma = memchr(comma, ',', (size_t)(end - comma))); comma++) {
        struct pair other;
        struct span rest = span_trim((struct span){ comma + 1, (size_t)(end - comma) - 1 });
        if (!read_pair(table, rest, &other))
            continue;
        pair->value = span_trim((struct span){ pair->value.s, (size_t)(comma - pair->value.s) });
        return (size_t)(comma - x.s) + 1;
    }
    return x.n;
}

/* --- lines ---------------------------------------------------------------------------------------------------- */

/* Where reading stands. */
struct walk {
    const struct label *table;
    const char         *rest;
    struct span         line; /* what is left of the line */
    int                 lines;
};

static struct walk walk_start(const struct mail *m, const struct label *table)
{
    return (struct walk){ .table = table, .rest = m->text[0] ? m->text : m->subject };
}

/* The next line that is not blank, without taking it; false: the end. */
static bool peek_line(const char *rest, struct span *line, const char **behind)
{
    while (*rest) {
        size_t n = strcspn(rest, "\n");
        *line = span_trim((struct span){ rest, n });
        rest += n + (rest[n] == '\n');
        *behind = rest;
        if (line->n > 0)
            return true;
    }
    return false;
}

/* Something a person would take for a label, known or not: a letter first, and a colon. */
static bool looks_labelled(struct span line)
{
    struct span name, value;
    return (line.s[0] < '0' || line.s[0] > '9') && cut_at_colon(line, &name, &value);
}

/* A label stands alone: its value is the line below; not behind a blank line. */
static void take_value_below(struct walk *w, struct pair *pair)
{
    struct span line;
    const char *behind;
    if (w->rest[0] == '\n' || !peek_line(w->rest, &line, &behind) || looks_labelled(line))
        return;
    pair->value = line;
    w->rest = behind;
}

/* Takes the next pair; lines without a known label are passed over. false: the end. */
static bool next_pair(struct walk *w, struct pair *out)
{
    for (;;) {
        while (w->line.n == 0) {
            if (w->lines++ == LINES_MAX || !peek_line(w->rest, &w->line, &w->rest))
                return false;
        }
        struct span line = w->line;
        w->line.n = 0;
        if (!read_pair(w->table, line, out))
            continue;
        size_t taken = cut_at_next(w->table, line, out);
        w->line = span_trim((struct span){ line.s + taken, line.n - taken });
        if (out->value.n == 0 && w->line.n == 0)
            take_value_below(w, out);
        return true;
    }
}

int labels_read(const struct mail *m, const struct label *table, struct arena *a, struct labels *out)
{
    struct walk w = walk_start(m, table);
    struct pair pair;
    *out = (struct labels){ .found = 0 };
    while (next_pair(&w, &pair)) {
        enum field field = pair.label->field;
        out->found++;
        if (pair.value.n == 0 || out->values[field])
            continue;
        out->values[field] = arena_copy(a, pair.value.s, utf8_cut(pair.value.s, pair.value.n, VALUE_BYTES));
        out->notes[field] = pair.note.n > 0 ? arena_copy(a, pair.note.s, pair.note.n) : NULL;
        if (!out->values[field] || (pair.note.n > 0 && !out->notes[field]))
            return -1;
    }
    return 0;
}

int labels_count(const struct mail *m, const struct label *table)
{
    struct walk w = walk_start(m, table);
    struct pair pair;
    int         count = 0, own = 0;
    while (next_pair(&w, &pair)) {
        count++;
        own += !pair.label->is_common;
    }
    return own > 0 ? count : 0;
}

/* --- words ---------------------------------------------------------------------------------------------------- */

const struct wording *wording_find(const struct wording *table, const char *text)
{
    char                  folded[PHRASE_BYTES];
    const char           *words = fold(folded, sizeof folded, (struct span){ text, strlen(text) });
    const struct wording *best = NULL;
    size_t                best_length = 0;
    for (const struct wording *w = table; w->text; w++) {
        size_t n = strlen(w->text);
        if (n <= best_length || strncmp(w->text, words, n) != 0)
            continue;
        best = w;
        best_length = n;
    }
    return best;
}

/* Folded words with a blank in front; one without blank behind is the beginning of a word. English is what devices were seen
 * to write; the others are inferred from the languages that their makers' firmware speaks. A person is named first: mails
 * that name two things ("Human and Vehicle") are about what an owner fears more. Folding knows no case beyond Latin: Cyrillic
 * words stand without their first letter. */
static const struct {
    const char *word, *target;
} targets[] = {
    { " human", "person" },       { " person", "person" },     { " people ", "person" },    { " pedestrian", "person" },
    { " face ", "person" },       { " mensch", "person" },     { " gesicht", "person" },    { " humain", "person" },
    { " umano ", "person" },      { " pessoa", "person" },     { " mens ", "person" },      { " osoba ", "person" },
    { " czlowiek", "person" },    { "еловек", "person" },    { "人", "person" },          { " vehicle", "vehicle" },
    { " car ", "vehicle" },       { " fahrzeug", "vehicle" },  { " auto ", "vehicle" },     { " vehicul", "vehicle" },
    { " veicolo ", "vehicle" },   { " veiculo", "vehicle" },   { " voertuig", "vehicle" },  { " pojazd", "vehicle" },
    { "ранспорт", "vehicle" },  { "车", "vehicle" },         { " animal", "animal" },     { " pet ", "animal" },
    { " pets ", "animal" },       { " dog ", "animal" },       { " cat ", "animal" },       { " tier ", "animal" },
    { " tiere ", "animal" },      { " haustier", "animal" },   { " mascota", "animal" },    { " huisdier", "animal" },
    { " zwierze", "animal" },     { "ивотн", "animal" },     { "动物", "animal" },
};

const char *target_find(const char *text)
{
    char folded[PHRASE_BYTES];
    (void)fold_words(folded, sizeof folded, text, strlen(text));
    for (size_t i = 0; i < COUNT(targets); i++)
        if (strstr(folded, targets[i].word))
            return targets[i].target;
    return NULL;
}

const char *target_kind(const char *kind, const char *target)
{
    static const struct {
        const char *target, *kind;
    } kinds[] = { { "person", "camera.person" }, { "vehicle", "camera.vehicle" }, { "animal", "camera.animal" } };
    if (!target || strcmp(kind, "camera.motion") != 0)
        return kind;
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].target, target) == 0)
            return kinds[i].kind;
    return kind;
}
