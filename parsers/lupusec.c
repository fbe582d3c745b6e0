/* lupusec: panels of the Climax platform (Lupusec XT1 and later). Layout: docs/devices/lupusec.md, samples: tests/data/lupusec/.
 *
 *   line = [free text] "Zone:" [digits] " " name ", " text      split at the last ", ": names are any text
 *        | text " gemeldet von Sensor " name                    or as another language says it
 *        | user ", " mode
 *        | text */
#include "parsers/lupusec.h"
#include "parsers/parser.h"
#include "parsers/span.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINES_MAX = 500, ZONE_DIGITS_MAX = 6, LINE_MAX_BYTES = 1000 };

/* How sure a line is ours. */
enum {
    NOT_OURS = 0,
    KNOWN_ALONE = 70,  /* a known text, and nothing else in the mail                   */
    PANEL_SHAPE = 80,  /* only panels write like this, but the text is not known: told */
    KNOWN_TO_US = 90,  /* a known text, sent to one of the panel's two addresses       */
    KNOWN_SHAPE = 95,
};

struct line {
    struct span whole, name, text;
    int         zone_number;
    bool        is_panel_shape; /* "Zone:…" or "… gemeldet von Sensor …" */
};

/* --- lines ---------------------------------------------------------------------------------------------------- */

/* Takes the next line that is not blank; false at the end. */
static bool next_line(const char **p, struct span *out)
{
    while (**p) {
        size_t n = strcspn(*p, "\n");
        *out = span_trim((struct span){ *p, n });
        *p += n + ((*p)[n] == '\n');
        if (out->n > 0)
            return true;
    }
    return false;
}

