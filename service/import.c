/* import: one run at a time. The thread reads and writes progress under the lock; what it holds alone stands in struct run. */
#include "service/import.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/turn.h"
#include "service/aside.h"
#include "service/import_keep.h"
#include "service/inspect_ask.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    JOB_ARENA = 1024 * 1024,
    LOOK_ARENA = 4 * 1024 * 1024,
    REFUSALS_KEPT = 10,
    REFUSAL_TEXT = 320,
};
static const char job_file[] = "import.json";

enum state { IDLE, RUNNING, DONE, STOPPED, FAILED };
static const char *const state_names[] = { "idle", "running", "done", "stopped", "failed" };

struct progress {
    enum state state;
    const char *source; /* a literal */
    int64_t    total, read, kept, already, refused, unreadable, events, persons;
    int64_t    started_ms, ended_ms, started_mono_ms;
    char       refusals[REFUSALS_KEPT][REFUSAL_TEXT];
    char       error[240];
};

struct import {
    struct store            *store;
    struct inspector_options inspector;
    const char              *site;
    bool                     is_alone;
    atomic_bool              is_stopping;
    pthread_mutex_t          lock; /* guards the rest */
    struct progress          progress;
    struct arena             arena; /* of the job */
    struct import_job        job;   /* the thread's, while it runs */
    pthread_t                thread;
    bool                     has_thread; /* to be joined */
};

/* What the thread holds during a run. */
struct run {
    struct import         *i;
    struct store_reader   *reader;
    struct inspect_process process;
    struct import_row      row;
    struct import_batch    batch;
    struct progress        now; /* copied into the shared one after each row */
};

static bool tick(void *user)
{
    return !((struct import *)user)->is_stopping;
}

/* --- progress ------------------------------------------------------------------------------------------------------- */

static void publish(struct run *run)
{
    struct progress *now = &run->now;
    now->kept = run->batch.kept;
    now->already += run->batch.already;
    now->events = run->batch.events;
    now->persons = run->batch.persons;
    run->batch.already = 0;
    (void)pthread_mutex_lock(&run->i->lock);
    run->i->progress = *now;
    (void)pthread_mutex_unlock(&run->i->lock);
}

static void refuse(struct run *run, const struct err *why)
{
    if (run->now.refused < REFUSALS_KEPT) {
        (void)snprintf(run->now.refusals[run->now.refused], REFUSAL_TEXT, "%s: %s", run->row.where, why->text);
        log_line(LOG_WARN, "import.refused", LOG_S("where", run->row.where), LOG_S("text", why->text));
    }
    run->now.refused++;
}

/* --- one row -------------------------------------------------------------------------------------------------------- */

static int write_envelope(const struct run *run, struct buf *out)
{
    const char     *to[] = { run->row.to };
    struct envelope env = { .listener = "import", .peer = "", .helo = "", .login = run->i->job.device, .from = run->row.from,
                            .to = to, .to_count = run->row.to[0] ? 1 : 0 };
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    envelope_write(&w, &env);
    json_end(&w);
    return out->failed ? -1 : 0;
}

static int ensure_process(struct run *run, struct err *e)
{
    if (run->process.pid > 0)
        return 0;
    return inspect_process_start(&run->process, &run->i->inspector, (struct ticker){ tick, run->i }, e);
}

/* 0 with an answer; -1: ERR_STATE and ERR_BUSY are not the row's fault. */
static int ask(struct run *run, struct import_entry *one, struct err *e)
{
    struct arrival_row row = { .bytes = one->arrival.bytes, .received_ms = one->arrival.received_ms, .envelope = one->arrival.envelope };
    int                told = 0;
    for (int tries = 0; told == 0; tries++) { /* a process that was gone is replaced once */
        if (ensure_process(run, e) < 0)
            return err_set(e, ERR_STATE, "%s", e->text);
        told = tries > 1 ? err_set(e, ERR_STATE, "postern-inspect ends at once")
                         : inspect_ask_bytes(&run->process, &run->i->inspector, &row, one->arrival.data, e);
    }
    if (told < 0)
        return err_set(e, ERR_STATE, "%s", e->text);
    int64_t deadline = inspect_deadline_ms(&run->i->inspector, row.bytes);
    if (inspect_process_hear(&run->process, deadline, (struct ticker){ tick, run->i }, &one->events, &one->answer, e) < 0)
        return -1;
    if (one->answer.error || one->events.count == 0)
        return err_set(e, ERR_INPUT, "%s", one->answer.error ? one->answer.error : "no event");
    return 0;
}

