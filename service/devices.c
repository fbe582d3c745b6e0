/* devices: a table of entries under one lock. Entries are made and changed, never freed before the end, so that the writer's
 * thread can look at one when its turn comes: what is written is always the latest. */
#include "service/devices.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/utf8.h"
#include "net/transcript.h"
#include "store/devices.h"
#include "store/transcripts.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DEVICES_MAX = 2000, /* beyond that nobody is remembered: a stranger may call himself anything */
    ADDRESS_BYTES = 48,
    ERROR_BYTES = 200,
    PENDING_MAX = 128,        /* conversations that wait for the next second */
    PENDING_BYTES = 16 * 1024, /* of one */
    WRITE_MAX = 64,           /* devices of one transaction */
    CLOSE_SECONDS = 10,
};
static const int64_t DRIFT_MAX_MS = INT64_C(24) * 3600 * 1000;

struct entry {
    uint32_t hash; /* of the id */
    char     id[DEVICE_TEXT_MAX + 1], self_name[DEVICE_TEXT_MAX + 1], owner_name[DEVICE_TEXT_MAX + 1];
    const struct device_setting *setting; /* NULL: not in the settings            */
    const char *learned_kind;             /* "", "panel", "camera": ours          */
    char        address[ADDRESS_BYTES];
    int64_t     seen_ms;
    bool        is_clock_off;
    char        last_error[ERROR_BYTES + 1]; /* "" = none since the start */
    int64_t     last_error_ms;
    bool        is_changed; /* its row is to be written */
};

struct conversation {
    char    id[DEVICE_TEXT_MAX + 1], peer[ADDRESS_BYTES];
    int64_t at_ms;
    char   *body;
};

struct devices {
    struct devices_options o;
    struct store          *store;
    pthread_mutex_t        lock; /* guards the rest, and what entries hold */
    pthread_cond_t         written;
    struct entry          *entries[DEVICES_MAX];
    size_t                 count;
    struct conversation    pending[PENDING_MAX]; /* oldest first */
    size_t                 pending_count;
    bool                   is_writing;
};

/* One transaction of the registry. */
struct writing {
    struct store_op      op;
    struct devices      *d;
    struct entry        *entries[WRITE_MAX];
    size_t               count;
    struct conversation  conversations[PENDING_MAX];
    size_t               conversation_count;
};

/* --- entries (with the lock) -------------------------------------------------------------------------------- */

static uint32_t hash_of(const char *id) /* FNV-1a */
{
    uint32_t h = UINT32_C(2166136261);
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * UINT32_C(16777619);
    return h;
}

static struct entry *find(const struct devices *d, const char *id)
{
    uint32_t hash = hash_of(id);
    for (size_t i = 0; i < d->count; i++)
        if (d->entries[i]->hash == hash && strcmp(d->entries[i]->id, id) == 0)
            return d->entries[i];
    return NULL;
}

/* Whole characters only. */
static void set_text(char *out, size_t max, const char *text)
{
    size_t n = utf8_cut(text, strlen(text), max);
    memcpy(out, text, n);
    out[n] = '\0';
}

/* NULL: the table is full, or memory. */
static struct entry *make(struct devices *d, const char *id)
{
    struct entry *one = id[0] && d->count < DEVICES_MAX ? calloc(1, sizeof *one) : NULL;
    if (!one)
        return NULL;
    set_text(one->id, DEVICE_TEXT_MAX, id);
    one->hash = hash_of(one->id);
    one->setting = device_settings_find(d->o.settings, one->id);
    one->learned_kind = "";
    d->entries[d->count++] = one;
    return one;
}

static bool is_named_by_settings(const struct entry *one)
{
    return one->setting && one->setting->name[0];
}

static const char *name_of(const struct entry *one)
{
    if (is_named_by_settings(one))
        return one->setting->name;
    return one->owner_name[0] ? one->owner_name : one->self_name[0] ? one->self_name : one->id;
}

static const char *kind_of(const struct entry *one)
{
    return one->setting && one->setting->kind[0] ? one->setting->kind : one->learned_kind;
}

static bool is_hidden(const struct devices *d, const char *address)
{
    return d->o.is_hidden && d->o.is_hidden(d->o.user, address);
}

/* Who was last heard from there, of those that are wanted. */
static const struct entry *last_at(const struct devices *d, const char *address, bool (*is_wanted)(const struct entry *))
{
    const struct entry *last = NULL;
    for (size_t i = 0; i < d->count; i++) {
        const struct entry *one = d->entries[i];
        if (strcmp(one->address, address) == 0 && is_wanted(one) && (!last || one->seen_ms > last->seen_ms))
            last = one;
    }
    return last;
}

/* --- opening ------------------------------------------------------------------------------------------------ */

static const char *known_kind(const char *text)
{
    return strcmp(text, "panel") == 0 ? "panel" : strcmp(text, "camera") == 0 ? "camera" : "";
}

