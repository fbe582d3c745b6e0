/* intake: see intake.h. Who may touch it: the loop; during a job the pool's thread what the job needs; from store_accept until
 * kept() the store. */
#include "net/intake.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/id.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct intakes {
    struct intakes_options options;
    struct store *store;
    uv_loop_t *loop;
    uv_async_t answered;
    size_t count, bytes;
    uv_mutex_t lock;
    struct intake *first, **last; /* answered by the writer; guarded by lock */
    void (*closed)(void *user);
    void *closed_user;
};

enum job { JOB_WRITE, JOB_WRITE_AND_SYNC, JOB_REMOVE };

struct intake {
    struct arrival arrival;
    struct intakes *group;
    struct intake_owner owner;
    bool is_busy, is_finished, is_abandoned; /* finished: the last bytes are here                */
    enum job job;                            /* what the running job does                        */
    uv_work_t work;
    struct spool *spool;
    struct buf chunk, rest; /* chunk: of the running job; rest: what came with finish meanwhile */
    struct err failure;     /* code ERR_NONE: none yet. The job's while it runs */
    struct buf envelope;
    const char *peer, *from; /* behind the JSON in envelope */
    size_t to_count;
    size_t counted;                /* of its bytes in group->bytes */
    int64_t named_ms, finished_ms; /* wall, running */
    struct intake *next;
};

enum { ENVELOPE_USUAL = 250, ENVELOPE_MAX = 8 * 1024 * 1024, CHUNK_MAX = INT32_MAX };

static const struct err *failure_of(const struct intake *in)
{
    return in->failure.code == ERR_NONE ? NULL : &in->failure;
}

/* The bytes move, memory and all. */
static void move_bytes(struct buf *to, struct buf *from)
{
    size_t to_max = to->max, from_max = from->max;
    buf_done(to);
    *to = *from;
    to->max = to_max;
    buf_init(from, from_max);
}

static void count_bytes(struct intake *in)
{
    size_t now = in->chunk.len + in->rest.len;
    in->group->bytes += now - in->counted; /* modulo: may be less */
    in->counted = now;
}

