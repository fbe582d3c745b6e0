/* archive: the thread's turns and its position. It is away (store/apart.h) during each call to the server. */
#include "store/archive.h"
#include "core/clock.h"
#include "store/apart.h"
#include "store/archive_inside.h"
#include "store/db.h"
#include "store/notes.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    READERS = 4,
    IDLE_MS = 500,
    LOOK_MS = 1000, /* how often the lag is told while nothing moves */
    BACK_OFF_MS = 250,
    BACK_OFF_MAX_MS = 30 * 1000,
    MARK_EVERY = 2000, /* events: so many are written again after a doubt */
};

struct archive {
    struct store          *store;
    struct archive_options options;
    char                  *uri, *site;
    struct apart          *apart;

    /* the thread's own */
    struct copying copying;
    bool           is_ready, has_indexes, is_noted, is_left_behind;
    int64_t        marked_seq, marked_changed;

    pthread_mutex_t      lock; /* guards the rest */
    struct archive_state state;
    int64_t              failing_since; /* monotonic; 0: it does not */
    struct mongo        *idle[READERS];
    size_t               idle_count, reader_count;
};

/* --- away and home ---------------------------------------------------------------------------------------------------- */

void archive_away(struct archive *a)
{
    apart_away(a->apart);
}

int archive_home(struct archive *a, int result, struct err *e)
{
    a->is_left_behind = !apart_home(a->apart);
    return a->is_left_behind ? err_set(e, ERR_STATE, "stopping") : result;
}

/* --- position ----------------------------------------------------------------------------------------------------------- */

static const char note_gateway[] = "archive.gateway", note_seq[] = "archive.seq", note_changed[] = "archive.changed";

struct saving {
    struct store_op op;
    int64_t         seq, changed;
    char            gateway[ID_TEXT];
};

static int apply_position(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct saving *s = (struct saving *)(void *)op;
    char                 seq[24], changed[24];
    (void)snprintf(seq, sizeof seq, "%lld", (long long)s->seq);
    (void)snprintf(changed, sizeof changed, "%lld", (long long)s->changed);
    return tx_note(tx, note_gateway, s->gateway, e) < 0 || tx_note(tx, note_seq, seq, e) < 0 ? -1 : tx_note(tx, note_changed, changed, e);
}

/* It is behind what the archive has, never before it: what is lost here is copied again. */
static void free_saving(struct store_op *op, const struct err *failed)
{
    (void)failed;
    free(op);
}

void archive_save(struct archive *a)
{
    struct saving *s = calloc(1, sizeof *s);
    if (!s)
        return;
    s->op = (struct store_op){ .rank = STORE_IDLE, .apply = apply_position, .done = free_saving };
    s->seq = a->copying.seq;
    s->changed = a->copying.changed;
    memcpy(s->gateway, a->copying.gateway, sizeof s->gateway);
    store_submit(a->store, &s->op);
}

static int read_number(struct archive *a, const char *name, int64_t *out, struct err *e)
{
    char text[24];
    int  found = note_read(a->copying.reader, name, text, sizeof text, e);
    if (found > 0)
        *out = strtoll(text, NULL, 10);
    return found;
}

/* A gateway has a name of its own: several may be of one site. */
static int read_position(struct archive *a, struct err *e)
{
    struct copying *c = &a->copying;
    int             found = note_read(c->reader, note_gateway, c->gateway, sizeof c->gateway, e);
    if (found == 0) {
        struct saving s = { .op = { .rank = STORE_EVENT, .apply = apply_position } };
        (void)id_make(s.gateway, clock_wall_ms());
        memcpy(c->gateway, s.gateway, sizeof c->gateway);
        return store_do(a->store, &s.op, e);
    }
    return found < 0 || read_number(a, note_seq, &c->seq, e) < 0 || read_number(a, note_changed, &c->changed, e) < 0 ? -1 : 0;
}

/* --- becoming ready ------------------------------------------------------------------------------------------------------ */

static void note(struct archive *a, const char *text)
{
    if (a->options.note)
        a->options.note(a->options.user, text);
}

/* What the server cannot do about indexes is said once; the archive works without. */
static int make_indexes(struct archive *a, struct err *e)
{
    struct err why;
    if (a->has_indexes)
        return 0;
    archive_away(a);
    int failed = mongo_make_indexes(a->copying.mongo, &why);
    if (archive_home(a, 0, e) < 0)
        return -1;
    a->has_indexes = true;
    if (failed)
        note(a, why.text);
    return 0;
}

