/* event: building, and the JSON that everybody sees. */
#include "core/event.h"
#include "core/clock.h"
#include "core/utf8.h"
#include <limits.h>
#include <string.h>

static const char *const encoding_names[] = { "none", "base64", "quoted-printable", "uuencode" };

struct event *events_add(struct events *list, const char *kind)
{
    if (list->count == EVENTS_MAX)
        return NULL;
    if (list->count == list->cap) {
        size_t        cap = list->cap ? list->cap * 2 : 4;
        struct event *grown = arena_alloc(list->arena, cap * sizeof *grown);
        if (!grown)
            return NULL;
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    struct event *ev = &list->items[list->count++];
    *ev = (struct event){
        .kind = kind,
        .severity = kind_severity(kind, false),
        .device_id = "",
        .device_name = "",
        .zone_number = ZONE_NONE,
        .drift_ms = DRIFT_UNKNOWN,
    };
    return ev;
}

static void write_zone(struct json_out *w, const struct event *ev)
{
    if (ev->zone_number == ZONE_NONE && !(ev->zone_name && ev->zone_name[0]))
        return;
    json_object(w, "zone");
    if (ev->zone_number != ZONE_NONE)
        json_i(w, "number", ev->zone_number);
    json_s_opt(w, "name", ev->zone_name);
    json_end(w);
}

static void write_media(struct json_out *w, const struct event *ev, bool is_full)
{
    if (ev->media_count == 0)
        return;
    json_array(w, "media");
    for (size_t i = 0; i < ev->media_count; i++) {
        const struct media *m = &ev->media[i];
        json_object(w, NULL);
        json_i(w, "n", m->n);
        json_s(w, "type", m->type);
        json_s_opt(w, "name", m->name);
        json_i(w, "bytes", m->bytes);
        if (m->is_forgotten)
            json_b(w, "forgotten", true);
        if (is_full) {
            json_i(w, "offset", m->offset);
            json_i(w, "length", m->length);
            json_s(w, "encoding", encoding_names[m->encoding]);
        }
        json_end(w);
    }
    json_end(w);
}

static const char *const clock_names[] = { [EVENT_CLOCK_UNSET] = "unset", [EVENT_CLOCK_CORRECTED] = "corrected" };

enum event_clock event_clock_parse(const char *name)
{
    for (size_t i = EVENT_CLOCK_UNSET; i < COUNT(clock_names); i++)
        if (strcmp(clock_names[i], name) == 0)
            return (enum event_clock)i;
    return EVENT_CLOCK_GOOD;
}

static void write_marks(struct json_out *w, const struct event_marks *m)
{
    if (m->clock != EVENT_CLOCK_GOOD)
        json_s(w, "clock", clock_names[m->clock]);
    if (m->acked_ms) {
        json_time(w, "acknowledged_at", m->acked_ms);
        json_s_opt(w, "acknowledged_by", m->acked_by);
    }
    if (m->is_kept) {
        json_b(w, "kept", true);
        json_s_opt(w, "kept_by", m->kept_by);
    }
    if (m->has_person)
        json_b(w, "person", true);
    json_s_opt(w, "note", m->note);
}

static void write_event(struct json_out *w, const char *key, const struct event *ev, const struct event_origin *o, bool is_full)
{
    json_object(w, key);
    json_s_opt(w, "id", ev->id);
    if (o) {
        json_s_opt(w, "site", o->site);
        json_s_opt(w, "arrival", o->arrival);
        json_s_opt(w, "parser", o->parser);
    }
    json_s(w, "kind", ev->kind);
    json_s(w, "severity", severity_name(ev->severity));
    json_b(w, "restored", ev->restored);
    if (ev->device_id && ev->device_id[0]) {
        json_object(w, "device");
        json_s(w, "id", ev->device_id);
        json_s(w, "name", ev->device_name && ev->device_name[0] ? ev->device_name : ev->device_id);
        json_end(w);
    }
    write_zone(w, ev);
    json_s_opt(w, "user", ev->user);
    json_s_opt(w, "text", ev->text);
    if (ev->code)
        json_i(w, "code", ev->code);
    if (ev->happened_ms)
        json_time(w, "happened_at", ev->happened_ms);
    json_s_opt(w, "device_time", ev->device_time);
    if (ev->device_time && ev->drift_ms != DRIFT_UNKNOWN)
        json_i(w, "drift_s", ev->drift_ms / 1000);
    json_s_opt(w, "target", ev->target);
    json_s_opt(w, "channel", ev->channel);
    json_s_opt(w, "same_as", ev->same_as);
    if (o)
        json_time(w, "received_at", o->received_ms);
    if (o && o->marks)
        write_marks(w, o->marks);
    write_media(w, ev, is_full);
    json_end(w);
}

void event_write(struct json_out *w, const char *key, const struct event *ev, const struct event_origin *origin)
{
    write_event(w, key, ev, origin, false);
}

void event_write_full(struct json_out *w, const char *key, const struct event *ev)
{
    write_event(w, key, ev, NULL, true);
}

static enum encoding encoding_parse(const char *name)
{
    for (size_t i = 0; i < COUNT(encoding_names); i++)
        if (strcmp(name, encoding_names[i]) == 0)
            return (enum encoding)i;
    return ENCODING_NONE;
}

/* Reading is done with suspicion: the helper that wrote it had a stranger's bytes in its hands. The first thing that is
 * wrong stays in *e. */
struct reading {
    struct arena *arena;
    struct err   *e;
    bool          failed;
};

static void *fail(struct reading *r, enum err_code code, const char *what)
{
    if (!r->failed)
        (void)err_set(r->e, code, "an event's %s %s", what, code == ERR_NOMEM ? "finds no room" : "is not valid");
    r->failed = true;
    return NULL;
}

/* The member's string in the arena; the fallback where it is absent. */
static const char *read_text(struct reading *r, const struct json *object, const char *key, const char *fallback)
{
    const char *s = json_str(object, key, fallback);
    if (s && !utf8_is_valid(s, strlen(s)))
        return fail(r, ERR_INPUT, key);
    const char *kept = arena_str(r->arena, s);
    return s && !kept ? fail(r, ERR_NOMEM, key) : kept;
}

static int64_t read_number(struct reading *r, const struct json *object, const char *key, int64_t fallback, int64_t min, int64_t max)
{
    int64_t n = json_int(object, key, fallback);
    if (n != fallback && (n < min || n > max))
        (void)fail(r, ERR_INPUT, key);
    return n;
}

/* "image/jpeg": it goes into a header of our API. */
static bool is_media_type(const char *s)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&^_.+-";
    size_t            first = strspn(s, token);
    size_t            second = s[first] == '/' ? strspn(s + first + 1, token) : 0;
    return first > 0 && second > 0 && s[first + 1 + second] == '\0';
}

