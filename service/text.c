/* text: composing is done again and again, each time a little tighter, until it fits: first the site's name is cut, then the
 * date, then the middle of names; never the kind and the number of a zone. */
#include "service/text.h"
#include "core/clock.h"
#include "core/utf8.h"
#include "service/gsm.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE_MAX = 16 * 1024, SITE_MAX = 64, NAME_MIN = 4, NAME_MAX = 200, START_MAX = 100, ITEMS_MAX = 64, NUMBER_CHARS = 6 };

enum date { DATE_FULL, DATE_TIME, DATE_NONE };

/* What of a text is left out so far; each step of squeeze() takes a little more. */
struct draft {
    const struct text_style *style;
    const struct text_input *in;
    struct buf              *out;
    size_t                   site_max, name_max; /* characters; name_max 0: zones by their numbers alone */
    enum date                date;
    size_t                   item_max; /* of a folded message */
};

/* --- small pieces ------------------------------------------------------------------------------------------- */

static const char *word(const struct draft *d, const char *key)
{
    return words_find(d->style->overrides, d->style->words, key);
}

static bool has(const char *s)
{
    return s && *s;
}

/* Bytes of the first `characters` of s. */
static size_t bytes_of(const char *s, size_t characters)
{
    size_t n = strlen(s), i = 0;
    for (; characters > 0 && i < n; characters--) {
        size_t one = utf8_length(s + i, n - i);
        i += one ? one : 1;
    }
    return i;
}

static void put_start(struct buf *out, const char *s, size_t max)
{
    size_t length = utf8_count(s, strlen(s));
    if (length <= max) {
        buf_puts(out, s);
    } else if (max > 2) {
        buf_put(out, s, bytes_of(s, max - 2));
        buf_puts(out, "..");
    }
}

/* "Gästezimmer" in 8 characters: "Gäs..mer". */
static void put_name(struct draft *d, const char *name)
{
    size_t length = utf8_count(name, strlen(name));
    if (length <= d->name_max || d->name_max < NAME_MIN) {
        buf_puts(d->out, name);
        return;
    }
    size_t tail = (d->name_max - 2) / 2, head = d->name_max - 2 - tail;
    buf_put(d->out, name, bytes_of(name, head));
    buf_puts(d->out, "..");
    buf_puts(d->out, name + bytes_of(name, length - tail));
}

/* The device's clock where it can be right, else ours: panels without a battery live in 1970. */
static int64_t time_of(const struct event *ev, const struct event_origin *o)
{
    const int64_t day = 24 * 3600 * 1000, minute = 60 * 1000;
    bool is_likely = ev->happened_ms > o->received_ms - day && ev->happened_ms < o->received_ms + minute;
    return ev->happened_ms != 0 && is_likely ? ev->happened_ms : o->received_ms;
}

