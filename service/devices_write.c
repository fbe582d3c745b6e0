/* devices_write: from the database at the start, and back: one operation at a time, which looks at an entry when its turn comes. */
#include "core/clock.h"
#include "core/log.h"
#include "core/utf8.h"
#include "core/wait.h"
#include "service/devices_inside.h"
#include "store/devices.h"
#include "store/transcripts.h"
#include <stdlib.h>
#include <string.h>

enum { WRITE_MAX = 64 /* devices of one transaction */, CLOSE_MS = 10 * 1000, WRITE_EACH_MS = 1000 };
static const int64_t DRIFT_MAX_MS = INT64_C(24) * 3600 * 1000;

/* --- opening ------------------------------------------------------------------------------------------------ */

static const char *known_kind(const char *text)
{
    return strcmp(text, "panel") == 0 ? "panel" : strcmp(text, "camera") == 0 ? "camera" : "";
}

static bool take_row(void *user, const struct device_row *row)
{
    struct devices *d = user;
    struct entry   *one = entry_make(d, row->id);
    if (!one)
        return true;
    entry_set_text(one->self_name, DEVICE_TEXT_MAX, row->self_name);
    entry_set_text(one->owner_name, DEVICE_TEXT_MAX, row->owner_name);
    entry_set_text(one->address, ADDRESS_BYTES - 1, row->address);
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
        struct entry *one = entry_find(d, o->settings->items[i].id) ? NULL : entry_make(d, o->settings->items[i].id);
        if (one)
            one->is_changed = true;
    }
    *out = d;
    return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------ */

/* One transaction of the registry. */
struct writing {
    struct store_op      op;
    struct devices      *d;
    struct entry        *entries[WRITE_MAX];
    size_t               count;
    struct conversation  conversations[PENDING_MAX];
    size_t               conversation_count;
};

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
             .name = entry_name(&now),
             .named_by = entry_is_named_by_settings(&now) ? "settings" : now.owner_name[0] ? "owner" : "self",
             .owner_name = now.owner_name,
             .self_name = now.self_name,
             .kind = entry_kind(&now),
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
    *w = (struct writing){ .op = { .rank = STORE_IDLE, .apply = apply, .done = done }, .d = d };
    for (size_t i = 0; i < d->count && w->count < WRITE_MAX; i++)
        if (d->entries[i]->is_changed)
            w->entries[w->count++] = d->entries[i];
    memcpy(w->conversations, d->pending, d->pending_count * sizeof d->pending[0]);
    w->conversation_count = TAKE(d->pending_count);
    d->is_writing = true;
    d->written_ms = clock_mono_ms();
    return w;
}

static void write_changes(struct devices *d, int64_t pause_ms)
{
    (void)pthread_mutex_lock(&d->lock);
    struct writing *w = clock_mono_ms() - d->written_ms >= pause_ms ? take_changes(d) : NULL;
    (void)pthread_mutex_unlock(&d->lock);
    if (w)
        store_submit(d->store, &w->op);
}

void devices_tick(struct devices *d)
{
    write_changes(d, 0);
}

void devices_write_soon(struct devices *d)
{
    write_changes(d, WRITE_EACH_MS);
}

/* With the lock; false: it takes too long. */
static bool wait_until_written(struct devices *d)
{
    int64_t until_us = wait_deadline_us(CLOSE_MS);
    while (d->is_writing)
        if (!wait_until(&d->written, &d->lock, until_us))
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
        store_hurry(d->store);
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
    struct entry *one = entry_find(d, id);
    bool          is_fixed = one && entry_is_named_by_settings(one);
    if (one && !is_fixed) {
        entry_set_text(one->owner_name, DEVICE_TEXT_MAX, name);
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
