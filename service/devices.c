/* devices: a table of entries under one lock. Entries are made and changed, never freed before the end, so that the writer's
 * thread can look at one when its turn comes: what is written is always the latest. */
#include "service/devices_inside.h"
#include "core/clock.h"
#include "core/utf8.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- entries (with the lock) -------------------------------------------------------------------------------- */

static uint32_t hash_of(const char *id) /* FNV-1a */
{
    uint32_t h = UINT32_C(2166136261);
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * UINT32_C(16777619);
    return h;
}

struct entry *entry_find(const struct devices *d, const char *id)
{
    uint32_t hash = hash_of(id);
    for (size_t i = 0; i < d->count; i++)
        if (d->entries[i]->hash == hash && strcmp(d->entries[i]->id, id) == 0)
            return d->entries[i];
    return NULL;
}

void entry_set_text(char *out, size_t max, const char *text)
{
    size_t n = utf8_cut(text, strlen(text), max);
    memcpy(out, text, n);
    out[n] = '\0';
}

struct entry *entry_make(struct devices *d, const char *id)
{
    struct entry *one = id[0] && d->count < DEVICES_MAX ? calloc(1, sizeof *one) : NULL;
    if (!one)
        return NULL;
    entry_set_text(one->id, DEVICE_TEXT_MAX, id);
    one->hash = hash_of(one->id);
    one->setting = device_settings_find(d->o.settings, one->id);
    if (one->setting && strcmp(one->setting->id, one->id) != 0) /* it was spelt otherwise before: that is another row */
        one->setting = NULL;
    one->learned_kind = "";
    d->entries[d->count++] = one;
    return one;
}

bool entry_is_named_by_settings(const struct entry *one)
{
    return one->setting && one->setting->name[0];
}

const char *entry_name(const struct entry *one)
{
    if (entry_is_named_by_settings(one))
        return one->setting->name;
    return one->owner_name[0] ? one->owner_name : one->self_name[0] ? one->self_name : one->id;
}

const char *entry_kind(const struct entry *one)
{
    return one->setting && one->setting->kind[0] ? one->setting->kind : one->learned_kind;
}

bool devices_hide(const struct devices *d, const char *address)
{
    return d->o.is_hidden && d->o.is_hidden(d->o.user, address);
}

const struct entry *entry_last_at(const struct devices *d, const char *address, bool (*is_wanted)(const struct entry *))
{
    const struct entry *last = NULL;
    for (size_t i = 0; i < d->count; i++) {
        const struct entry *one = d->entries[i];
        if (strcmp(one->address, address) == 0 && is_wanted(one) && (!last || one->seen_ms > last->seen_ms))
            last = one;
    }
    return last;
}

/* --- recognising -------------------------------------------------------------------------------------------- */

void devices_draw_id(const struct devices *d, const struct envelope *env, char out[DEVICE_TEXT_MAX + 1])
{
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 4096);
    const struct device_setting *setting = device_settings_match(d->o.settings, env, !devices_hide(d, env->peer));
    const char                  *id = setting ? setting->id : envelope_device(env, d->o.alarm_user, d->o.status_user, &a);
    const struct device_setting *same = setting ? setting : device_settings_find(d->o.settings, id);
    entry_set_text(out, DEVICE_TEXT_MAX, same ? same->id : id);
}

void devices_recognise(struct devices *d, const struct envelope *env, struct device_known *out)
{
    *out = (struct device_known){ .kind = "", .language = "", .time_zone = "" };
    devices_draw_id(d, env, out->id);
    (void)pthread_mutex_lock(&d->lock);
    const struct entry *one = entry_find(d, out->id);
    entry_set_text(out->name, DEVICE_TEXT_MAX, one ? entry_name(one) : out->id);
    if (one)
        out->kind = entry_kind(one);
    if (one && one->setting) {
        out->language = one->setting->language;
        out->time_zone = one->setting->time_zone;
    }
    (void)pthread_mutex_unlock(&d->lock);
}

static bool has_profile(const struct entry *one)
{
    return one->setting && one->setting->profile[0];
}

static bool is_setting_with_profile(const struct device_setting *s)
{
    return s->profile[0] != '\0';
}

const char *devices_profile(struct devices *d, const char *address)
{
    const struct device_setting *setting = device_settings_at(d->o.settings, address, is_setting_with_profile);
    if (setting)
        return setting->profile;
    (void)pthread_mutex_lock(&d->lock);
    const struct entry *one = entry_last_at(d, address, has_profile);
    (void)pthread_mutex_unlock(&d->lock);
    return one ? one->setting->profile : "";
}

static bool is_panel(const struct entry *one)
{
    return strcmp(entry_kind(one), "panel") == 0;
}

static bool is_setting_of_panel(const struct device_setting *s)
{
    return strcmp(s->kind, "panel") == 0;
}

bool devices_is_panel(struct devices *d, const char *address)
{
    if (device_settings_at(d->o.settings, address, is_setting_of_panel))
        return true;
    (void)pthread_mutex_lock(&d->lock);
    bool is_one = entry_last_at(d, address, is_panel) != NULL;
    (void)pthread_mutex_unlock(&d->lock);
    return is_one;
}

