/* fake_store: see fake_store.h. */
#include "fake_store.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARRIVALS_MAX = 4096 };

struct spool {
    struct store *store;
    struct buf bytes;
};

struct store {
    pthread_t writer;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct arrival *waiting[ARRIVALS_MAX];
    size_t count;
    bool is_held, is_stopping, is_slow;
    atomic_bool is_low;
    enum err_code failure, spool_failure;
    const char *spool_step;
    int jobs, abandoned, open_spools, kept;
    struct {
        struct buf bytes;
        char *envelope;
    } arrivals[ARRIVALS_MAX];
};

static void keep(struct store *s, const struct arrival *a)
{
    struct buf *bytes = &s->arrivals[s->kept].bytes;
    buf_init(bytes, 256U << 20);
    if (a->spool) {
        *bytes = a->spool->bytes;
        s->open_spools--;
        free(a->spool);
    } else {
        buf_put(bytes, a->data, (size_t)a->bytes);
    }
    s->arrivals[s->kept].envelope = strdup(a->envelope);
    s->kept++;
}

static void refuse(struct store *s, const struct arrival *a)
{
    if (!a->spool)
        return;
    buf_done(&a->spool->bytes);
    free(a->spool);
    s->open_spools--;
    s->abandoned++;
}

static void answer(struct store *s, struct arrival *a)
{
    struct err e = { .code = s->failure, .text = "as told" };
    if (s->failure == ERR_NONE)
        keep(s, a);
    else
        refuse(s, a);
    a->seq = s->kept;
    pthread_mutex_unlock(&s->lock);
    a->kept(a, e.code == ERR_NONE ? NULL : &e);
    pthread_mutex_lock(&s->lock);
}

static void *run_writer(void *arg)
{
    struct store *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->is_stopping) {
        if (s->is_held || s->count == 0) {
            pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        struct arrival *first = s->waiting[0];
        memmove(s->waiting, s->waiting + 1, --s->count * sizeof s->waiting[0]);
        answer(s, first);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct store *fake_store_new(void)
{
    struct store *s = calloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    pthread_create(&s->writer, NULL, run_writer, s);
    return s;
}

void fake_store_free(struct store **sp)
{
    struct store *s = TAKE(*sp);
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->writer, NULL);
    for (int i = 0; i < s->kept; i++) {
        buf_done(&s->arrivals[i].bytes);
        free(s->arrivals[i].envelope);
    }
    free(s);
}

#define LOCKED(statement)                                                                                                      \
    do {                                                                                                                       \
        pthread_mutex_lock(&s->lock);                                                                                          \
        statement;                                                                                                             \
        pthread_cond_signal(&s->changed);                                                                                      \
        pthread_mutex_unlock(&s->lock);                                                                                        \
    } while (0)

void fake_store_fail(struct store *s, enum err_code code)
{
    LOCKED(s->failure = code);
}

void fake_store_fail_spool(struct store *s, const char *step, enum err_code code)
{
    LOCKED((s->spool_step = step, s->spool_failure = code));
}

void fake_store_hold(struct store *s, bool is_held)
{
    LOCKED(s->is_held = is_held);
}

/* Before anything is sent: the loop's thread reads it without the lock. */
void fake_store_is_slow(struct store *s, bool is_slow)
{
    s->is_slow = is_slow;
}

void fake_store_is_low(struct store *s, bool is_low)
{
    atomic_store(&s->is_low, is_low);
}

static int read_locked(struct store *s, const int *value)
{
    int copy;
    LOCKED(copy = *value);
    return copy;
}

int fake_store_kept(struct store *s)
{
    return read_locked(s, &s->kept);
}

int fake_store_jobs(struct store *s)
{
    return read_locked(s, &s->jobs);
}

int fake_store_abandoned(struct store *s)
{
    return read_locked(s, &s->abandoned);
}

int fake_store_open_spools(struct store *s)
{
    return read_locked(s, &s->open_spools);
}

void fake_store_arrival(struct store *s, int n, const char **bytes_out, size_t *length_out, const char **envelope_out)
{
    LOCKED((*bytes_out = buf_str(&s->arrivals[n].bytes), *length_out = s->arrivals[n].bytes.len,
            *envelope_out = s->arrivals[n].envelope));
}

/* --- what net/ sees ------------------------------------------------------------------------------------------------- */

int64_t store_small_max(const struct store *s)
{
    (void)s;
    return 65536;
}

bool store_is_full(const struct store *s)
{
    (void)s;
    return false;
}

bool store_is_low(const struct store *s)
{
    return s->is_low;
}

int64_t store_inline_max(const struct store *s)
{
    return s->is_slow ? 1 << 20 : 65536;
}

void store_hint_conversation(struct store *s, int delta)
{
    (void)s;
    (void)delta;
}

void store_accept(struct store *s, struct arrival *a)
{
    LOCKED(s->waiting[s->count++] = a);
}

static int step(struct store *s, const char *name, struct err *e)
{
    bool is_failing;
    enum err_code code;
    LOCKED((s->jobs++, is_failing = s->spool_step && strcmp(s->spool_step, name) == 0, code = s->spool_failure));
    return is_failing ? err_set(e, code, "%s fails as told", name) : 0;
}

int spool_open(struct store *s, const char *id, int64_t received_ms, struct spool **out, struct err *e)
{
    (void)id;
    (void)received_ms;
    if (step(s, "open", e) < 0)
        return -1;
    struct spool *f = calloc(1, sizeof *f);
    f->store = s;
    buf_init(&f->bytes, 256U << 20);
    LOCKED(s->open_spools++);
    *out = f;
    return 0;
}

int spool_write(struct spool *f, const void *bytes, size_t n, struct err *e)
{
    if (step(f->store, "write", e) < 0)
        return -1;
    return buf_add(&f->bytes, bytes, n, e);
}

int spool_sync(struct spool *f, struct err *e)
{
    return step(f->store, "sync", e);
}

void spool_abandon(struct spool **fp)
{
    struct spool *f = TAKE(*fp);
    if (!f)
        return;
    struct store *s = f->store;
    LOCKED((s->abandoned++, s->open_spools--));
    buf_done(&f->bytes);
    free(f);
}