static struct media read_medium(struct reading *r, const struct json *v)
{
    const int64_t exact = INT64_C(1) << 53;
    struct media  m = {
        .n = (int)read_number(r, v, "n", 0, 1, INT_MAX),
        .type = read_text(r, v, "type", "application/octet-stream"),
        .name = read_text(r, v, "name", ""),
        .bytes = read_number(r, v, "bytes", 0, 0, exact),
        .offset = read_number(r, v, "offset", 0, 0, exact),
        .length = read_number(r, v, "length", 0, 0, exact),
        .encoding = encoding_parse(json_str(v, "encoding", "none")),
    };
    if (m.type && !is_media_type(m.type))
        (void)fail(r, ERR_INPUT, "type");
    return m;
}

static void read_media(struct reading *r, const struct json *array, struct event *ev)
{
    size_t count = json_count(array);
    if (count == 0)
        return;
    struct media *media = arena_alloc(r->arena, count * sizeof *media);
    if (!media) {
        (void)fail(r, ERR_NOMEM, "media");
        return;
    }
    size_t i = 0;
    for (const struct json *v = json_first(array); v; v = json_next(v), i++) {
        media[i] = read_medium(r, v);
        if (media[i].n <= (i > 0 ? media[i - 1].n : 0)) /* the store's key */
            (void)fail(r, ERR_INPUT, "n");
    }
    ev->media = media;
    ev->media_count = count;
}

static int64_t read_time(struct reading *r, const struct json *object, const char *key)
{
    const char *text = json_str(object, key, NULL);
    int64_t     ms = 0;
    if (text && clock_parse_rfc3339(text, &ms) < 0)
        (void)fail(r, ERR_INPUT, key);
    return ms;
}

/* In whole seconds; a clock can be wrong by no more than all the years that can be written. */
static int64_t read_drift(struct reading *r, const struct json *object)
{
    const int64_t ten_thousand_years = INT64_C(315576000000);
    if (!json_get(object, "drift_s"))
        return DRIFT_UNKNOWN;
    return read_number(r, object, "drift_s", 0, -ten_thousand_years, ten_thousand_years) * 1000;
}

int event_read_full(const struct json *object, struct events *list, struct err *e)
{
    struct reading r = { .arena = list->arena, .e = e };
    const char    *kind = read_text(&r, object, "kind", "");
    if (!kind || !kind_is_known(kind))
        return err_set(e, ERR_INPUT, "an event of no known kind");
    const struct json *device = json_get(object, "device"), *zone = json_get(object, "zone");
    const char        *device_id = read_text(&r, device, "id", "");
    struct event      *ev = events_add(list, kind);
    if (!ev)
        return err_set(e, ERR_NOMEM, "no room for one more event");
    ev->restored = json_bool(object, "restored", false);
    ev->severity = kind_severity(kind, ev->restored);
    (void)severity_parse(json_str(object, "severity", ""), &ev->severity);
    ev->device_id = device_id;
    ev->device_name = read_text(&r, device, "name", device_id);
    ev->zone_number = (int)read_number(&r, zone, "number", ZONE_NONE, 0, INT_MAX);
    ev->zone_name = read_text(&r, zone, "name", NULL);
    ev->user = read_text(&r, object, "user", NULL);
    ev->text = read_text(&r, object, "text", NULL);
    ev->code = (int)read_number(&r, object, "code", 0, 100, 999);
    ev->happened_ms = read_time(&r, object, "happened_at");
    ev->device_time = read_text(&r, object, "device_time", NULL);
    ev->drift_ms = read_drift(&r, object);
    ev->target = read_text(&r, object, "target", NULL);
    ev->channel = read_text(&r, object, "channel", NULL);
    read_media(&r, json_get(object, "media"), ev);
    if (r.failed)
        list->count--; /* nothing is left of what could not be read whole */
    return r.failed ? -1 : 0;
}