/* Nobody can read it: it is kept all the same, with an event that says so. */
static int make_unreadable(struct run *run, struct import_entry *one, const struct err *why)
{
    log_line(LOG_WARN, "import.unreadable", LOG_S("where", run->row.where), LOG_S("text", why->text));
    one->events.count = 0;
    struct event *ev = events_add(&one->events, "unreadable");
    if (!ev)
        return -1;
    ev->device_id = ev->device_name = run->i->job.device[0] ? run->i->job.device : run->row.from;
    ev->device_id = ev->device_name = arena_str(&one->arena, ev->device_id);
    one->answer = (struct job_answer){ .parser = "", .subject = "" };
    one->state = ARRIVAL_GIVEN_UP;
    run->now.unreadable++;
    return ev->device_id ? 0 : -1;
}

/* Its events; -1: the run cannot go on. */
static int understand(struct run *run, struct import_entry *one, struct err *e)
{
    one->state = ARRIVAL_UNDERSTOOD;
    if (ask(run, one, e) == 0)
        return 0;
    if (e->code == ERR_STATE || e->code == ERR_BUSY || run->i->is_stopping)
        return -1;
    struct err why = *e;
    return make_unreadable(run, one, &why) < 0 ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

/* 1, 0, -1. */
static int is_there(struct run *run, const char *id, struct err *e)
{
    CLEANUP(arena_done) struct arena a;
    struct arrival_row               row;
    arena_init(&a, LOOK_ARENA);
    return store_find_arrival(run->reader, id, &row, &a, e);
}

static int keep_new(struct run *run, const char *id, struct err *e)
{
    CLEANUP(buf_done) struct buf envelope;
    buf_init(&envelope, 4 * IMPORT_ADDRESS + 1024);
    CLEANUP(import_entry_free) struct import_entry *one =
        write_envelope(run, &envelope) == 0 ? import_entry_new(&run->row, id, buf_str(&envelope)) : NULL;
    if (!one)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (understand(run, one, e) < 0)
        return -1;
    return import_batch_add(&run->batch, TAKE(one), e);
}

/* -1: the run cannot go on. */
static int take_row(struct run *run, struct err *e)
{
    char id[ID_TEXT];
    if (run->row.raw.failed || run->row.key.failed || !import_time_is_possible(run->row.time_ms)) {
        struct err why;
        (void)err_set(&why, ERR_INPUT, run->row.raw.failed || run->row.key.failed ? "it is too large" : "it has no possible time");
        refuse(run, &why);
        return 0;
    }
    if (import_row_id(&run->row, run->i->job.source->name, id, e) < 0)
        return -1;
    int found = is_there(run, id, e);
    if (found < 0)
        return -1;
    if (found > 0)
        run->now.already++;
    return found > 0 ? 0 : keep_new(run, id, e);
}

/* --- the run -------------------------------------------------------------------------------------------------------- */

static int has_room(const struct run *run, struct err *e)
{
    if (store_is_full(run->i->store) || store_is_low(run->i->store))
        return err_set(e, ERR_FULL, "there is little room left on the disk: what is left is for new mails; make room and begin again");
    return 0;
}

/* 1: go on; 0: the end; -1. */
static int step(struct run *run, void *source, struct err *e)
{
    import_row_clear(&run->row);
    int got = run->i->job.source->next(source, &run->row, e);
    if (got == 0 || (got < 0 && e->code != ERR_INPUT))
        return got;
    run->now.read++;
    if (got < 0)
        refuse(run, e);
    if (run->batch.count == 0) {
        if (!run->i->is_alone)
            aside_wait(run->reader, &run->i->is_stopping);
        if (has_room(run, e) < 0)
            return -1;
    }
    int result = got < 0 ? 0 : take_row(run, e);
    publish(run);
    return result < 0 ? -1 : 1;
}

static int read_all(struct run *run, struct err *e)
{
    const struct import_source *from = run->i->job.source;
    void                       *source = NULL;
    if (store_reader_open(run->i->store, &run->reader, e) < 0 || from->open(&run->i->job, &source, &run->now.total, e) < 0)
        return -1;
    publish(run);
    int result = 1;
    while (result > 0 && !run->i->is_stopping)
        result = step(run, source, e);
    from->close(source);
    if (run->i->is_stopping)
        result = 0;
    struct err flushing;
    if (import_batch_flush(&run->batch, &flushing) < 0 && result == 0) {
        *e = flushing;
        result = -1;
    }
    publish(run);
    return result;
}

static void say_end(const struct progress *p)
{
    log_line(p->state == FAILED ? LOG_ERROR : LOG_INFO, "import.ended", LOG_S("state", state_names[p->state]), LOG_S("source", p->source),
             LOG_I("read", p->read), LOG_I("kept", p->kept), LOG_I("already", p->already), LOG_I("refused", p->refused),
             LOG_I("unreadable", p->unreadable), LOG_I("ms", clock_mono_ms() - p->started_mono_ms), LOG_S("text", p->error[0] ? p->error : NULL));
}

static void *run_all(void *arg)
{
    struct import *i = arg;
    struct err     e;
    struct run    *run = calloc(1, sizeof *run);
    int            result = run ? 0 : err_set(&e, ERR_NOMEM, "out of memory");
    turn_take(TURN_LATER);
    if (run) {
        run->i = i;
        run->now = i->progress; /* nobody else writes it now */
        run->batch = (struct import_batch){ .store = i->store, .source = i->job.source->name, .site = i->site };
        import_row_init(&run->row);
        inspect_process_init(&run->process);
        result = read_all(run, &e);
        import_batch_done(&run->batch);
        inspect_process_done(&run->process);
        store_reader_close(&run->reader);
        import_row_done(&run->row);
    }
    (void)pthread_mutex_lock(&i->lock);
    i->progress.state = result < 0 ? FAILED : i->is_stopping ? STOPPED : DONE;
    i->progress.ended_ms = clock_wall_ms();
    (void)snprintf(i->progress.error, sizeof i->progress.error, "%s", result < 0 ? e.text : "");
    struct progress ended = i->progress;
    (void)pthread_mutex_unlock(&i->lock);
    say_end(&ended);
    free(run);
    return NULL;
}

/* --- the job -------------------------------------------------------------------------------------------------------- */

int import_leave_job(const char *folder, const struct buf *job, struct err *e)
{
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 64 * 1024);
    const char *path = arena_printf(&a, "%s/%s", folder, job_file);
    if (!path)
        return err_set(e, ERR_NOMEM, "out of memory");
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: %m", path);
    struct stat owner;
    int         failed = file_write(fd, buf_str(job), job->len);
    if (failed == 0 && geteuid() == 0 && stat(folder, &owner) == 0) /* the gateway may be another user */
        failed = fchown(fd, owner.st_uid, owner.st_gid);
    if (failed < 0)
        (void)err_set(e, ERR_IO, "%s: %m", path);
    (void)close(fd);
    return failed;
}

