/* event: building, and the JSON that everybody sees. */
#include "core/event.h"
#include "core/clock.h"
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
        if (is_full) {
            json_i(w, "offset", m->offset);
            json_i(w, "length", m->length);
            json_s(w, "encoding", encoding_names[m->encoding]);
        }
        json_end(w);
    }
    json_end(w);
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
    if (o)
        json_time(w, "received_at", o->received_ms);
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

static int read_media(const struct json *array, struct event *ev, struct arena *a)
{
    size_t count = json_count(array);
    if (count == 0)
        return 0;
    struct media *media = arena_alloc(a, count * sizeof *media);
    if (!media)
        return -1;
    size_t i = 0;
    for (const struct json *v = json_first(array); v; v = json_next(v), i++) {
        media[i] = (struct media){
            .n = (int)json_int(v, "n", 0),
            .type = arena_str(a, json_str(v, "type", "application/octet-stream")),
            .name = arena_str(a, json_str(v, "name", "")),
            .bytes = json_int(v, "bytes", 0),
            .offset = json_int(v, "offset", 0),
            .length = json_int(v, "length", 0),
            .encoding = encoding_parse(json_str(v, "encoding", "none")),
        };
        if (!media[i].type || !media[i].name)
            return -1;
    }
    ev->media = media;
    ev->media_count = count;
    return 0;
}

/* The member's string in the arena; NULL where it is absent. Counts what did not fit. */
static const char *copy(const struct json *object, const char *key, struct arena *a, int *failures)
{
    const char *s = json_str(object, key, NULL);
    const char *kept = arena_str(a, s);
    *failures += s && !kept;
    return kept;
}

int event_read_full(const struct json *object, struct events *list, struct err *e)
{
    const char *kind = json_str(object, "kind", NULL);
    if (!kind || !kind_is_known(kind))
        return err_set(e, ERR_INPUT, "an event of no known kind");
    struct arena *a = list->arena;
    int           failures = 0;
    const char   *kept_kind = copy(object, "kind", a, &failures);
    struct event *ev = kept_kind ? events_add(list, kept_kind) : NULL;
    if (!ev)
        return err_set(e, ERR_NOMEM, "no room for one more event");
    const struct json *device = json_get(object, "device"), *zone = json_get(object, "zone");
    (void)severity_parse(json_str(object, "severity", ""), &ev->severity);
    ev->restored = json_bool(object, "restored", false);
    ev->device_id = copy(device, "id", a, &failures);
    ev->device_name = copy(device, "name", a, &failures);
    ev->zone_number = (int)json_int(zone, "number", ZONE_NONE);
    ev->zone_name = copy(zone, "name", a, &failures);
    ev->user = copy(object, "user", a, &failures);
    ev->text = copy(object, "text", a, &failures);
    ev->code = (int)json_int(object, "code", 0);
    const char *happened = json_str(object, "happened_at", NULL);
    if (happened && clock_parse_rfc3339(happened, &ev->happened_ms) < 0)
        return err_set(e, ERR_INPUT, "happened_at is no time");
    if (failures > 0 || read_media(json_get(object, "media"), ev, a) < 0)
        return err_set(e, ERR_NOMEM, "no room for an event's texts");
    ev->device_id = ev->device_id ? ev->device_id : "";
    ev->device_name = ev->device_name ? ev->device_name : ev->device_id;
    return 0;
}