static void put_time(struct draft *d, int64_t wall_ms)
{
    struct tm local;
    char      day[32] = "";
    if (d->date == DATE_NONE)
        return;
    clock_local(wall_ms, &local);
    buf_puts(d->out, ", ");
    if (d->date == DATE_FULL && strftime(day, sizeof day, word(d, "day"), &local) > 0)
        buf_printf(d->out, "%s ", day);
    buf_printf(d->out, "%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec);
}

static bool is_drill(const struct event_origin *o)
{
    return o->parser && strcmp(o->parser, "drill") == 0;
}

static bool is_camera(const struct event *ev)
{
    return kind_matches("camera.*", ev->kind);
}

/* --- the head: "ALARM Ferienhaus: " ------------------------------------------------------------------------- */

static const struct {
    const char *pattern, *head, *ended; /* NULL: a plain status, which has none */
} heads[] = {
    { "alarm.*", "head.alarm", "head.ended" },
    { "trouble.*", "head.trouble", "head.ended" },
    { "camera.*", "head.camera", "head.ended" },
    { "system.*", "head.system", "head.system" },
    { "unreadable", "head.unreadable", "head.unreadable" },
    { "unknown", "head.message", "head.message" },
    { "*", NULL, "head.ended" },
};

static const char *head_of(const struct event *ev, const struct event_origin *o)
{
    if (is_drill(o))
        return "head.test";
    if (strcmp(ev->kind, "unknown") == 0 && ev->severity == SEVERITY_ALARM)
        return "head.alarm";
    size_t i = 0;
    while (!kind_matches(heads[i].pattern, ev->kind))
        i++;
    return ev->restored ? heads[i].ended : heads[i].head;
}

static enum severity worst(const struct text_input *in)
{
    enum severity s = SEVERITY_INFO;
    for (size_t i = 0; i < in->count; i++)
        if (in->events[i].severity > s)
            s = in->events[i].severity;
    return s;
}

/* The head that all share; else what the worst of them deserves. */
static const char *common_head(const struct text_input *in)
{
    const char *head = head_of(&in->events[0], &in->origins[0]);
    bool        is_shared = true;
    for (size_t i = 1; i < in->count && is_shared; i++) {
        const char *other = head_of(&in->events[i], &in->origins[i]);
        is_shared = other == head || (other && head && strcmp(other, head) == 0);
    }
    if (is_shared)
        return head;
    enum severity s = worst(in);
    return s == SEVERITY_ALARM ? "head.alarm" : s == SEVERITY_WARNING ? "head.message" : NULL;
}

/* note stands behind the site: "(Text unbekannt)". */
static void put_head(struct draft *d, const char *head, const char *note)
{
    size_t before = d->out->len;
    if (head)
        buf_puts(d->out, word(d, head));
    if (d->site_max > 0 && has(d->style->site)) {
        buf_puts(d->out, d->out->len > before ? " " : "");
        put_start(d->out, d->style->site, d->site_max);
    }
    if (note)
        buf_printf(d->out, "%s%s", d->out->len > before ? " " : "", note);
    if (d->out->len > before)
        buf_puts(d->out, ": ");
}

/* --- one event ---------------------------------------------------------------------------------------------- */

static void put_zone(struct draft *d, const struct event *ev)
{
    bool is_named = has(ev->zone_name) && d->style->detail != TEXT_SHORT;
    if (ev->zone_number != ZONE_NONE)
        buf_printf(d->out, ", %s %d%s", word(d, "zone"), ev->zone_number, is_named ? " " : "");
    else if (is_named)
        buf_puts(d->out, ", ");
    if (is_named)
        put_name(d, ev->zone_name);
}

static void put_count(struct draft *d, size_t n, const char *one, const char *many)
{
    if (n > 0)
        buf_printf(d->out, ", %zu %s", n, word(d, n == 1 ? one : many));
}

static void put_pictures(struct draft *d, const struct event *ev)
{
    size_t pictures = 0, clips = 0;
    for (size_t i = 0; i < ev->media_count; i++) {
        pictures += strncmp(ev->media[i].type, "image/", 6) == 0;
        clips += strncmp(ev->media[i].type, "video/", 6) == 0;
    }
    put_count(d, pictures, "picture", "pictures");
    put_count(d, clips, "clip", "clips");
}

static void put_event(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)o;
    buf_puts(d->out, word(d, ev->kind));
    if (has(ev->user) && d->style->detail == TEXT_FULL) {
        buf_printf(d->out, " %s ", word(d, "by"));
        put_name(d, ev->user);
    }
    if (is_camera(ev) && has(ev->device_name) && d->style->detail != TEXT_SHORT) {
        buf_puts(d->out, ", ");
        put_name(d, ev->device_name);
    }
    put_zone(d, ev);
    put_pictures(d, ev);
}

static void put_drill(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)ev;
    (void)o;
    buf_puts(d->out, word(d, "test"));
}

/* The text on one line: runs of blanks and line ends become one blank. */
static void put_one_line(struct buf *out, const char *text)
{
    size_t before = out->len;
    for (const char *s = text; *s;) {
        size_t blank = strspn(s, " \t\r\n"), ink = strcspn(s + blank, " \t\r\n");
        if (blank > 0 && ink > 0 && out->len > before)
            buf_putc(out, ' ');
        buf_put(out, s + blank, ink);
        s += blank + ink;
    }
}

static void put_unknown(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)o;
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX);
    if (has(ev->text) && d->style->detail == TEXT_FULL)
        put_one_line(&line, ev->text);
    if (line.len == 0)
        buf_puts(&line, word(d, has(ev->text) ? "unknown" : "text.empty"));
    put_start(d->out, buf_str(&line), d->name_max < START_MAX && d->name_max >= NAME_MIN ? d->name_max : START_MAX);
    put_pictures(d, ev);
}

static void put_unreadable(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)o;
    buf_printf(d->out, "%s ", word(d, "from"));
    put_name(d, has(ev->device_name) && d->style->detail != TEXT_SHORT ? ev->device_name : "?");
    if (has(ev->text)) {
        buf_puts(d->out, ", ");
        put_start(d->out, ev->text, START_MAX);
    }
}

