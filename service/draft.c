/* draft: the pieces. */
#include "service/draft.h"
#include "core/utf8.h"
#include <string.h>

const char *draft_word(const struct draft *d, const char *key)
{
    return words_find(d->style->overrides, d->style->words, key);
}

bool draft_has(const char *s)
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

void draft_start(struct buf *out, const char *s, size_t max)
{
    size_t length = utf8_count(s, strlen(s));
    if (length <= max) {
        buf_puts(out, s);
    } else if (max > 2) {
        buf_put(out, s, bytes_of(s, max - 2));
        buf_puts(out, "..");
    }
}

void draft_name(struct draft *d, const char *name)
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

void draft_one_line(struct buf *out, const char *text)
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

bool draft_speaks_for_itself(const struct event *ev)
{
    return strcmp(ev->kind, "unknown") == 0 || strcmp(ev->kind, "camera.other") == 0;
}

void draft_kind(struct draft *d, const struct event *ev)
{
    enum { OWN_MAX = 40 };
    buf_puts(d->out, draft_word(d, ev->kind));
    if (!draft_speaks_for_itself(ev) || !draft_has(ev->text) || d->style->detail != TEXT_FULL || d->name_max < NAME_MIN)
        return;
    CLEANUP(buf_done) struct buf own;
    buf_init(&own, LINE_MAX);
    draft_one_line(&own, ev->text);
    buf_puts(d->out, " (");
    draft_start(d->out, buf_str(&own), d->name_max < OWN_MAX ? d->name_max : OWN_MAX);
    buf_putc(d->out, ')');
}

/* The device's clock where it can be right, else ours: panels without a battery live in 1970. */
int64_t draft_time(const struct event *ev, const struct event_origin *o)
{
    const int64_t day = 24 * 3600 * 1000, minute = 60 * 1000;
    bool is_likely = ev->happened_ms > o->received_ms - day && ev->happened_ms < o->received_ms + minute;
    return ev->happened_ms != 0 && is_likely ? ev->happened_ms : o->received_ms;
}

bool draft_is_drill(const struct event_origin *o)
{
    return o->parser && strcmp(o->parser, "drill") == 0;
}

bool draft_is_camera(const struct event *ev)
{
    return kind_matches("camera.*", ev->kind);
}

const char *draft_channel(const struct event *ev)
{
    return draft_is_camera(ev) && draft_has(ev->channel) && !draft_has(ev->zone_name) ? ev->channel : NULL;
}

void draft_channel_of(struct draft *d, const struct event *ev, const char *before)
{
    enum { CHANNEL_MAX = 20 };
    const char *channel = draft_channel(ev);
    if (!channel || d->style->detail == TEXT_SHORT)
        return;
    buf_printf(d->out, "%s%s ", before, draft_word(d, "channel"));
    draft_start(d->out, channel, CHANNEL_MAX);
}

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

/* Graver than its kind: a text that nobody knows, a disarming with the duress code. */
static bool is_alarm_all_the_same(const struct event *ev)
{
    return ev->severity == SEVERITY_ALARM && (strcmp(ev->kind, "unknown") == 0 || kind_matches("mode.*", ev->kind));
}

const char *draft_head_of(const struct event *ev, const struct event_origin *o)
{
    if (draft_is_drill(o))
        return "head.test";
    if (is_alarm_all_the_same(ev))
        return "head.alarm";
    size_t i = 0;
    while (!kind_matches(heads[i].pattern, ev->kind))
        i++;
    return ev->restored ? heads[i].ended : heads[i].head;
}

enum severity draft_severity(const struct text_input *in)
{
    enum severity s = SEVERITY_INFO;
    for (size_t i = 0; i < in->count; i++)
        if (in->events[i].severity > s)
            s = in->events[i].severity;
    return s;
}

const char *draft_common_head(const struct text_input *in)
{
    const char *head = draft_head_of(&in->events[0], &in->origins[0]);
    bool        is_shared = true;
    for (size_t i = 1; i < in->count && is_shared; i++) {
        const char *other = draft_head_of(&in->events[i], &in->origins[i]);
        is_shared = other == head || (other && head && strcmp(other, head) == 0);
    }
    if (is_shared)
        return head;
    enum severity s = draft_severity(in);
    return s == SEVERITY_ALARM ? "head.alarm" : s == SEVERITY_WARNING ? "head.message" : NULL;
}

void draft_head(struct draft *d, const char *head, const char *note)
{
    size_t before = d->out->len;
    if (head)
        buf_puts(d->out, draft_word(d, head));
    if (d->site_max > 0 && draft_has(d->style->site)) {
        buf_puts(d->out, d->out->len > before ? " " : "");
        draft_start(d->out, d->style->site, d->site_max);
    }
    if (note)
        buf_printf(d->out, "%s%s", d->out->len > before ? " " : "", note);
    if (d->out->len > before)
        buf_puts(d->out, ": ");
}