/* An archive that is new, was lost, or came back from a backup knows less than we think. */
static int meet(struct archive *a, struct err *e)
{
    struct copying *c = &a->copying;
    int64_t         seq = 0, changed = 0;
    archive_away(a);
    int known = archive_home(a, mongo_get_mark(c->mongo, c->gateway, &seq, &changed, e), e);
    if (known < 0)
        return -1;
    if (c->seq > 0 && seq == 0 && !a->is_noted)
        note(a, "the archive does not know this gateway: all its events are copied again");
    a->is_noted |= c->seq > 0;
    c->seq = seq < c->seq ? seq : c->seq;
    c->changed = changed < c->changed ? changed : c->changed;
    a->marked_seq = seq;
    a->marked_changed = changed;
    /* What is read from now on has all changes up to now. */
    return c->seq > 0 ? 0 : db_number(reader_db(c->reader), "SELECT max(changed) FROM events", 0, &c->changed, e);
}

static int get_ready(struct archive *a, struct err *e)
{
    struct copying *c = &a->copying;
    if (a->is_ready)
        return 0;
    if (!c->reader && store_reader_open(a->store, &c->reader, e) < 0)
        return -1;
    if (c->gateway[0] == '\0' && read_position(a, e) < 0)
        return -1;
    if (meet(a, e) < 0 || make_indexes(a, e) < 0)
        return -1;
    a->is_ready = true;
    return 0;
}

static int leave_mark(struct archive *a, bool is_idle, struct err *e)
{
    struct copying *c = &a->copying;
    bool is_due = is_idle ? c->seq != a->marked_seq || c->changed != a->marked_changed : c->seq - a->marked_seq >= MARK_EVERY;
    if (!is_due)
        return 0;
    archive_away(a);
    if (archive_home(a, mongo_put_mark(c->mongo, c->gateway, c->site, c->seq, c->changed, clock_wall_ms(), e), e) < 0)
        return -1;
    a->marked_seq = c->seq;
    a->marked_changed = c->changed;
    return 0;
}

/* --- turns ---------------------------------------------------------------------------------------------------------------- */

/* How much was done; 0: there was nothing to do; -1. */
static int turn(struct archive *a, struct err *e)
{
    int events, changes, erasures;
    if (get_ready(a, e) < 0)
        return -1;
    if ((events = copy_events(&a->copying, e)) < 0 || (changes = copy_changes(&a->copying, e)) < 0 ||
        (erasures = copy_erasures(&a->copying, e)) < 0)
        return -1;
    int did = events + changes + erasures;
    if (leave_mark(a, did == 0, e) < 0 || (did == 0 && copy_forgetting(&a->copying, e) < 0))
        return -1;
    return did;
}

/* What waits, as far as our own database tells. */
static void measure(struct archive *a, struct archive_state *s)
{
    struct err ignored;
    int64_t    oldest_ms = 0;
    if (!a->copying.reader || copy_lag(&a->copying, &s->events, &oldest_ms, &ignored) < 0)
        return;
    int64_t now_ms = clock_wall_ms();
    s->seconds = s->events > 0 && oldest_ms > 0 && now_ms > oldest_ms ? (now_ms - oldest_ms) / 1000 : 0;
}

static void tell(struct archive *a, int result, const struct err *e)
{
    const struct copying *c = &a->copying;
    struct archive_state  s = { .copied = c->copied, .pictures = c->pictures, .forgotten = c->forgotten, .forgotten_pictures = c->forgotten_pictures };
    measure(a, &s);
    (void)pthread_mutex_lock(&a->lock);
    if (result >= 0)
        a->failing_since = 0;
    else if (a->failing_since == 0)
        a->failing_since = clock_mono_ms();
    s.is_failing = result < 0;
    if (result < 0)
        (void)snprintf(s.text, sizeof s.text, "%s", e->text);
    a->state = s;
    (void)pthread_mutex_unlock(&a->lock);
}

/* While nothing moves the lag grows. */
static void tell_lag(struct archive *a)
{
    struct archive_state now = { 0 };
    measure(a, &now);
    (void)pthread_mutex_lock(&a->lock);
    a->state.events = now.events;
    a->state.seconds = now.seconds;
    (void)pthread_mutex_unlock(&a->lock);
}