static const char *find(struct span x, const char *word)
{
    size_t k = strlen(word);
    for (size_t i = 0; i + k <= x.n; i++)
        if ((x.s[i] | 0x20) == (word[0] | 0x20) && strncasecmp(x.s + i, word, k) == 0)
            return x.s + i;
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int number_of(const char *digits, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

/* "name, text": at the last comma, because names may have commas and texts have none. */
static void split_at_comma(struct span x, struct line *out)
{
    const char *comma = memrchr(x.s, ',', x.n);
    for (const char *c = comma; c; c = memrchr(x.s, ',', (size_t)(c - x.s)))
        if (c + 1 < x.s + x.n && c[1] == ' ') {
            comma = c;
            break;
        }
    if (!comma) {
        out->text = x;
        return;
    }
    out->name = span_trim((struct span){ x.s, (size_t)(comma - x.s) });
    out->text = span_trim((struct span){ comma + 1, (size_t)(x.s + x.n - comma) - 1 });
}

/* After "Zone:". The number may be missing; digits that something else follows than a blank belong to the name. */
static void read_zone(struct span x, struct line *out)
{
    split_at_comma(x, out);
    struct span name = out->name;
    if (name.n == 0)
        return;
    size_t digits = 0;
    bool   begins_at_once = name.s == x.s;
    while (begins_at_once && digits < name.n && is_digit(name.s[digits]))
        digits++;
    if (digits == 0 || digits > ZONE_DIGITS_MAX || (digits < name.n && name.s[digits] != ' '))
        return;
    out->zone_number = number_of(name.s, digits);
    out->name = span_trim((struct span){ name.s + digits, name.n - digits });
}

/* At the line's start; or, behind free text, a blank before it and a digit after it. */
static const char *find_zone(struct span x)
{
    static const char word[] = "Zone:";
    const size_t      k = sizeof word - 1;
    const char       *at = find(x, word);
    if (!at || at == x.s)
        return at;
    return at[-1] == ' ' && at + k < x.s + x.n && is_digit(at[k]) ? at : NULL;
}

/* Where a text ends and "gemeldet von Sensor" begins, and its length; NULL: it does not. */
static const char *find_reported(struct span x, size_t *length_out)
{
    for (const char *const *by = panel_reported_by; *by; by++) {
        const char *at = find(x, *by);
        *length_out = strlen(*by);
        if (at)
            return at;
    }
    return NULL;
}

static struct line read_line(struct span x)
{
    struct line line = { .whole = x, .zone_number = ZONE_NONE };
    size_t      reported = 0;
    const char *end = x.s + x.n, *zone = find_zone(x), *by = zone ? NULL : find_reported(x, &reported);
    line.is_panel_shape = zone || by;
    if (zone) {
        read_zone((struct span){ zone + 5, (size_t)(end - zone) - 5 }, &line);
    } else if (by) {
        line.text = span_trim((struct span){ x.s, (size_t)(by - x.s) });
        line.name = span_trim((struct span){ by + reported, (size_t)(end - by) - reported });
    } else {
        split_at_comma(x, &line);
    }
    return line;
}

/* --- meaning -------------------------------------------------------------------------------------------------- */

/* To one of the panel's addresses, or from a device that the settings call a panel. */
static bool is_for_panel(const struct mail *m)
{
    return (m->device && strcmp(m->device->kind, "panel") == 0) || envelope_is_for(m->envelope, m->site->alarm_user) ||
           envelope_is_for(m->envelope, m->site->status_user) || envelope_is_for(m->envelope, ENVELOPE_CONTACT_ID_USER);
}

/* Is the line ours, and if its text is known, what does it mean? kind NULL: not known. */
static int judge(const struct mail *m, struct span x, bool is_alone, struct line *line, struct panel_meaning *meaning)
{
    *meaning = (struct panel_meaning){ .kind = NULL };
    if (x.n > LINE_MAX_BYTES)
        return NOT_OURS;
    *line = read_line(x);
    bool is_ours = is_for_panel(m);
    bool is_guess_allowed = line->is_panel_shape || (is_ours && is_alone);
    bool is_known = panel_text_find(m->site->texts, line->text.s, line->text.n, is_guess_allowed, meaning);
    if (line->is_panel_shape)
        return is_known ? KNOWN_SHAPE : PANEL_SHAPE;
    if (is_known && is_ours)
        return KNOWN_TO_US;
    return is_known && is_alone && line->name.n > 0 && m->media_count == 0 ? KNOWN_ALONE : NOT_OURS;
}

typedef int found(void *user, const struct mail *m, const struct line *line, const struct panel_meaning *meaning, int points);

/* Calls for every line that is ours, of the text, or if it has none of the subject. */
static int each_line(const struct mail *m, found *call, void *user)
{
    const char *const sources[] = { m->text, m->subject };
    int               hits = 0;
    for (size_t i = 0; i < COUNT(sources) && hits == 0; i++) {
        const char *p = sources[i], *ahead = sources[i];
        struct span x, other;
        bool        is_alone = next_line(&ahead, &other) && !next_line(&ahead, &other);
        for (int lines = 0; lines < LINES_MAX && next_line(&p, &x); lines++) {
            struct line          line;
            struct panel_meaning meaning;
            int                  points = judge(m, x, is_alone, &line, &meaning);
            if (points == NOT_OURS)
                continue;
            hits++;
            if (call(user, m, &line, &meaning, points) < 0)
                return -1;
        }
    }
    return hits;
}

static int keep_best(void *user, const struct mail *m, const struct line *line, const struct panel_meaning *meaning, int points)
{
    (void)m;
    (void)line;
    (void)meaning;
    int *best = user;
    *best = points > *best ? points : *best;
    return 0;
}

static int score(const struct mail *m)
{
    int best = NOT_OURS;
    (void)each_line(m, keep_best, &best);
    return best;
}

static const char *copy(struct span x, struct arena *a)
{
    return x.n > 0 ? arena_copy(a, x.s, x.n) : NULL;
}

/* A full list of events ends the mail, not the reading: what stands above is told. */
static int add_event(void *user, const struct mail *m, const struct line *line, const struct panel_meaning *meaning, int points)
{
    (void)m;
    (void)points;
    struct events *out = user;
    struct event  *ev = events_add(out, meaning->kind ? meaning->kind : "unknown");
    if (!ev)
        return -1;
    bool is_mode = meaning->kind && strncmp(meaning->kind, "mode.", 5) == 0 && !line->is_panel_shape;
    bool has_zone = line->zone_number != ZONE_NONE || line->name.n > 0;
    ev->restored = meaning->restored;
    ev->severity = meaning->kind ? kind_severity(meaning->kind, meaning->restored) : SEVERITY_ALARM;
    ev->zone_number = line->zone_number;
    ev->text = copy(line->whole, out->arena);
    ev->code = has_zone ? meaning->code : meaning->panel_code;
    if (is_mode)
        ev->user = copy(line->name, out->arena);
    else
        ev->zone_name = copy(line->name, out->arena);
    return ev->text ? 0 : -1;
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    (void)each_line(m, add_event, out);
    return out->count > 0 ? 0 : err_set(e, ERR_INPUT, "no line of a panel");
}

const struct parser parser_lupusec = { "lupusec", score, parse };
