/* rules: where a rule looks, what its groups fill, and the order of asking. */
#include "core/fold.h"
#include "core/utf8.h"
#include "parsers/rules_inside.h"
#include "parsers/summary.h"
#include <string.h>

enum { VALUE_MAX = 1024, WORD_MAX = 200, ZONE_DIGITS = 9 };

const char *const rule_places[PLACES] = {
    [PLACE_SUBJECT] = "subject", [PLACE_BODY] = "body", [PLACE_SENDER] = "sender",
    [PLACE_RECIPIENT] = "recipient", [PLACE_ATTACHMENT] = "attachment",
};

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* By the rule's own words, else a kind as we write it; else the rule's kind stays. */
static int fill_kind(struct filling *f, const char *text)
{
    char folded[WORD_MAX];
    bool restored;
    (void)fold_tight(folded, sizeof folded, text, strlen(text));
    for (size_t i = 0; i < f->rule->word_count; i++)
        if (strcmp(folded, f->rule->words[i].folded) == 0) {
            f->event->kind = f->rule->words[i].kind;
            f->event->restored = f->rule->words[i].restored;
            return 0;
        }
    const char *kind = kind_read(text, &restored);
    if (kind) {
        f->event->kind = kind;
        f->event->restored = restored;
    }
    return 0;
}

static int fill_text(const char **place, const char *text, struct arena *a)
{
    *place = arena_str(a, text);
    return *place ? 0 : -1;
}

static int fill_zone_name(struct filling *f, const char *text)
{
    return fill_text(&f->event->zone_name, text, f->arena);
}

static int fill_zone(struct filling *f, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > ZONE_DIGITS || text[digits])
        return f->event->zone_name ? 0 : fill_zone_name(f, text);
    f->event->zone_number = 0;
    for (const char *p = text; *p; p++)
        f->event->zone_number = f->event->zone_number * 10 + (*p - '0');
    return 0;
}

static int fill_device(struct filling *f, const char *text)
{
    return fill_text(&f->event->device_name, text, f->arena);
}

static int fill_user(struct filling *f, const char *text)
{
    return fill_text(&f->event->user, text, f->arena);
}

static int fill_words(struct filling *f, const char *text)
{
    return fill_text(&f->event->text, text, f->arena);
}

/* What is no time is not told: the mail's Date stands in. */
static int fill_time(struct filling *f, const char *text)
{
    struct when w;
    return when_find(text, f->rule->order, &w) ? when_tell(f->event, f->mail, &w, f->arena) : 0;
}

const struct rule_group rule_groups[] = {
    { "kind", fill_kind },     { "zone", fill_zone }, { "zone_name", fill_zone_name }, { "device", fill_device },
    { "user", fill_user },     { "text", fill_words }, { "time", fill_time },          { NULL, NULL },
};

const struct rule_group *rule_group_find(const char *name)
{
    for (const struct rule_group *g = rule_groups; g->name; g++)
        if (strcmp(g->name, name) == 0)
            return g;
    return NULL;
}

/* --- places ------------------------------------------------------------------------------------------------------- */

/* The i-th text there; NULL: no more. */
static const char *text_at(const struct mail *m, enum place place, size_t i)
{
    switch (place) {
    case PLACE_SUBJECT: return i == 0 ? m->subject : NULL;
    case PLACE_BODY: return i == 0 ? m->text : NULL;
    case PLACE_SENDER: return i == 0 ? m->header_from : i == 1 ? m->envelope->from : NULL;
    case PLACE_RECIPIENT: return i < m->envelope->to_count ? m->envelope->to[i] : NULL;
    case PLACE_ATTACHMENT: return i < m->media_count ? m->media[i].name : NULL;
    default: return NULL;
    }
}