static int take_job(const char *folder, struct buf *out, struct err *e)
{
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 64 * 1024);
    const char *path = arena_printf(&a, "%s/%s", folder, job_file);
    int         fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "no job in the data folder; `postern import` puts one there: %m");
    (void)unlink(path);
    int failed = file_read(fd, out, e);
    (void)close(fd);
    return failed ? err_set(e, ERR_INPUT, "%s: not readable, or too long", job_file) : 0;
}

static int read_job(struct import *i, struct err *e)
{
    CLEANUP(buf_done) struct buf   text;
    CLEANUP(json_free) struct json *object = NULL;
    buf_init(&text, IMPORT_JOB_MAX);
    if (take_job(store_folder(i->store), &text, e) < 0 || !(object = json_parse(buf_str(&text), text.len, e)))
        return -1;
    arena_done(&i->arena);
    arena_init(&i->arena, JOB_ARENA);
    if (import_job_read(object, &i->arena, &i->job, e) < 0)
        return -1;
    i->job.alarm_user = i->inspector.alarm_user;
    i->job.status_user = i->inspector.status_user;
    return 0;
}

/* --- from outside --------------------------------------------------------------------------------------------------- */

int import_new(struct store *s, const struct import_options *o, struct import **out, struct err *e)
{
    struct import *i = calloc(1, sizeof *i);
    if (!i)
        return err_set(e, ERR_NOMEM, "out of memory");
    i->store = s;
    i->inspector = *o->inspector;
    i->site = o->site;
    i->is_alone = o->is_alone;
    arena_init(&i->arena, JOB_ARENA);
    (void)pthread_mutex_init(&i->lock, NULL);
    *out = i;
    return 0;
}

