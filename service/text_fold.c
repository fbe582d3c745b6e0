/* text_fold: the line of several events: how many, from when to when, and each thing that happened once. */
#include "core/clock.h"
#include "service/draft.h"
#include <string.h>
#include <time.h>

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
           is_same(a->zone_name, b->zone_name) && is_same(a->user, b->user) && (!draft_is_camera(a) || is_same(a->device_name, b->device_name)) &&
           is_same(draft_channel(a), draft_channel(b)) &&
           (!draft_speaks_for_itself(a) || is_same(a->text, b->text));
}

size_t draft_items(const struct text_input *in, size_t items[ITEMS_MAX])
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
        buf_printf(d->out, "%s ", draft_word(d, "ended"));
    if (draft_is_drill(&d->in->origins[at]))
        buf_puts(d->out, draft_word(d, "head.test"));
    else if (strcmp(ev->kind, "unknown") == 0 && draft_has(ev->text) && d->style->detail == TEXT_FULL)
        draft_start(d->out, ev->text, d->name_max < NAME_MIN ? NAME_MIN : d->name_max);
    else if (kind_matches("system.*", ev->kind) && draft_has(ev->text))
        draft_start(d->out, ev->text, d->name_max < NAME_MIN ? NAME_MIN : d->name_max);
    else
        draft_kind(d, ev);
}

static const char *name_of(const struct draft *d, const struct event *ev)
{
    if (d->style->detail == TEXT_SHORT)
        return NULL;
    if (draft_has(ev->zone_name))
        return ev->zone_name;
    if (draft_is_camera(ev) || strcmp(ev->kind, "unreadable") == 0)
        return ev->device_name;
    return d->style->detail == TEXT_FULL ? ev->user : NULL;
}

static void put_place(struct draft *d, const struct event *ev)
{
    if (ev->zone_number != ZONE_NONE)
        buf_printf(d->out, " %s%d", draft_word(d, "zone.short"), ev->zone_number);
    const char *name = name_of(d, ev);
    if (!draft_has(name) || (d->name_max == 0 && ev->zone_number != ZONE_NONE))
        return;
    buf_putc(d->out, ' ');
    if (d->name_max == 0)
        draft_start(d->out, name, NAME_MIN);
    else
        draft_name(d, name);
    draft_channel_of(d, ev, " ");
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
    int64_t first = draft_time(&d->in->events[0], &d->in->origins[0]), last = first;
    for (size_t i = 1; i < d->in->count; i++) {
        int64_t t = draft_time(&d->in->events[i], &d->in->origins[i]);
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

void draft_folded(struct draft *d)
{
    size_t      items[ITEMS_MAX], n = draft_items(d->in, items), told = 0;
    const char *head = draft_common_head(d->in);
    draft_head(d, head, NULL);
    buf_printf(d->out, "%zu %s", d->in->count, draft_word(d, "messages"));
    if (d->date != DATE_NONE)
        put_range(d);
    buf_puts(d->out, ": ");
    n = n < d->item_max ? n : d->item_max;
    for (size_t k = 0; k < n; k++)
        told += put_item(d, items, n, k, head);
    if (told < d->in->count)
        buf_printf(d->out, "%s+%zu", told > 0 ? "; " : "", d->in->count - told);
}