enum pattern_result rule_match(const struct rule *r, const struct mail *m, struct pattern_budget *budget, struct rule_match *out)
{
    for (size_t w = 0; w < r->where_count; w++) {
        out->place = r->where[w];
        for (size_t i = 0; (out->subject = text_at(m, out->place, i)); i++) {
            enum pattern_result result = pattern_match(r->pattern, out->subject, strlen(out->subject), budget, &out->hit);
            if (result != PATTERN_MISSES)
                return result;
        }
    }
    return PATTERN_MISSES;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

/* Without blanks at its ends; "": nothing was said. */
static const char *value_of(const struct rule_match *match, size_t i, struct arena *a)
{
    const char *from = match->subject + match->hit.groups[i].from, *to = match->subject + match->hit.groups[i].to;
    while (from < to && strchr(" \t\r\n", *from))
        from++;
    while (to > from && strchr(" \t\r\n", to[-1]))
        to--;
    size_t n = (size_t)(to - from);
    return arena_copy(a, from, utf8_cut(from, n, VALUE_MAX));
}

static int fill_groups(struct filling *f, const struct rule_match *match)
{
    for (size_t i = 0; i < match->hit.count; i++) {
        const struct rule_group *group = rule_group_find(match->hit.groups[i].name);
        const char              *value = value_of(match, i, f->arena);
        if (!value || (group && value[0] && group->fill(f, value) < 0))
            return -1;
    }
    return 0;
}

/* A text that a rule cannot name came to the alarm's address: it is an alarm, as with every parser. */
static enum severity severity_of(const struct rule *r, const struct event *ev, const struct mail *m)
{
    if (r->has_severity)
        return r->severity;
    bool is_for_alarm = strcmp(ev->kind, "unknown") == 0 && envelope_is_for(m->envelope, m->site->alarm_user);
    return is_for_alarm ? SEVERITY_ALARM : kind_severity(ev->kind, ev->restored);
}

int rule_fill(const struct rule *r, const struct mail *m, const struct rule_match *match, struct events *out, struct err *e)
{
    struct filling f = { .rule = r, .mail = m, .event = events_add(out, r->kind ? r->kind : "unknown"), .arena = out->arena };
    if (!f.event)
        return err_set(e, ERR_NOMEM, "no room for the event");
    f.event->restored = r->restored;
    if (fill_groups(&f, match) < 0)
        return err_set(e, ERR_NOMEM, "no room for the event");
    if (!f.event->text)
        f.event->text = mail_summary(m, out->arena);
    f.event->severity = severity_of(r, f.event, m);
    return f.event->text ? 0 : err_set(e, ERR_NOMEM, "no room for the event");
}

static struct pattern_budget budget_of_mail(void)
{
    return (struct pattern_budget){ .left_ns = (int64_t)RULES_MAIL_MS * 1000000 };
}

int rules_apply(const struct rules *rules, const struct mail *m, struct events *out, struct err *e)
{
    struct pattern_budget budget = budget_of_mail();
    out->rule_trouble = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule  *r = &rules->items[i];
        struct rule_match   match;
        enum pattern_result result = rule_match(r, m, &budget, &match);
        if (result == PATTERN_GIVES_UP && !out->rule_trouble)
            out->rule_trouble = arena_str(out->arena, r->name);
        if (result == PATTERN_GIVES_UP && budget.left_ns <= 0)
            return 0;
        if (result != PATTERN_HITS)
            continue;
        out->parser = arena_printf(out->arena, "rule:%s", r->name);
        return out->parser && rule_fill(r, m, &match, out, e) == 0 ? 1 : err_set(e, ERR_NOMEM, "no room for the event");
    }
    return 0;
}

/* --- explaining --------------------------------------------------------------------------------------------------- */

static void write_groups(const struct rule_match *match, struct json_out *w)
{
    json_s(w, "where", rule_places[match->place]);
    json_object(w, "groups");
    for (size_t i = 0; i < match->hit.count; i++)
        json_sn(w, match->hit.groups[i].name, match->subject + match->hit.groups[i].from,
                match->hit.groups[i].to - match->hit.groups[i].from);
    json_end(w);
}

int rules_explain(const struct rules *rules, const char *name, const struct mail *m, struct arena *a, struct json_out *w, struct err *e)
{
    static const char *const results[] = {
        [PATTERN_HITS] = "fits", [PATTERN_MISSES] = "does not fit", [PATTERN_GIVES_UP] = "gives up",
    };
    const struct rule *r = NULL;
    for (size_t i = 0; i < rules->count && !r; i++)
        r = strcmp(rules->items[i].name, name) == 0 ? &rules->items[i] : NULL;
    if (!r)
        return err_set(e, ERR_NOT_FOUND, "no rule %s that can be used; `postern check` says more", name);
    struct rule_match     match;
    struct events         events = { .arena = a };
    struct pattern_budget budget = budget_of_mail();
    enum pattern_result   result = rule_match(r, m, &budget, &match);
    if (result == PATTERN_HITS && rule_fill(r, m, &match, &events, e) < 0)
        return -1;
    json_object(w, NULL);
    json_s(w, "rule", r->name);
    json_s(w, "result", results[result]);
    if (result == PATTERN_HITS) {
        write_groups(&match, w);
        event_write(w, "event", &events.items[0], NULL);
    }
    json_end(w);
    return 0;
}