static void intake_free(struct intake *in)
{
    in->group->count--;
    in->group->bytes -= in->counted;
    buf_done(&in->chunk);
    buf_done(&in->rest);
    buf_done(&in->envelope);
    free(in);
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static void end(struct intake *in)
{
    const struct intakes_options *o = &in->group->options;
    FAULT("net.after_kept");
    if (in->owner.ended)
        in->owner.ended(in->owner.user, in->arrival.id, failure_of(in));
    o->ended(o->user, &in->arrival, in->peer, in->from, in->to_count, clock_mono_ms() - in->finished_ms, failure_of(in));
    intake_free(in);
}

static struct intake *take_answered(struct intakes *g)
{
    uv_mutex_lock(&g->lock);
    struct intake *first = TAKE(g->first);
    g->last = &g->first;
    uv_mutex_unlock(&g->lock);
    return first;
}

static void on_answered(uv_async_t *async)
{
    struct intake *in = take_answered(async->data);
    while (in) {
        struct intake *next = in->next;
        end(in);
        in = next;
    }
}

/* Writer's thread. One wake for all that are answered before the loop comes round. */
static void on_kept(struct arrival *a, const struct err *failed)
{
    struct intake *in = a->user;
    struct intakes *g = in->group;
    if (failed)
        in->failure = *failed;
    in->next = NULL;
    uv_mutex_lock(&g->lock);
    bool is_first = !g->first;
    *g->last = in;
    g->last = &in->next;
    uv_mutex_unlock(&g->lock);
    if (is_first)
        (void)uv_async_send(&g->answered);
}

static void hand_to_store(struct intake *in)
{
    FAULT("net.before_accept");
    in->arrival.envelope = buf_str(&in->envelope);
    in->arrival.data = in->spool ? NULL : buf_str(&in->rest);
    in->arrival.spool = TAKE(in->spool);
    in->arrival.kept = on_kept;
    in->arrival.user = in;
    store_accept(in->group->store, &in->arrival);
}

/* --- jobs in the pool --------------------------------------------------------------------------------------------- */

static int write_chunk(struct intake *in, struct err *e)
{
    if (!in->spool && spool_open(in->group->store, in->arrival.id, in->named_ms, &in->spool, e) < 0)
        return -1;
    if (in->chunk.len > 0 && spool_write(in->spool, buf_str(&in->chunk), in->chunk.len, e) < 0)
        return -1;
    FAULT("net.after_spool_write");
    return in->job == JOB_WRITE_AND_SYNC ? spool_sync(in->spool, e) : 0;
}

/* Pool's thread. */
static void run_job(uv_work_t *work)
{
    struct intake *in = work->data;
    if (in->job == JOB_REMOVE || write_chunk(in, &in->failure) < 0)
        spool_abandon(&in->spool);
}

static void start_job(struct intake *in, enum job job);

/* Nobody wants it any more: the file goes, then the rest. */
static void remove_or_free(struct intake *in)
{
    if (in->spool)
        start_job(in, JOB_REMOVE);
    else
        intake_free(in);
}

static void after_job(uv_work_t *work, int status)
{
    struct intake *in = work->data;
    (void)status;
    in->is_busy = false;
    buf_done(&in->chunk);
    count_bytes(in);
    if (in->is_abandoned) {
        remove_or_free(in);
    } else if (!in->is_finished) {
        in->owner.wrote(in->owner.user, failure_of(in));
    } else if (failure_of(in)) {
        end(in);
    } else if (in->job == JOB_WRITE_AND_SYNC) {
        hand_to_store(in);
    } else {
        move_bytes(&in->chunk, &in->rest);
        start_job(in, JOB_WRITE_AND_SYNC);
    }
}

static void start_job(struct intake *in, enum job job)
{
    in->is_busy = true;
    in->job = job;
    in->work.data = in;
    if (uv_queue_work(in->group->loop, &in->work, run_job, after_job) < 0)
        abort(); /* only a wrong argument makes it fail */
}

/* --- the connection's side ------------------------------------------------------------------------------------------ */

struct intake *intake_begin(struct intakes *g, const struct intake_owner *owner)
{
    struct intake *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    in->group = g;
    in->owner = *owner;
    buf_init(&in->chunk, CHUNK_MAX);
    buf_init(&in->rest, CHUNK_MAX);
    buf_init(&in->envelope, ENVELOPE_MAX);
    g->count++;
    return in;
}

/* A large mail is named when its file is made, the others when they are complete. */
static void give_name(struct intake *in)
{
    if (in->arrival.id[0])
        return;
    in->named_ms = clock_wall_ms();
    (void)id_make(in->arrival.id, in->named_ms);
}

bool intake_is_busy(const struct intake *in)
{
    return in->is_busy;
}

void intake_spool(struct intake *in, struct buf *body)
{
    give_name(in);
    move_bytes(&in->chunk, body);
    count_bytes(in);
    start_job(in, JOB_WRITE);
}

/* One block: the JSON, and behind its NUL what the log line needs. */
static int keep_envelope(struct intake *in, const struct envelope *env, struct err *e)
{
    if (buf_reserve(&in->envelope, ENVELOPE_USUAL, e) < 0)
        return -1;
    struct json_out w = json_begin(&in->envelope);
    json_object(&w, NULL);
    envelope_write(&w, env);
    json_end(&w);
    buf_putc(&in->envelope, '\0');
    size_t peer = in->envelope.len;
    buf_puts(&in->envelope, env->peer);
    buf_putc(&in->envelope, '\0');
    size_t from = in->envelope.len;
    buf_puts(&in->envelope, env->from);
    if (in->envelope.failed)
        return err_set(e, ERR_NOMEM, "out of memory for the envelope");
    in->peer = in->envelope.data + peer;
    in->from = in->envelope.data + from;
    in->to_count = env->to_count;
    return 0;
}

void intake_finish(struct intake *in, struct buf *body, const struct envelope *env, int64_t bytes)
{
    in->finished_ms = clock_mono_ms();
    struct err e;
    if (keep_envelope(in, env, &e) < 0) {
        struct intake_owner owner = in->owner;
        intake_abandon(&in);
        owner.ended(owner.user, "", &e);
        return;
    }
    bool is_large = in->arrival.id[0] || bytes > store_inline_max(in->group->store);
    give_name(in);
    in->arrival.received_ms = clock_wall_ms();
    in->arrival.bytes = bytes;
    in->is_finished = true;
    move_bytes(&in->rest, body);
    count_bytes(in);
    if (in->is_busy)
        return; /* after_job goes on */
    if (!is_large) {
        hand_to_store(in);
        return;
    }
    move_bytes(&in->chunk, &in->rest);
    start_job(in, JOB_WRITE_AND_SYNC);
}

void intake_abandon(struct intake **inp)
{
    struct intake *in = TAKE(*inp);
    if (!in)
        return;
    in->is_abandoned = true;
    if (!in->is_busy) /* else after_job sees it */
        remove_or_free(in);
}

void intake_leave(struct intake **inp)
{
    struct intake *in = TAKE(*inp);
    if (in)
        in->owner = (struct intake_owner){ 0 };
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

int intakes_open(struct uv_loop_s *loop, struct store *s, const struct intakes_options *o, struct intakes **out, struct err *e)
{
    struct intakes *g = calloc(1, sizeof *g);
    if (!g)
        return err_set(e, ERR_NOMEM, "out of memory");
    *g = (struct intakes){ .options = *o, .store = s, .loop = loop };
    g->last = &g->first;
    if (uv_mutex_init(&g->lock) < 0) {
        free(g);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    if (uv_async_init(loop, &g->answered, on_answered) < 0) {
        uv_mutex_destroy(&g->lock);
        free(g);
        return err_set(e, ERR_IO, "no descriptor to wake the loop by");
    }
    g->answered.data = g;
    *out = g;
    return 0;
}

size_t intakes_count(const struct intakes *g)
{
    return g->count;
}

size_t intakes_bytes(const struct intakes *g)
{
    return g->bytes;
}

static void on_closed(uv_handle_t *handle)
{
    struct intakes *g = handle->data;
    g->closed(g->closed_user);
    uv_mutex_destroy(&g->lock);
    free(g);
}

void intakes_close(struct intakes **gp, void (*closed)(void *user), void *user)
{
    struct intakes *g = TAKE(*gp);
    g->closed = closed;
    g->closed_user = user;
    uv_close((uv_handle_t *)&g->answered, on_closed);
}