static bool take_row(void *user, const struct device_row *row)
{
    struct devices *d = user;
    struct entry   *one = make(d, row->id);
    if (!one)
        return true;
    set_text(one->self_name, DEVICE_TEXT_MAX, row->self_name);
    set_text(one->owner_name, DEVICE_TEXT_MAX, row->owner_name);
    set_text(one->address, ADDRESS_BYTES - 1, row->address);
    one->seen_ms = row->last_seen_ms;
    one->learned_kind = row->is_configured ? "" : known_kind(row->kind); /* else it was the settings' word */
    one->is_clock_off = row->drift_ms != DRIFT_UNKNOWN && llabs(row->drift_ms) > d->o.drift_max_ms;
    one->is_changed = one->setting || row->is_configured;
    return true;
}

static int read_rows(struct devices *d, struct err *e)
{
    struct store_reader *r = NULL;
    struct page          page = { .limit = QUERY_PAGE_MAX };
    if (store_reader_open(d->store, &r, e) < 0)
        return -1;
    int result;
    do {
        page.cursor = page.next;
        result = query_devices(r, NULL, &page, take_row, d, e);
    } while (result == 0 && page.next > 0 && d->count < DEVICES_MAX);
    store_reader_close(&r);
    return result;
}

static void free_all(struct devices *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->entries[i]);
    for (size_t i = 0; i < d->pending_count; i++)
        free(d->pending[i].body);
    (void)pthread_cond_destroy(&d->written);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}

int devices_open(struct store *s, const struct devices_options *o, struct devices **out, struct err *e)
{
    struct devices *d = calloc(1, sizeof *d);
    if (!d)
        return err_set(e, ERR_NOMEM, "out of memory");
    d->o = *o;
    d->o.drift_max_ms = o->drift_max_ms > 0 ? o->drift_max_ms : DRIFT_MAX_MS;
    d->store = s;
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_cond_init(&d->written, NULL);
    if (read_rows(d, e) < 0) {
        free_all(d);
        return -1;
    }
    for (size_t i = 0; i < o->settings->count; i++) {
        struct entry *one = find(d, o->settings->items[i].id) ? NULL : make(d, o->settings->items[i].id);
        if (one)
            one->is_changed = true;
    }
    *out = d;
    return 0;
}

/* --- recognising -------------------------------------------------------------------------------------------- */

/* The id that stands for this envelope: of the settings, else drawn from it. */
static void draw_id(const struct devices *d, const struct envelope *env, char out[DEVICE_TEXT_MAX + 1])
{
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 4096);
    const struct device_setting *setting = device_settings_match(d->o.settings, env, !is_hidden(d, env->peer));
    const char                  *id = setting ? setting->id : envelope_device(env, d->o.alarm_user, d->o.status_user, &a);
    const struct device_setting *same = setting ? setting : device_settings_find(d->o.settings, id);
    set_text(out, DEVICE_TEXT_MAX, same ? same->id : id);
}

void devices_recognise(struct devices *d, const struct envelope *env, struct device_known *out)
{
    *out = (struct device_known){ .kind = "", .language = "", .time_zone = "" };
    draw_id(d, env, out->id);
    (void)pthread_mutex_lock(&d->lock);
    const struct entry *one = find(d, out->id);
    set_text(out->name, DEVICE_TEXT_MAX, one ? name_of(one) : out->id);
    if (one)
        out->kind = kind_of(one);
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
    const struct entry *one = last_at(d, address, has_profile);
    (void)pthread_mutex_unlock(&d->lock);
    return one ? one->setting->profile : "";
}

static bool is_panel(const struct entry *one)
{
    return strcmp(kind_of(one), "panel") == 0;
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
    bool is_one = last_at(d, address, is_panel) != NULL;
    (void)pthread_mutex_unlock(&d->lock);
    return is_one;
}

/* --- learning ----------------------------------------------------------------------------------------------- */

static void note_address(struct entry *one, const char *address, int64_t seen_ms)
{
    if (seen_ms < one->seen_ms)
        return;
    one->seen_ms = seen_ms;
    set_text(one->address, ADDRESS_BYTES - 1, address);
}

static void note_name(struct entry *one, const char *name)
{
    char cut[DEVICE_TEXT_MAX + 1];
    set_text(cut, DEVICE_TEXT_MAX, name);
    if (cut[0] == '\0' || strcmp(cut, one->id) == 0 || strcmp(cut, name_of(one)) == 0 || strcmp(cut, one->self_name) == 0)
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
    draw_id(d, env, id);
    const struct event *first = first_of(events, id);
    if (!first)
        return;
    (void)pthread_mutex_lock(&d->lock);
    struct entry *one = find(d, id);
    if (!one && (one = make(d, id)))
        one->is_changed = true;
    int turned = 0;
    set_text(name, DEVICE_TEXT_MAX, first->device_name);
    if (one) {
        note_address(one, env->peer, received_ms);
        note_name(one, first->device_name);
        for (size_t i = 0; i < events->count; i++)
            note_kind(one, &events->items[i]);
        turned = note_clock(one, first, d->o.drift_max_ms);
        set_text(name, DEVICE_TEXT_MAX, name_of(one));
    }
    (void)pthread_mutex_unlock(&d->lock);
    put_name(events, id, name);
    if (turned != 0)
        tell_clock(d, id, name, turned < 0, first->drift_ms);
}

