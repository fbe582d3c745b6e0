/* text: composing is done again and again, each time a little tighter, until it fits: first the site's name is cut, then the
 * date, then the middle of names; never the kind and the number of a zone. */
#include "service/text.h"
#include "core/utf8.h"
#include "service/draft.h"
#include "service/gsm.h"
#include <stdlib.h>
#include <string.h>

enum { SITE_MAX = 64, NAME_MAX = 200 };

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
            size_t n = draft_has(names[k]) ? utf8_count(names[k], strlen(names[k])) : 0;
            longest = n > longest ? n : longest;
        }
    }
    return longest < NAME_MAX ? longest : NAME_MAX;
}

static void put_marks(struct draft *d, int number)
{
    if (d->in->is_late)
        buf_printf(d->out, " %s", draft_word(d, "late"));
    if (d->in->is_twice)
        buf_printf(d->out, " %s", draft_word(d, "twice"));
    if (number > 1)
        buf_printf(d->out, " #%d", number);
}

/* The mail's own words, as LupuServ sends them; a drill says TEST. */
static bool put_original_only(struct draft *d)
{
    if (!d->style->is_original || !draft_has(d->in->events[0].text) || draft_is_drill(&d->in->origins[0]))
        return false;
    for (size_t i = 0; i < d->in->count; i++)
        if (draft_has(d->in->events[i].text))
            buf_printf(d->out, "%s%s", i > 0 ? "\n" : "", d->in->events[i].text);
    return true;
}

static void put_line(struct draft *d, int number)
{
    if (!put_original_only(d))
        (d->in->count > 1 ? draft_folded : draft_single)(d);
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
    enum severity severity = draft_severity(d->in);
    size_t        site = draft_has(d->style->site) ? utf8_count(d->style->site, strlen(d->style->site)) : 0;
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
        if (in->events[j].text && strcmp(in->events[j].text, in->events[i].text) == 0)
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
        if (draft_has(own) && !is_told_before(in, i) && !strstr(buf_str(text), own))
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
    if (style->shows_original && !style->is_original && !draft_is_drill(&in->origins[0]))
        put_originals(style, in, text);
    const char *head = draft_common_head(in);
    buf_printf(title, "%s%s%s", head ? draft_word(&d, head) : "", head && draft_has(style->site) ? " " : "", style->site ? style->site : "");
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
    return draft_items(&in, items) < ITEMS_MAX && fits(style, draft_severity(&in), buf_str(&line));
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