static void put_number(struct draft *d, const struct event_origin *o)
{
    size_t n = has(o->arrival) ? strlen(o->arrival) : 0;
    if (n >= NUMBER_CHARS)
        buf_printf(d->out, ", %s %s", word(d, "number"), o->arrival + n - NUMBER_CHARS);
}

static void put_system(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)o;
    if (has(ev->text)) {
        put_start(d->out, ev->text, d->name_max < NAME_MIN ? NAME_MIN : d->name_max);
        return;
    }
    buf_puts(d->out, word(d, ev->kind));
    if (ev->restored)
        buf_printf(d->out, " (%s)", word(d, "ended"));
}

static const struct {
    const char *pattern;
    void (*put)(struct draft *, const struct event *, const struct event_origin *);
} bodies[] = {
    { "unknown", put_unknown }, { "unreadable", put_unreadable }, { "system.*", put_system }, { "*", put_event },
};

static void put_body(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    size_t i = 0;
    while (!kind_matches(bodies[i].pattern, ev->kind))
        i++;
    (is_drill(o) ? put_drill : bodies[i].put)(d, ev, o);
}

static void put_single(struct draft *d)
{
    const struct event        *ev = &d->in->events[0];
    const struct event_origin *o = &d->in->origins[0];
    bool                       is_unknown = strcmp(ev->kind, "unknown") == 0 && !is_drill(o);
    put_head(d, head_of(ev, o), is_unknown ? word(d, "text.unknown") : NULL);
    put_body(d, ev, o);
    put_time(d, time_of(ev, o));
    if (strcmp(ev->kind, "unreadable") == 0 && !is_drill(o))
        put_number(d, o);
}

/* --- several, folded ---------------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_same_group(const struct event *a, const struct event *b)
{
    return is_same(a->kind, b->kind) && a->restored == b->restored && strcmp(a->kind, "unknown") != 0;
}

/* Whether naming one of them names the other too. */
static bool is_same_item(const struct event *a, const struct event *b)
{
    return is_same(a->kind, b->kind) && a->restored == b->restored && a->zone_number == b->zone_number &&
           is_same(a->zone_name, b->zone_name) && is_same(a->user, b->user) && (!is_camera(a) || is_same(a->device_name, b->device_name)) &&
           (strcmp(a->kind, "unknown") != 0 || is_same(a->text, b->text));
}

/* Indexes of the events that say something new, in order; those beyond ITEMS_MAX count as not named. */
static size_t list_items(const struct text_input *in, size_t items[ITEMS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < in->count && n < ITEMS_MAX; i++) {
        size_t j = 0;
        while (j < n && !is_same_item(&in->events[items[j]], &in->events[i]))
            j++;
        if (j == n)
            items[n++] = i;
    }
    return n;
}

static void put_phrase(struct draft *d, size_t at, const char *head)
{
    const struct event *ev = &d->in->events[at];
    if (ev->restored && !(head && strcmp(head, "head.ended") == 0))
        buf_printf(d->out, "%s ", word(d, "ended"));
    if (is_drill(&d->in->origins[at]))
        buf_puts(d->out, word(d, "head.test"));
    else if (strcmp(ev->kind, "unknown") == 0 && has(ev->text) && d->style->detail == TEXT_FULL)
        put_start(d->out, ev->text, d->name_max < NAME_MIN ? NAME_MIN : d->name_max);
    else if (kind_matches("system.*", ev->kind) && has(ev->text))
        put_start(d->out, ev->text, d->name_max < NAME_MIN ? NAME_MIN : d->name_max);
    else
        buf_puts(d->out, word(d, ev->kind));
}

static const char *name_of(const struct draft *d, const struct event *ev)
{
    if (d->style->detail == TEXT_SHORT)
        return NULL;
    if (has(ev->zone_name))
        return ev->zone_name;
    if (is_camera(ev) || strcmp(ev->kind, "unreadable") == 0)
        return ev->device_name;
    return d->style->detail == TEXT_FULL ? ev->user : NULL;
}

static void put_place(struct draft *d, const struct event *ev)
{
    if (ev->zone_number != ZONE_NONE)
        buf_printf(d->out, " %s%d", word(d, "zone.short"), ev->zone_number);
    const char *name = name_of(d, ev);
    if (!has(name) || (d->name_max == 0 && ev->zone_number != ZONE_NONE))
        return;
    buf_putc(d->out, ' ');
    if (d->name_max == 0)
        put_start(d->out, name, NAME_MIN);
    else
        put_name(d, name);
}