/* With the lock. */
static void note_error(struct entry *one, int64_t wall_ms, const char *text)
{
    set_text(one->last_error, ERROR_BYTES, text);
    one->last_error_ms = wall_ms;
    one->is_changed = true;
}

void devices_complain(struct devices *d, const struct envelope *env, int64_t wall_ms, const char *text)
{
    char id[DEVICE_TEXT_MAX + 1];
    draw_id(d, env, id);
    (void)pthread_mutex_lock(&d->lock);
    struct entry *one = find(d, id);
    if (!one)
        one = make(d, id);
    if (one)
        note_error(one, wall_ms, text);
    (void)pthread_mutex_unlock(&d->lock);
}

/* --- conversations ------------------------------------------------------------------------------------------ */

static bool is_any(const struct entry *one)
{
    (void)one;
    return true;
}

/* With the lock. Whose conversation it was: a device we know, or one whose mail was kept (it is about to be known), else who was
 * last heard from there, else a stranger. */
static const char *speaker(struct devices *d, const struct transcript *t, const char *drawn)
{
    const struct envelope *env = transcript_envelope(t);
    if (find(d, drawn) || transcript_mails(t) > 0)
        return drawn;
    const struct entry *one = is_hidden(d, env->peer) ? NULL : last_at(d, env->peer, is_any);
    return one ? one->id : TRANSCRIPTS_OF_STRANGERS;
}

static void drop_pending(struct devices *d, size_t i)
{
    free(d->pending[i].body);
    memmove(&d->pending[i], &d->pending[i + 1], (--d->pending_count - i) * sizeof d->pending[0]);
}

/* With the lock. Room for one more of this device: its own oldest goes where it has enough, else the oldest of all. */
static void make_room(struct devices *d, const char *id)
{
    size_t of_it = 0, oldest = 0;
    for (size_t i = d->pending_count; i-- > 0;)
        if (strcmp(d->pending[i].id, id) == 0) {
            of_it++;
            oldest = i;
        }
    if (of_it >= TRANSCRIPTS_KEPT)
        drop_pending(d, oldest);
    else if (d->pending_count == PENDING_MAX)
        drop_pending(d, 0);
}

static char *body_of(const struct transcript *t)
{
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, PENDING_BYTES);
    struct json_out w = json_begin(&body);
    json_object(&w, NULL);
    transcript_write(&w, t);
    json_end(&w);
    return body.failed ? NULL : buf_take(&body);
}

void devices_spoke(struct devices *d, const struct transcript *t)
{
    const struct envelope *env = transcript_envelope(t);
    const char            *refusal = transcript_last_refusal(t);
    char                   drawn[DEVICE_TEXT_MAX + 1];
    char                  *body = body_of(t);
    if (!body)
        return;
    draw_id(d, env, drawn);
    (void)pthread_mutex_lock(&d->lock);
    const char *id = speaker(d, t, drawn);
    make_room(d, id);
    struct conversation *c = &d->pending[d->pending_count++];
    *c = (struct conversation){ .at_ms = transcript_started_ms(t), .body = body };
    set_text(c->id, DEVICE_TEXT_MAX, id);
    set_text(c->peer, ADDRESS_BYTES - 1, env->peer);
    struct entry *one = refusal ? find(d, id) : NULL;
    if (one)
        note_error(one, clock_wall_ms(), refusal);
    (void)pthread_mutex_unlock(&d->lock);
}

/* --- writing ------------------------------------------------------------------------------------------------ */

/* The entry as it is now. */
static int write_entry(struct store_tx *tx, struct devices *d, struct entry *one, struct err *e)
{
    (void)pthread_mutex_lock(&d->lock);
    struct entry now = *one;
    one->is_changed = false;
    (void)pthread_mutex_unlock(&d->lock);
    const struct device_setting *s = now.setting;
    const struct device_row      row = {
             .id = now.id,
             .name = name_of(&now),
             .named_by = is_named_by_settings(&now) ? "settings" : now.owner_name[0] ? "owner" : "self",
             .owner_name = now.owner_name,
             .self_name = now.self_name,
             .kind = kind_of(&now),
             .profile = s ? s->profile : "",
             .time_zone = s ? s->time_zone : "",
             .language = s ? s->language : "",
             .is_configured = s != NULL,
             .last_error = now.last_error[0] ? now.last_error : NULL,
             .last_error_ms = now.last_error_ms,
    };
    return tx_device_put(tx, &row, e);
}

