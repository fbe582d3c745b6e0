/* text_line: the line of one event: head, body, time. */
#include "core/clock.h"
#include "service/draft.h"
#include <string.h>
#include <time.h>

enum { START_MAX = 100, NUMBER_CHARS = 6 };

static void put_time(struct draft *d, int64_t wall_ms)
{
    struct tm local;
    char      day[32] = "";
    if (d->date == DATE_NONE)
        return;
    clock_local(wall_ms, &local);
    buf_puts(d->out, ", ");
    if (d->date == DATE_FULL && strftime(day, sizeof day, draft_word(d, "day"), &local) > 0)
        buf_printf(d->out, "%s ", day);
    buf_printf(d->out, "%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec);
}

static void put_zone(struct draft *d, const struct event *ev)
{
    bool is_named = draft_has(ev->zone_name) && d->style->detail != TEXT_SHORT;
    if (ev->zone_number != ZONE_NONE)
        buf_printf(d->out, ", %s %d%s", draft_word(d, "zone"), ev->zone_number, is_named ? " " : "");
    else if (is_named)
        buf_puts(d->out, ", ");
    if (is_named)
        draft_name(d, ev->zone_name);
}

static void put_count(struct draft *d, size_t n, const char *one, const char *many)
{
    if (n > 0)
        buf_printf(d->out, ", %zu %s", n, draft_word(d, n == 1 ? one : many));
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
    draft_kind(d, ev);
    if (draft_has(ev->user) && d->style->detail == TEXT_FULL) {
        buf_printf(d->out, " %s ", draft_word(d, "by"));
        draft_name(d, ev->user);
    }
    if (draft_is_camera(ev) && draft_has(ev->device_name) && d->style->detail != TEXT_SHORT) {
        buf_puts(d->out, ", ");
        draft_name(d, ev->device_name);
    }
    draft_channel_of(d, ev, ", ");
    put_zone(d, ev);
    put_pictures(d, ev);
}

static void put_drill(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)ev;
    (void)o;
    buf_puts(d->out, draft_word(d, "test"));
}

static void put_unknown(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)o;
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX);
    if (draft_has(ev->text) && d->style->detail == TEXT_FULL)
        draft_one_line(&line, ev->text);
    if (line.len == 0)
        buf_puts(d->out, draft_word(d, draft_has(ev->text) ? "unknown" : "text.empty"));
    else
        draft_start(d->out, buf_str(&line), d->name_max < START_MAX && d->name_max >= NAME_MIN ? d->name_max : START_MAX);
    put_pictures(d, ev);
}

static void put_unreadable(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)o;
    buf_printf(d->out, "%s ", draft_word(d, "from"));
    draft_name(d, draft_has(ev->device_name) && d->style->detail != TEXT_SHORT ? ev->device_name : "?");
    if (draft_has(ev->text)) {
        buf_puts(d->out, ", ");
        draft_start(d->out, ev->text, START_MAX);
    }
}

static void put_number(struct draft *d, const struct event_origin *o)
{
    size_t n = draft_has(o->arrival) ? strlen(o->arrival) : 0;
    if (n >= NUMBER_CHARS)
        buf_printf(d->out, ", %s %s", draft_word(d, "number"), o->arrival + n - NUMBER_CHARS);
}

static void put_system(struct draft *d, const struct event *ev, const struct event_origin *o)
{
    (void)o;
    if (draft_has(ev->text)) {
        draft_start(d->out, ev->text, d->name_max < NAME_MIN ? NAME_MIN : d->name_max);
        return;
    }
    buf_puts(d->out, draft_word(d, ev->kind));
    if (ev->restored)
        buf_printf(d->out, " (%s)", draft_word(d, "ended"));
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
    (draft_is_drill(o) ? put_drill : bodies[i].put)(d, ev, o);
}

void draft_single(struct draft *d)
{
    const struct event        *ev = &d->in->events[0];
    const struct event_origin *o = &d->in->origins[0];
    bool                       is_unknown = strcmp(ev->kind, "unknown") == 0 && !draft_is_drill(o);
    draft_head(d, draft_head_of(ev, o), is_unknown ? draft_word(d, "text.unknown") : NULL);
    put_body(d, ev, o);
    put_time(d, draft_time(ev, o));
    if (strcmp(ev->kind, "unreadable") == 0 && !draft_is_drill(o))
        put_number(d, o);
}