/* Item k; without names those of the same kind stand together: "Einbruch innen Z8 Z9". Returns how many it told. */
static size_t put_item(struct draft *d, const size_t *items, size_t n, size_t k, const char *head)
{
    const struct event *first = &d->in->events[items[k]];
    for (size_t j = 0; j < k && d->name_max == 0; j++)
        if (is_same_group(&d->in->events[items[j]], first))
            return 0;
    buf_puts(d->out, k > 0 ? "; " : "");
    put_phrase(d, items[k], head);
    put_place(d, first);
    size_t told = 1;
    for (size_t j = k + 1; j < n && d->name_max == 0; j++)
        if (is_same_group(&d->in->events[items[j]], first)) {
            put_place(d, &d->in->events[items[j]]);
            told++;
        }
    return told;
}

static void put_range(struct draft *d)
{
    int64_t first = time_of(&d->in->events[0], &d->in->origins[0]), last = first;
    for (size_t i = 1; i < d->in->count; i++) {
        int64_t t = time_of(&d->in->events[i], &d->in->origins[i]);
        first = t < first ? t : first;
        last = t > last ? t : last;
    }
    struct tm a, b;
    clock_local(first, &a);
    clock_local(last, &b);
    buf_printf(d->out, " %02d:%02d", a.tm_hour, a.tm_min);
    if (a.tm_hour != b.tm_hour || a.tm_min != b.tm_min)
        buf_printf(d->out, "-%02d:%02d", b.tm_hour, b.tm_min);
}

static void put_folded(struct draft *d)
{
    size_t      items[ITEMS_MAX], n = list_items(d->in, items), told = 0;
    const char *head = common_head(d->in);
    put_head(d, head, NULL);
    buf_printf(d->out, "%zu %s", d->in->count, word(d, "messages"));
    if (d->date != DATE_NONE)
        put_range(d);
    buf_puts(d->out, ": ");
    n = n < d->item_max ? n : d->item_max;
    for (size_t k = 0; k < n; k++)
        told += put_item(d, items, n, k, head);
    if (told < d->in->count)
        buf_printf(d->out, "%s+%zu", told > 0 ? "; " : "", d->in->count - told);
}

/* --- fitting ------------------------------------------------------------------------------------------------ */

static bool fits(const struct text_style *style, enum severity severity, const char *text)
{
    if (!style->is_sms)
        return strlen(text) <= style->text_max;
    return gsm_parts(text) <= (severity == SEVERITY_ALARM ? style->alarm_parts : style->parts);
}

/* One step tighter; false: nothing is left to cut. */
static bool squeeze(struct draft *d)
{
    if (d->site_max > 0) {
        d->site_max = d->site_max > 3 ? d->site_max - 1 : 0;
    } else if (d->date < DATE_TIME) {
        d->date = DATE_TIME;
    } else if (d->name_max > NAME_MIN) {
        size_t step = d->in->count > 1 ? d->name_max / 4 : 1; /* many names: in larger steps */
        d->name_max = d->name_max - step > NAME_MIN ? d->name_max - step : NAME_MIN;
    } else if (d->in->count > 1 && d->name_max > 0) {
        d->name_max = 0;
    } else if (d->in->count > 1 && d->item_max > 1) {
        d->item_max = (d->item_max < d->in->count ? d->item_max : d->in->count) - 1;
    } else if (d->date < DATE_NONE) {
        d->date = DATE_NONE;
    } else {
        return false;
    }
    return true;
}

static size_t longest_name(const struct text_input *in)
{
    size_t longest = NAME_MIN;
    for (size_t i = 0; i < in->count; i++) {
        const struct event *ev = &in->events[i];
        const char *const   names[] = { ev->zone_name, ev->user, ev->device_name, ev->text };
        for (size_t k = 0; k < COUNT(names); k++) {
            size_t n = has(names[k]) ? utf8_count(names[k], strlen(names[k])) : 0;
            longest = n > longest ? n : longest;
        }
    }
    return longest < NAME_MAX ? longest : NAME_MAX;
}

static void put_marks(struct draft *d, int number)
{
    if (d->in->is_late)
        buf_printf(d->out, " %s", word(d, "late"));
    if (d->in->is_twice)
        buf_printf(d->out, " %s", word(d, "twice"));
    if (number > 1)
        buf_printf(d->out, " #%d", number);
}