/* --- learning ----------------------------------------------------------------------------------------------- */

static void note_address(struct entry *one, const char *address, int64_t seen_ms)
{
    if (seen_ms < one->seen_ms)
        return;
    one->seen_ms = seen_ms;
    entry_set_text(one->address, ADDRESS_BYTES - 1, address);
}

static void note_name(struct entry *one, const char *name)
{
    char cut[DEVICE_TEXT_MAX + 1];
    entry_set_text(cut, DEVICE_TEXT_MAX, name);
    if (cut[0] == '\0' || strcmp(cut, one->id) == 0 || strcmp(cut, entry_name(one)) == 0 || strcmp(cut, one->self_name) == 0)
        return;
    memcpy(one->self_name, cut, sizeof cut);
    one->is_changed = true;
}

/* What only such a device sends. */
static void note_kind(struct entry *one, const struct event *ev)
{
    const char *kind = kind_matches("mode.*", ev->kind) || ev->code != 0 ? "panel" : kind_matches("camera.*", ev->kind) ? "camera" : "";
    if (kind[0] == '\0' || one->learned_kind[0])
        return;
    one->learned_kind = kind;
    one->is_changed = true;
}

/* Beyond the bound it is off until it is well within it again: 1 went off, 0 as before, -1 came back. */
static int note_clock(struct entry *one, const struct event *ev, int64_t max_ms)
{
    if (!ev->device_time || ev->drift_ms == DRIFT_UNKNOWN)
        return 0;
    int64_t off = llabs(ev->drift_ms);
    if (!one->is_clock_off && off > max_ms)
        one->is_clock_off = true;
    else if (one->is_clock_off && off <= max_ms / 2)
        one->is_clock_off = false;
    else
        return 0;
    return one->is_clock_off ? 1 : -1;
}

/* Its name as people see it into the events, one copy for all. */
static void put_name(struct events *events, const char *id, const char *name)
{
    const char *kept = arena_str(events->arena, name);
    for (size_t i = 0; kept && i < events->count; i++)
        if (strcmp(events->items[i].device_id, id) == 0)
            events->items[i].device_name = kept;
}

static const struct event *first_of(const struct events *events, const char *id)
{
    for (size_t i = 0; i < events->count; i++)
        if (strcmp(events->items[i].device_id, id) == 0)
            return &events->items[i];
    return NULL;
}

/* "Front door: its clock is 3 d 4 h 5 min fast". Without the lock: it is somebody else's code. */
static void tell_clock(const struct devices *d, const char *id, const char *name, bool is_right, int64_t drift_ms)
{
    long long minutes = llabs(drift_ms) / 60000;
    char      key[DEVICE_TEXT_MAX + 16], text[DEVICE_TEXT_MAX + 100];
    if (!d->o.clock)
        return;
    (void)snprintf(key, sizeof key, "clock %s %s", is_right ? "right" : "off", id);
    (void)snprintf(text, sizeof text, is_right ? "%s: its clock is right again" : "%s: its clock is %lld d %lld h %lld min %s", name,
                   minutes / 1440, minutes / 60 % 24, minutes % 60, drift_ms < 0 ? "slow" : "fast");
    d->o.clock(d->o.user, key, is_right, text);
}

void devices_learn(struct devices *d, const struct envelope *env, int64_t received_ms, struct events *events)
{
    char id[DEVICE_TEXT_MAX + 1], name[DEVICE_TEXT_MAX + 1];
    devices_draw_id(d, env, id);
    const struct event *first = first_of(events, id);
    if (!first)
        return;
    (void)pthread_mutex_lock(&d->lock);
    struct entry *one = entry_find(d, id);
    if (!one && (one = entry_make(d, id)))
        one->is_changed = true;
    int turned = 0;
    entry_set_text(name, DEVICE_TEXT_MAX, first->device_name);
    if (one) {
        note_address(one, env->peer, received_ms);
        note_name(one, first->device_name);
        for (size_t i = 0; i < events->count; i++)
            note_kind(one, &events->items[i]);
        turned = clock_is_set(received_ms) ? note_clock(one, first, d->o.drift_max_ms) : 0; /* else ours is the wrong one */
        entry_set_text(name, DEVICE_TEXT_MAX, entry_name(one));
    }
    (void)pthread_mutex_unlock(&d->lock);
    put_name(events, id, name);
    if (turned != 0)
        tell_clock(d, id, name, turned < 0, first->drift_ms);
}

/* With the lock. */
void entry_note_error(struct entry *one, int64_t wall_ms, const char *text)
{
    entry_set_text(one->last_error, ERROR_BYTES, text);
    one->last_error_ms = wall_ms;
    one->is_changed = true;
}

void devices_complain(struct devices *d, const struct envelope *env, int64_t wall_ms, const char *text)
{
    char id[DEVICE_TEXT_MAX + 1];
    devices_draw_id(d, env, id);
    (void)pthread_mutex_lock(&d->lock);
    struct entry *one = entry_find(d, id);
    if (!one)
        one = entry_make(d, id);
    if (one)
        entry_note_error(one, wall_ms, text);
    (void)pthread_mutex_unlock(&d->lock);
}