void import_stop(struct import *i)
{
    atomic_store(&i->is_stopping, true);
}

void import_free(struct import **i)
{
    struct import *ending = TAKE(*i);
    if (!ending)
        return;
    import_stop(ending);
    if (ending->has_thread)
        (void)pthread_join(ending->thread, NULL);
    arena_done(&ending->arena);
    (void)pthread_mutex_destroy(&ending->lock);
    free(ending);
}

/* With the lock. */
static int begin(struct import *i, struct err *e)
{
    if (i->progress.state == RUNNING)
        return err_set(e, ERR_STATE, "an import is running: %lld of %lld rows", (long long)i->progress.read, (long long)i->progress.total);
    if (i->has_thread)
        (void)pthread_join(i->thread, NULL); /* it has ended, or is about to */
    i->has_thread = false;
    if (read_job(i, e) < 0)
        return -1;
    i->progress = (struct progress){ .state = RUNNING, .source = i->job.source->name, .started_ms = clock_wall_ms(), .started_mono_ms = clock_mono_ms() };
    int failed = pthread_create(&i->thread, NULL, run_all, i);
    if (failed != 0) {
        i->progress.state = FAILED;
        return err_set(e, ERR_BUSY, "thread: %s", strerror(failed));
    }
    i->has_thread = true;
    (void)pthread_setname_np(i->thread, "import");
    return 0;
}

int import_begin(struct import *i, struct err *e)
{
    (void)pthread_mutex_lock(&i->lock);
    int result = i->is_stopping ? err_set(e, ERR_BUSY, "stopping") : begin(i, e);
    (void)pthread_mutex_unlock(&i->lock);
    return result;
}

static void write_counts(struct json_out *w, const struct progress *p)
{
    const struct {
        const char *key;
        int64_t     n;
    } counts[] = {
        { "total", p->total }, { "read", p->read }, { "kept", p->kept }, { "already", p->already }, { "refused", p->refused },
        { "unreadable", p->unreadable }, { "events", p->events }, { "persons", p->persons },
    };
    for (size_t i = 0; i < COUNT(counts); i++)
        json_i(w, counts[i].key, counts[i].n);
}

bool import_is_running(struct import *i)
{
    (void)pthread_mutex_lock(&i->lock);
    bool is_running = i->progress.state == RUNNING;
    (void)pthread_mutex_unlock(&i->lock);
    return is_running;
}

void import_write(struct import *i, struct json_out *w)
{
    (void)pthread_mutex_lock(&i->lock);
    struct progress p = i->progress;
    (void)pthread_mutex_unlock(&i->lock);
    json_s(w, "state", state_names[p.state]);
    if (p.state == IDLE)
        return;
    json_s_opt(w, "source", p.source);
    write_counts(w, &p);
    json_time(w, "started_at", p.started_ms);
    if (p.state != RUNNING)
        json_time(w, "ended_at", p.ended_ms);
    else if (p.read > 0 && p.total >= p.read)
        json_i(w, "eta_s", (clock_mono_ms() - p.started_mono_ms) * (p.total - p.read) / p.read / 1000);
    json_array(w, "refusals");
    for (size_t n = 0; n < REFUSALS_KEPT && p.refusals[n][0]; n++)
        json_s(w, NULL, p.refusals[n]);
    json_end(w);
    json_s_opt(w, "error", p.error);
}