/* The mail's own words, as LupuServ sends them; a drill says TEST. */
static bool put_original_only(struct draft *d)
{
    if (!d->style->is_original || !has(d->in->events[0].text) || is_drill(&d->in->origins[0]))
        return false;
    for (size_t i = 0; i < d->in->count; i++)
        if (has(d->in->events[i].text))
            buf_printf(d->out, "%s%s", i > 0 ? "\n" : "", d->in->events[i].text);
    return true;
}

static void put_line(struct draft *d, int number)
{
    if (!put_original_only(d))
        (d->in->count > 1 ? put_folded : put_single)(d);
    put_marks(d, number);
}

/* What is still too long, though nothing is left to cut by rule, ends where the room ends. */
static void cut_end(const struct text_style *style, enum severity severity, struct buf *text)
{
    while (text->len > 0 && !fits(style, severity, buf_str(text))) {
        size_t shorter = utf8_cut(text->data, text->len, text->len - 1);
        text->len = shorter > 0 ? shorter : 0;
        text->data[text->len] = '\0';
    }
}

static void render(struct draft *d, int number, struct buf *line)
{
    CLEANUP(buf_done) struct buf raw;
    buf_init(&raw, LINE_MAX);
    d->out = &raw;
    put_line(d, number);
    buf_clear(line);
    if (d->style->is_sms)
        (void)gsm_transliterate(buf_str(&raw), line);
    else
        buf_puts(line, buf_str(&raw));
}

/* The line that fits; the draft then says what had to go. */
static void fit(struct draft *d, int number, struct buf *line)
{
    enum severity severity = worst(d->in);
    size_t        site = has(d->style->site) ? utf8_count(d->style->site, strlen(d->style->site)) : 0;
    d->site_max = site < SITE_MAX ? site : SITE_MAX;
    d->name_max = longest_name(d->in);
    d->date = DATE_FULL;
    d->item_max = ITEMS_MAX;
    do
        render(d, number, line);
    while (!fits(d->style, severity, buf_str(line)) && squeeze(d));
    cut_end(d->style, severity, line);
}

/* --- what follows the line ---------------------------------------------------------------------------------- */

static bool is_told_before(const struct text_input *in, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (is_same(in->events[j].text, in->events[i].text))
            return true;
    return false;
}

/* The device's own words, each once, as far as they fit. */
static void put_originals(const struct text_style *style, const struct text_input *in, struct buf *text)
{
    CLEANUP(buf_done) struct buf all;
    buf_init(&all, LINE_MAX);
    for (size_t i = 0; i < in->count; i++) {
        const char *own = in->events[i].text;
        if (has(own) && !is_told_before(in, i) && !strstr(buf_str(text), own))
            buf_printf(&all, "\n%s%s", all.len == 0 ? "\n" : "", own);
    }
    size_t room = style->text_max > text->len ? style->text_max - text->len : 0;
    if (all.len <= room) {
        buf_puts(text, buf_str(&all));
    } else if (room > 8) {
        buf_put(text, buf_str(&all), utf8_cut(buf_str(&all), all.len, room - 3));
        buf_puts(text, "…");
    }
}

/* --- public ------------------------------------------------------------------------------------------------- */

static int number_or(const char *text, int fallback)
{
    long n = text ? strtol(text, NULL, 10) : 0;
    return n >= 1 && n <= 8 ? (int)n : fallback;
}

void text_style_init(struct text_style *style, const struct account *a, const char *language, const char *site)
{
    const struct word *words = words_of(language);
    const char        *max_parts = a->provider->is_sms ? account_field(a, "MaxParts") : NULL;
    *style = (struct text_style){
        .words = words ? words : words_of("en"),
        .site = site,
        .is_sms = a->provider->is_sms,
        .parts = number_or(max_parts, 1),
        .alarm_parts = number_or(max_parts, 2),
        .text_max = a->provider->text_max,
        .shows_original = a->provider->shows_original,
        .is_original = a->is_original,
    };
}

/* " #3" at the end of the last text says 3. */
static int number_of(const char *last)
{
    const char *mark = last ? strrchr(last, '#') : NULL;
    return mark && mark > last && mark[-1] == ' ' ? number_or(mark + 1, 1) : 1;
}