/* As apart_rest, and the lag is told meanwhile. */
static bool rest_after_failure(struct archive *a, int64_t ms)
{
    for (int64_t waited = 0; waited < ms && !apart_is_stopping(a->apart); waited += LOOK_MS) {
        if (!apart_rest(a->apart, ms - waited < LOOK_MS ? ms - waited : LOOK_MS))
            return false;
        tell_lag(a);
    }
    return true;
}

static void run(struct apart *apart, void *user)
{
    struct archive *a = user;
    int64_t         back_off = BACK_OFF_MS;
    while (!apart_is_stopping(apart)) {
        struct err e;
        int        did = turn(a, &e);
        if (a->is_left_behind)
            return;
        tell(a, did, &e);
        if (did > 0)
            continue;
        if (did < 0) {
            a->is_ready = false;
            copying_slower(&a->copying);
        }
        if (did < 0 ? !rest_after_failure(a, back_off) : !apart_rest(apart, IDLE_MS))
            return;
        if (did == 0) /* all of it works, not only the first half of a turn */
            back_off = BACK_OFF_MS;
        else
            back_off = back_off * 2 < BACK_OFF_MAX_MS ? back_off * 2 : BACK_OFF_MAX_MS;
    }
}

/* --- from outside ------------------------------------------------------------------------------------------------------------ */

static void let_go(void *user)
{
    store_reader_close(&((struct archive *)user)->copying.reader);
}

static void free_all(void *user)
{
    struct archive *a = user;
    copying_done(&a->copying);
    for (size_t i = 0; i < a->idle_count; i++)
        mongo_close(&a->idle[i]);
    (void)pthread_mutex_destroy(&a->lock);
    free(a->uri);
    free(a->site);
    free(a);
}

int archive_start(struct store *s, const struct archive_options *o, struct archive **out, struct err *e)
{
    struct archive *a = calloc(1, sizeof *a);
    if (!a)
        return err_set(e, ERR_NOMEM, "out of memory");
    (void)pthread_mutex_init(&a->lock, NULL);
    a->store = s;
    a->options = *o;
    a->uri = strdup(o->uri);
    a->site = strdup(o->site);
    struct mongo_options to = { .uri = a->uri, .call_ms = o->call_ms };
    int failed = a->uri && a->site ? 0 : err_set(e, ERR_NOMEM, "out of memory");
    if (failed || copying_init(&a->copying, a, s, &to, a->site, o->has_pictures, e) < 0) {
        free_all(a);
        return -1;
    }
    a->copying.keep_days = o->keep_days;
    a->copying.keep_pictures_days = o->keep_pictures_days;
    if (apart_start(&(struct apart_work){ .name = "archive", .run = run, .let_go = let_go, .free = free_all, .user = a }, &a->apart, e) < 0)
        return -1;
    *out = a;
    return 0;
}

void archive_stop(struct archive **ap)
{
    struct archive *a = TAKE(*ap);
    if (a)
        apart_stop(a->apart);
}

void archive_state(struct archive *a, struct archive_state *out)
{
    (void)pthread_mutex_lock(&a->lock);
    *out = a->state;
    out->failing_ms = a->failing_since ? clock_mono_ms() - a->failing_since : 0;
    (void)pthread_mutex_unlock(&a->lock);
}

const char *archive_where(const struct archive *a)
{
    return mongo_where(a->copying.mongo);
}

int archive_reader(struct archive *a, struct mongo **out, struct err *e)
{
    struct mongo_options to = { .uri = a->uri, .call_ms = a->options.call_ms };
    (void)pthread_mutex_lock(&a->lock);
    struct mongo *idle = a->idle_count > 0 ? a->idle[--a->idle_count] : NULL;
    bool          may_open = !idle && a->reader_count < READERS;
    a->reader_count += may_open;
    (void)pthread_mutex_unlock(&a->lock);
    if (!idle && !may_open)
        return err_set(e, ERR_BUSY, "%d others are reading the archive; try again in a moment", READERS);
    if (!idle && mongo_open(&to, &idle, e) < 0) {
        (void)pthread_mutex_lock(&a->lock);
        a->reader_count--;
        (void)pthread_mutex_unlock(&a->lock);
        return -1;
    }
    *out = idle;
    return 0;
}

void archive_reader_back(struct archive *a, struct mongo **m)
{
    (void)pthread_mutex_lock(&a->lock);
    a->idle[a->idle_count++] = TAKE(*m);
    (void)pthread_mutex_unlock(&a->lock);
}