static int apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct writing *w = (struct writing *)op;
    for (size_t i = 0; i < w->count; i++)
        if (write_entry(tx, w->d, w->entries[i], e) < 0)
            return -1;
    for (size_t i = 0; i < w->conversation_count; i++) {
        const struct conversation  *c = &w->conversations[i];
        const struct transcript_row row = { .device = c->id, .at_ms = c->at_ms, .peer = c->peer, .body = c->body };
        if (tx_transcript_add(tx, &row, e) < 0)
            return -1;
    }
    return 0;
}

static void done(struct store_op *op, const struct err *failed)
{
    struct writing *w = (struct writing *)op;
    struct devices *d = w->d;
    if (failed)
        log_line(LOG_WARN, "devices.not_kept", LOG_S("text", failed->text), LOG_I("conversations", w->conversation_count));
    for (size_t i = 0; i < w->conversation_count; i++)
        free(w->conversations[i].body);
    (void)pthread_mutex_lock(&d->lock);
    for (size_t i = 0; failed && i < w->count; i++)
        w->entries[i]->is_changed = true;
    d->is_writing = false;
    (void)pthread_cond_signal(&d->written);
    (void)pthread_mutex_unlock(&d->lock);
    free(w);
}

/* With the lock: what there is to write, taken out; NULL: nothing. */
static struct writing *take_changes(struct devices *d)
{
    bool is_any_changed = d->pending_count > 0;
    for (size_t i = 0; i < d->count && !is_any_changed; i++)
        is_any_changed = d->entries[i]->is_changed;
    struct writing *w = is_any_changed && !d->is_writing ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return NULL;
    *w = (struct writing){ .op = { .rank = STORE_LATER, .apply = apply, .done = done }, .d = d };
    for (size_t i = 0; i < d->count && w->count < WRITE_MAX; i++)
        if (d->entries[i]->is_changed)
            w->entries[w->count++] = d->entries[i];
    memcpy(w->conversations, d->pending, d->pending_count * sizeof d->pending[0]);
    w->conversation_count = TAKE(d->pending_count);
    d->is_writing = true;
    return w;
}

void devices_tick(struct devices *d)
{
    (void)pthread_mutex_lock(&d->lock);
    struct writing *w = take_changes(d);
    (void)pthread_mutex_unlock(&d->lock);
    if (w)
        store_submit(d->store, &w->op);
}

/* With the lock; false: it takes too long. */
static bool wait_until_written(struct devices *d)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_SECONDS;
    while (d->is_writing)
        if (pthread_cond_timedwait(&d->written, &d->lock, &until) != 0)
            return false;
    return true;
}

void devices_close(struct devices **dp)
{
    struct devices *d = TAKE(*dp);
    if (!d)
        return;
    bool is_more = true;
    while (is_more) {
        (void)pthread_mutex_lock(&d->lock);
        bool            is_written = wait_until_written(d);
        struct writing *w = is_written ? take_changes(d) : NULL;
        (void)pthread_mutex_unlock(&d->lock);
        if (!is_written)
            return; /* the writer's thread may still come back to it */
        is_more = w != NULL;
        if (w)
            store_submit(d->store, &w->op);
    }
    free_all(d);
}

/* --- the owner's name --------------------------------------------------------------------------------------- */

struct renaming {
    struct store_op op;
    struct devices *d;
    struct entry   *one;
};

static int apply_renaming(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct renaming *r = (struct renaming *)op;
    return write_entry(tx, r->d, r->one, e);
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);
    if (n > DEVICE_TEXT_MAX || !utf8_is_valid(name, n))
        return false;
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    return true;
}

int devices_rename(struct devices *d, const char *id, const char *name, struct err *e)
{
    if (!is_name(name))
        return err_set(e, ERR_INPUT, "name: a text of at most %d bytes without control characters", DEVICE_TEXT_MAX);
    (void)pthread_mutex_lock(&d->lock);
    struct entry *one = find(d, id);
    bool          is_fixed = one && is_named_by_settings(one);
    if (one && !is_fixed) {
        set_text(one->owner_name, DEVICE_TEXT_MAX, name);
        one->is_changed = true;
    }
    (void)pthread_mutex_unlock(&d->lock);
    if (!one)
        return err_set(e, ERR_NOT_FOUND, "there is no device %s", id);
    if (is_fixed)
        return err_set(e, ERR_STATE, "its name is in the settings: Devices:%s:Name", id);
    struct renaming r = { .op = { .rank = STORE_EVENT, .apply = apply_renaming }, .d = d, .one = one };
    return store_do(d->store, &r.op, e);
}