void text_compose(const struct text_style *style, const struct text_input *in, struct buf *title, struct buf *text)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX);
    struct draft d = { .style = style, .in = in };
    int          number = number_of(in->last);
    fit(&d, number, &line); /* equal texts in a row count up */
    bool is_repeated = in->last && strncmp(buf_str(&line), in->last, line.len) == 0 &&
                       (in->last[line.len] == '\0' || (style->shows_original && in->last[line.len] == '\n'));
    if (is_repeated || number > 1)
        fit(&d, is_repeated ? number + 1 : 1, &line);
    buf_puts(text, buf_str(&line));
    if (style->shows_original && !style->is_original && !is_drill(&in->origins[0]))
        put_originals(style, in, text);
    const char *head = common_head(in);
    buf_printf(title, "%s%s%s", head ? word(&d, head) : "", head && has(style->site) ? " " : "", style->site ? style->site : "");
}

/* Whether the first `count` fit with every item named, all else as tight as can be. */
static bool can_name_all(const struct text_style *style, const struct event *events, const struct event_origin *origins, size_t count)
{
    struct text_input in = { .events = events, .origins = origins, .count = count, .is_late = true, .is_twice = true };
    struct draft      d = { .style = style, .in = &in, .date = DATE_TIME, .item_max = ITEMS_MAX };
    size_t            items[ITEMS_MAX];
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX);
    render(&d, 1, &line);
    return list_items(&in, items) < ITEMS_MAX && fits(style, worst(&in), buf_str(&line));
}

size_t text_fold_max(const struct text_style *style, const struct event *events, const struct event_origin *origins, size_t count)
{
    size_t good = 1, bad = count + 1; /* one always fits */
    while (bad > good + 1) {
        size_t middle = good + (bad - good) / 2;
        if (can_name_all(style, events, origins, middle))
            good = middle;
        else
            bad = middle;
    }
    return good;
}

void text_mark_twice(const struct text_style *style, const char *sent, enum severity severity, struct buf *text)
{
    const char *mark = words_find(style->overrides, style->words, "twice");
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX);
    for (size_t n = strlen(sent); n > 0; n = utf8_cut(sent, strlen(sent), n - 1)) {
        buf_clear(&line);
        buf_put(&line, sent, n);
        buf_printf(&line, " %s", mark);
        if (fits(style, severity, buf_str(&line)))
            break;
    }
    buf_puts(text, buf_str(&line));
}

/* --- telling about telling ---------------------------------------------------------------------------------- */

/* What the services' own words mean; the first row that occurs in the detail. */
static const struct {
    const char *part, *reason;
} reasons[] = {
    { "INSUFFICIENT_CREDIT", "reason.credit" }, { "balance insufficient", "reason.credit" }, { "HTTP 402", "reason.credit" },
    { "INVALID_CREDENTIALS", "reason.key" },    { "MISSING_CREDENTIALS", "reason.key" },     { "UNAUTHORIZED", "reason.key" },
    { "Unauthorized", "reason.key" },           { "api key incorrect", "reason.key" },       { "authentication", "reason.key" },
    { "HTTP 401", "reason.key" },               { "INVALID_SENDER_ID", "reason.sender" },    { "sender (From)", "reason.sender" },
    { "ACCOUNT_NOT_ACTIVATED", "reason.blocked" }, { "Forbidden", "reason.blocked" },        { "FORBIDDEN", "reason.blocked" },
    { "HTTP 403", "reason.blocked" },           { "blacklisted", "reason.blocked" },         { "INVALID_RECIPIENT", "reason.address" },
    { "number incorrect", "reason.address" },   { "recipient incorrect", "reason.address" }, { "chat not found", "reason.address" },
};

static const char *reason_of(const struct text_style *style, const char *detail)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strstr(detail, reasons[i].part))
            return words_find(style->overrides, style->words, reasons[i].reason);
    return detail;
}

void text_refusal(const struct text_style *style, const struct provider *p, enum fault fault, const char *detail, size_t waiting,
                  bool restored, struct buf *out)
{
    const char *verb = restored               ? (p->is_sms ? "again.sms" : "again")
                       : fault == FAULT_MESSAGE ? "refuses.one"
                       : p->is_sms            ? "refuses.sms"
                                              : "refuses";
    buf_printf(out, "%s %s", p->title, words_find(style->overrides, style->words, verb));
    if (restored)
        return;
    if (has(detail))
        buf_printf(out, " (%s)", reason_of(style, detail));
    if (waiting > 0)
        buf_printf(out, ", %zu %s", waiting,
                   words_find(style->overrides, style->words, waiting == 1 ? "undelivered.one" : "undelivered"));
}
