/* fakes: one lock, one thread that commits what was taken, in order. */
#include "fakes.h"
#include "service/health.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct kept {
    struct fake_arrival seen;
    char                to[64];
    bool                is_large, has_raw;
    char               *raw;
    size_t              n;
};
struct queued {
    struct understanding *u;
    struct queued        *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  changed = PTHREAD_COND_INITIALIZER;
static struct kept     kept[FAKE_ARRIVALS + 1];
static int64_t         last;
static struct queued  *first, **end = &first;
static bool            is_held, is_ending;
static int             failures, rules_told;
static char            health[240];
static pthread_t       thread;

void fake_reset(void)
{
    for (int64_t i = 1; i <= last; i++)
        free(kept[i].raw);
    memset(kept, 0, sizeof kept);
    last = 0;
    is_held = is_ending = false;
    failures = rules_told = 0;
    health[0] = '\0';
}

int64_t fake_keep(const char *to, bool is_large, const void *raw, size_t n)
{
    (void)pthread_mutex_lock(&lock);
    struct kept *k = &kept[++last];
    int64_t      seq = last;
    *k = (struct kept){ .is_large = is_large, .has_raw = raw, .n = n };
    (void)snprintf(k->to, sizeof k->to, "%s", to);
    k->raw = raw ? malloc(n + 1) : NULL;
    if (raw)
        memcpy(k->raw, raw, n);
    (void)pthread_mutex_unlock(&lock);
    return seq;
}

struct fake_arrival fake_look(int64_t seq)
{
    (void)pthread_mutex_lock(&lock);
    struct fake_arrival seen = kept[seq].seen;
    (void)pthread_mutex_unlock(&lock);
    return seen;
}

/* --- store ---------------------------------------------------------------------------------------------------- */

int store_reader_open(struct store *s, struct store_reader **out, struct err *e)
{
    (void)s, (void)e;
    *out = NULL;
    return 0;
}

void store_reader_close(struct store_reader **r)
{
    (void)r;
}

int64_t store_last_arrival(const struct store *s)
{
    (void)s;
    (void)pthread_mutex_lock(&lock);
    int64_t seq = last;
    (void)pthread_mutex_unlock(&lock);
    return seq;
}

static void fill(struct arrival_row *row, int64_t seq, struct arena *a)
{
    const struct kept *k = &kept[seq];
    *row = (struct arrival_row){
        .seq = seq, .received_ms = 1000, .bytes = (int64_t)k->n, .state = k->seen.state, .tries = k->seen.tries,
        .envelope = arena_printf(a, "{\"listener\":\"smtp\",\"peer\":\"192.0.2.1\",\"helo\":\"\",\"login\":\"\",\"from\":\"p@h\",\"to\":[\"%s\"]}", k->to),
        .is_large = k->is_large, .has_raw = k->has_raw,
    };
    (void)snprintf(row->id, sizeof row->id, "01J00000000000000000%06d", (int)seq);
}

typedef bool wanted(const struct kept *k);

static int pick(wanted *is_wanted, int64_t after, int64_t up_to, struct arrival_row *rows, int limit, struct arena *a)
{
    int n = 0;
    (void)pthread_mutex_lock(&lock);
    for (int64_t seq = after + 1; seq <= last && seq <= up_to && n < limit; seq++)
        if (kept[seq].seen.state < ARRIVAL_UNDERSTOOD && is_wanted(&kept[seq]))
            fill(&rows[n++], seq, a);
    (void)pthread_mutex_unlock(&lock);
    return n;
}

static bool is_quicks(const struct kept *k)
{
    return !k->is_large && k->seen.tries == 0;
}

static bool is_slows(const struct kept *k)
{
    return !is_quicks(k);
}

static bool is_untold(const struct kept *k)
{
    return k->seen.state == ARRIVAL_KEPT;
}

int store_waiting_arrivals(struct store_reader *r, bool is_quick, int64_t after, struct arrival_row *rows, int limit, struct arena *a,
                           struct err *e)
{
    (void)r, (void)e;
    return pick(is_quick ? is_quicks : is_slows, after, INT64_MAX, rows, limit, a);
}

int store_overdue_arrivals(struct store_reader *r, int64_t up_to, struct arrival_row *rows, int limit, struct arena *a, struct err *e)
{
    (void)r, (void)e;
    return pick(is_untold, 0, up_to, rows, limit, a);
}

int store_copy_raw(struct store_reader *r, int64_t seq, struct buf *out, struct err *e)
{
    (void)r;
    const struct kept *k = &kept[seq];
    if (!k->has_raw || k->is_large)
        return 0;
    return buf_add(out, k->raw, k->n, e) < 0 ? -1 : 1;
}

int store_open_raw(struct store_reader *r, int64_t seq, int *fd_out, struct err *e)
{
    (void)r;
    const struct kept *k = &kept[seq];
    if (!k->has_raw)
        return err_set(e, ERR_NOT_FOUND, "forgotten");
    int fd = memfd_create("raw", MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < k->n;) {
        ssize_t n = write(fd, k->raw + done, k->n - done);
        if (n <= 0)
            return err_set(e, ERR_IO, "write: %m");
        done += (size_t)n;
    }
    (void)lseek(fd, 0, SEEK_SET);
    *fd_out = fd;
    return 0;
}

int store_do(struct store *s, struct store_op *op, struct err *e)
{
    (void)s;
    return op->apply(NULL, op, e);
}

int tx_arrival_failed(struct store_tx *tx, int64_t seq, struct err *e)
{
    (void)tx, (void)e;
    (void)pthread_mutex_lock(&lock);
    kept[seq].seen.tries++;
    (void)pthread_mutex_unlock(&lock);
    return 0;
}

/* --- relay ---------------------------------------------------------------------------------------------------- */

struct understanding *understanding_new(void)
{
    struct understanding *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    arena_init(&u->arena, 4 * 1024 * 1024);
    u->events.arena = &u->arena;
    return u;
}

void understanding_free(struct understanding **u)
{
    if (*u)
        arena_done(&(*u)->arena);
    free(*u);
    *u = NULL;
}

void relay_system(struct relay *r, const char *kind, bool restored, const char *key, const char *text)
{
    (void)r, (void)restored, (void)key, (void)text;
    (void)pthread_mutex_lock(&lock);
    rules_told += strcmp(kind, "system.settings") == 0;
    (void)pthread_mutex_unlock(&lock);
}

int fake_rules_told(void)
{
    (void)pthread_mutex_lock(&lock);
    int n = rules_told;
    (void)pthread_mutex_unlock(&lock);
    return n;
}

void relay_take(struct relay *r, struct understanding *u)
{
    (void)r;
    struct queued *q = calloc(1, sizeof *q);
    q->u = u;
    (void)pthread_mutex_lock(&lock);
    *end = q;
    end = &q->next;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static void commit(struct understanding *u)
{
    struct fake_arrival *seen = &kept[u->arrival_seq].seen;
    const struct event  *ev = &u->events.items[0];
    seen->understood += u->state == ARRIVAL_UNDERSTOOD;
    seen->told += u->state == ARRIVAL_TOLD;
    seen->given_up += u->state == ARRIVAL_GIVEN_UP;
    if (u->state > seen->state)
        seen->state = u->state;
    seen->severity = ev->severity;
    (void)snprintf(seen->kind, sizeof seen->kind, "%s", ev->kind);
    (void)snprintf(seen->parser, sizeof seen->parser, "%s", u->parser);
}

static void *relay_run(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&lock);
    while (!is_ending || first) {
        if (!first || (is_held && !is_ending)) {
            (void)pthread_cond_wait(&changed, &lock);
            continue;
        }
        struct queued *q = first;
        first = q->next;
        end = first ? end : &first;
        bool is_failed = failures > 0;
        failures -= is_failed;
        if (!is_failed)
            commit(q->u);
        (void)pthread_mutex_unlock(&lock);
        q->u->kept(q->u->user, is_failed ? &(struct err){ ERR_IO, "disk" } : NULL);
        understanding_free(&q->u);
        free(q);
        (void)pthread_mutex_lock(&lock);
    }
    (void)pthread_mutex_unlock(&lock);
    return NULL;
}

void fake_relay_start(void)
{
    (void)pthread_create(&thread, NULL, relay_run, NULL);
}

static void set(bool *flag, bool value)
{
    (void)pthread_mutex_lock(&lock);
    *flag = value;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
}

void fake_relay_stop(void)
{
    set(&is_ending, true);
    (void)pthread_join(thread, NULL);
}

void fake_hold_relay(bool held)
{
    set(&is_held, held);
}

void fake_fail_next(int count)
{
    (void)pthread_mutex_lock(&lock);
    failures = count;
    (void)pthread_mutex_unlock(&lock);
}

/* --- health --------------------------------------------------------------------------------------------------- */

void health_set(enum health_reason reason, const char *name, const char *detail)
{
    (void)reason, (void)name;
    (void)pthread_mutex_lock(&lock);
    (void)snprintf(health, sizeof health, "%s", detail ? detail : "");
    (void)pthread_mutex_unlock(&lock);
}

const char *fake_health(void)
{
    static char copy[sizeof health];
    (void)pthread_mutex_lock(&lock);
    memcpy(copy, health, sizeof copy);
    (void)pthread_mutex_unlock(&lock);
    return copy;
}

/* --- the registry: nobody is known --------------------------------------------------------------------------- */

void devices_recognise(struct devices *d, const struct envelope *env, struct device_known *out)
{
    (void)d, (void)env;
    *out = (struct device_known){ .kind = "", .language = "", .time_zone = "" };
}

void devices_learn(struct devices *d, const struct envelope *env, int64_t received_ms, struct events *events)
{
    (void)d, (void)env, (void)received_ms, (void)events;
}

void devices_complain(struct devices *d, const struct envelope *env, int64_t wall_ms, const char *text)
{
    (void)d, (void)env, (void)wall_ms, (void)text;
}
