/* db: the only file that knows sqlite3.h. */
#include "store/db.h"
#include "core/buf.h"
#include "core/clock.h"
#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATEMENTS_MAX = 224, MADE_MAX = 12, BUSY_MS = 2000, RESTART_MS = 20, STEPS_BETWEEN_LOOKS = 4000, NAME_MAX_BYTES = 16384 };

struct stmt {
    struct db *db;
    sqlite3_stmt *handle;
    const char *sql; /* literal it was made from; NULL: freed by stmt_done  */
    int bind_error;  /* the first binding that failed; the next step says it */
    bool is_busy;    /* between db_stmt and stmt_done                         */
};

struct db {
    sqlite3 *handle;
    struct stmt *kept[STATEMENTS_MAX];
    size_t kept_count;
    struct stmt *made[MADE_MAX]; /* their texts are theirs */
    unsigned next_made;          /* the one to give way    */
    void (*committed)(void *user, int pages);
    void *user;
    int64_t deadline_ms; /* of db_limit_time; monotonic */
    bool is_foreign;     /* DB_FOREIGN */
};

const char *db_library(void)
{
    return sqlite3_libversion();
}

/* --- errors -------------------------------------------------------------------------------------------------- */

static enum err_code code_of(int rc)
{
    switch (rc & 0xFF) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_INTERRUPT: /* only db_limit_time interrupts */
        return ERR_TIMEOUT;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return ERR_INPUT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_DAMAGED;
    default:
        return ERR_IO;
    }
}

static atomic_bool saw_damage; /* any connection of this process */

bool db_saw_damage(void)
{
    return atomic_load_explicit(&saw_damage, memory_order_relaxed);
}

void db_note_damage(void)
{
    atomic_store(&saw_damage, true);
}

void db_forget_damage(void)
{
    atomic_store(&saw_damage, false);
}

static int fail(struct db *d, int rc, struct err *e)
{
    if (code_of(rc) == ERR_DAMAGED && !d->is_foreign)
        atomic_store(&saw_damage, true);
    const char *text = d->handle ? sqlite3_errmsg(d->handle) : sqlite3_errstr(rc);
    return err_set(e, code_of(rc), "database: %s (%d)", text, rc);
}

/* --- statements ---------------------------------------------------------------------------------------------- */

static struct stmt *prepare(struct db *d, const char *sql, unsigned flags, struct err *e)
{
    struct stmt *s = calloc(1, sizeof *s);
    if (!s) {
        (void)err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    int rc = sqlite3_prepare_v3(d->handle, sql, -1, flags, &s->handle, NULL);
    if (rc != SQLITE_OK) {
        (void)fail(d, rc, e);
        (void)err_prefix(e, "%.60s", sql);
        free(s);
        return NULL;
    }
    s->db = d;
    return s;
}

static struct stmt *keep(struct db *d, const char *sql, struct err *e)
{
    if (d->kept_count == STATEMENTS_MAX) {
        (void)err_set(e, ERR_LIMIT, "database: more than %d statements", STATEMENTS_MAX);
        return NULL;
    }
    struct stmt *s = prepare(d, sql, SQLITE_PREPARE_PERSISTENT, e);
    if (!s)
        return NULL;
    s->sql = sql;
    d->kept[d->kept_count++] = s;
    return s;
}

struct stmt *db_stmt(struct db *d, const char *sql, struct err *e)
{
    struct stmt *s = NULL;
    for (size_t i = 0; i < d->kept_count && !s; i++)
        if (d->kept[i]->sql == sql && !d->kept[i]->is_busy)
            s = d->kept[i];
    if (!s && !(s = keep(d, sql, e)))
        return NULL;
    s->is_busy = true;
    s->bind_error = SQLITE_OK;
    return s;
}

static void statement_free(struct stmt *s)
{
    (void)sqlite3_finalize(s->handle);
    free(s);
}

static void made_free(struct stmt **s)
{
    struct stmt *freed = TAKE(*s);
    if (!freed)
        return;
    free((void *)(uintptr_t)freed->sql);
    statement_free(freed);
}

static struct stmt *make(struct db *d, const char *sql, struct stmt **place, struct err *e)
{
    char *text = strdup(sql);
    struct stmt *s = text ? prepare(d, text, SQLITE_PREPARE_PERSISTENT, e) : NULL;
    if (!s) {
        if (!text)
            (void)err_set(e, ERR_NOMEM, "out of memory");
        free(text);
        return NULL;
    }
    s->sql = text;
    made_free(place);
    return *place = s;
}

struct stmt *db_stmt_made(struct db *d, const char *sql, struct err *e)
{
    struct stmt *s = NULL;
    for (size_t i = 0; i < MADE_MAX && !s; i++)
        if (d->made[i] && !d->made[i]->is_busy && strcmp(d->made[i]->sql, sql) == 0)
            s = d->made[i];
    for (size_t i = 0; i < MADE_MAX && !s; i++) {
        struct stmt **place = &d->made[d->next_made++ % MADE_MAX];
        if ((!*place || !(*place)->is_busy) && !(s = make(d, sql, place, e)))
            return NULL;
    }
    if (!s)
        return db_prepare(d, sql, e);
    s->is_busy = true;
    s->bind_error = SQLITE_OK;
    return s;
}

struct stmt *db_prepare(struct db *d, const char *sql, struct err *e)
{
    return prepare(d, sql, 0, e);
}

void stmt_done(struct stmt **s)
{
    struct stmt *done = TAKE(*s);
    if (!done)
        return;
    if (!done->sql) {
        statement_free(done);
        return;
    }
    (void)sqlite3_reset(done->handle);
    (void)sqlite3_clear_bindings(done->handle);
    done->is_busy = false;
}

static int bind_one(sqlite3_stmt *handle, int n, const struct param *p)
{
    switch (p->type) {
    case PARAM_INT:
        return sqlite3_bind_int64(handle, n, p->number);
    case PARAM_TEXT:
        return sqlite3_bind_text64(handle, n, p->bytes, p->length, SQLITE_STATIC, SQLITE_UTF8);
    case PARAM_BLOB:
        return sqlite3_bind_blob64(handle, n, p->bytes, p->length, SQLITE_STATIC);
    case PARAM_NULL:
        break;
    }
    return sqlite3_bind_null(handle, n);
}

void bind_params(struct stmt *s, int n, const struct param *params, size_t count)
{
    for (size_t i = 0; i < count && s->bind_error == SQLITE_OK; i++)
        s->bind_error = bind_one(s->handle, n + (int)i, &params[i]);
}

void bind_named(struct stmt *s, const char *name, struct param value)
{
    int n = sqlite3_bind_parameter_index(s->handle, name);
    if (n > 0)
        bind_params(s, n, &value, 1);
}

struct stmt *db_ask_params(struct db *d, const char *sql, const struct param *params, size_t count, struct err *e)
{
    struct stmt *s = db_stmt(d, sql, e);
    if (s)
        bind_params(s, 1, params, count);
    return s;
}

int db_run_params(struct db *d, const char *sql, const struct param *params, size_t count, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_ask_params(d, sql, params, count, e);
    return s ? stmt_run(s, e) : -1;
}

int db_run_each_params(struct db *d, const char *const *steps, size_t steps_count, const struct param *params, size_t count, struct err *e)
{
    for (size_t i = 0; i < steps_count; i++)
        if (db_run_params(d, steps[i], params, count, e) < 0)
            return -1;
    return 0;
}

int stmt_step(struct stmt *s, struct err *e)
{
    int rc = s->bind_error != SQLITE_OK ? s->bind_error : sqlite3_step(s->handle);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        (void)fail(s->db, rc, e);
    (void)sqlite3_reset(s->handle); /* ends the read transaction at once */
    return rc == SQLITE_DONE ? 0 : -1;
}

int stmt_run(struct stmt *s, struct err *e)
{
    int more;
    while ((more = stmt_step(s, e)) > 0)
        ;
    return more;
}

int64_t col_int(struct stmt *s, int i)
{
    return sqlite3_column_int64(s->handle, i);
}

bool col_is_null(struct stmt *s, int i)
{
    return sqlite3_column_type(s->handle, i) == SQLITE_NULL;
}

const char *col_text(struct stmt *s, int i)
{
    return (const char *)sqlite3_column_text(s->handle, i);
}

const void *col_blob(struct stmt *s, int i, size_t *length_out)
{
    const void *bytes = sqlite3_column_blob(s->handle, i);
    *length_out = (size_t)sqlite3_column_bytes(s->handle, i);
    return bytes ? bytes : "";
}

char *col_copy(struct stmt *s, int i, struct arena *a)
{
    const char *text = col_text(s, i);
    return text ? arena_copy(a, text, (size_t)sqlite3_column_bytes(s->handle, i)) : NULL;
}

/* --- without parameters -------------------------------------------------------------------------------------- */

int64_t db_last_seq(struct db *d)
{
    return sqlite3_last_insert_rowid(d->handle);
}

int db_changes(struct db *d)
{
    return sqlite3_changes(d->handle);
}

int db_exec(struct db *d, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail(d, rc, e);
}

/* Of s, which may be NULL, and is done then. */
static int first_number(struct stmt *s, int64_t fallback, int64_t *out, struct err *e)
{
    int found = s ? stmt_step(s, e) : -1;
    if (found >= 0)
        *out = found && !col_is_null(s, 0) ? col_int(s, 0) : fallback;
    stmt_done(&s);
    return found < 0 ? -1 : 0;
}

int db_number(struct db *d, const char *sql, int64_t fallback, int64_t *out, struct err *e)
{
    return first_number(db_stmt(d, sql, e), fallback, out, e);
}

int db_number_made(struct db *d, const char *sql, int64_t fallback, int64_t *out, struct err *e)
{
    return first_number(db_prepare(d, sql, e), fallback, out, e);
}

int db_number_params(struct db *d, const char *sql, const struct param *params, size_t count, int64_t fallback, int64_t *out, struct err *e)
{
    return first_number(db_ask_params(d, sql, params, count, e), fallback, out, e);
}

int db_snapshot_begin(struct db *d, struct err *e)
{
    return db_exec(d, "BEGIN", e);
}

void db_snapshot_end(struct db *d)
{
    (void)sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* --- connections --------------------------------------------------------------------------------------------- */

/* Small: the main process should idle under 4 MB of memory of its own. synchronous=FULL syncs the log at each commit. */
static const struct {
    int flags, lookaside_slots;
    const char *pragmas;
} uses[] = {
    [DB_WRITER] = { SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 64,
                    "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-1024;"
                    "PRAGMA journal_size_limit=8388608; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON;" },
    [DB_CHECKPOINT] = { SQLITE_OPEN_READWRITE, 16,
                        "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-128; PRAGMA mmap_size=0;" },
    [DB_FROZEN] = { SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, 16, "PRAGMA query_only=1; PRAGMA cache_size=-256; PRAGMA mmap_size=0;" },
    [DB_FOREIGN] = { SQLITE_OPEN_READONLY, 16, "PRAGMA query_only=1; PRAGMA trusted_schema=0; PRAGMA cell_size_check=1; PRAGMA mmap_size=0;" },
    /* A page of the list touches some hundred pages of the file, most of them again with the next question. */
    [DB_HISTORY] = { SQLITE_OPEN_READONLY, 100,
                     "PRAGMA query_only=1; PRAGMA cache_size=-4096; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;" },
    [DB_READER] = { SQLITE_OPEN_READONLY, 16,
                    "PRAGMA query_only=1; PRAGMA cache_size=-256; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;" },
};

/* "file:…?immutable=1": SQLite then makes no files beside it, and looks at none. */
static int frozen_name(const char *path, struct buf *out, struct err *e)
{
    buf_puts(out, "file:");
    for (; *path; path++)
        if (strchr("%?#", *path))
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*path);
        else
            buf_putc(out, *path);
    buf_puts(out, "?immutable=1");
    return out->failed ? err_set(e, ERR_INPUT, "the path is too long") : 0;
}

static void set_up_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* its counters would be one lock for all threads */
    (void)sqlite3_initialize();
}

int db_open(const char *path, enum db_use use, struct db **out, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_up_library);

    CLEANUP(buf_done) struct buf name;
    buf_init(&name, NAME_MAX_BYTES);
    if (use == DB_FROZEN && frozen_name(path, &name, e) < 0)
        return -1;
    CLEANUP(db_close) struct db *d = calloc(1, sizeof *d);
    if (!d)
        return err_set(e, ERR_NOMEM, "out of memory");
    d->is_foreign = use == DB_FOREIGN;
    int rc = sqlite3_open_v2(use == DB_FROZEN ? buf_str(&name) : path, &d->handle, uses[use].flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        (void)fail(d, rc, e);
        return err_prefix(e, "%s", path);
    }
    (void)sqlite3_db_config(d->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, 512, uses[use].lookaside_slots);
    (void)sqlite3_extended_result_codes(d->handle, 1);
    (void)sqlite3_busy_timeout(d->handle, BUSY_MS);
    if (db_exec(d, uses[use].pragmas, e) < 0)
        return err_prefix(e, "%s", path);
    if (!(uses[use].flags & SQLITE_OPEN_READONLY) && sqlite3_db_readonly(d->handle, "main") != 0) /* what SQLite makes of EROFS and EACCES */
        return err_set(e, ERR_IO, "%s: can only be read", path);
    *out = TAKE(d);
    return 0;
}

void db_close(struct db **d)
{
    struct db *closing = TAKE(*d);
    if (!closing)
        return;
    for (size_t i = 0; i < closing->kept_count; i++)
        statement_free(closing->kept[i]);
    for (size_t i = 0; i < MADE_MAX; i++)
        made_free(&closing->made[i]);
    int rc = sqlite3_close(closing->handle);
    assert(rc == SQLITE_OK); /* else a statement of db_prepare was not done */
    (void)rc;
    free(closing);
}

static int is_time_up(void *user)
{
    const struct db *d = user;
    return clock_mono_ms() >= d->deadline_ms;
}

void db_limit_time(struct db *d, int64_t ms)
{
    d->deadline_ms = clock_mono_ms() + ms;
    sqlite3_progress_handler(d->handle, ms > 0 ? STEPS_BETWEEN_LOOKS : 0, ms > 0 ? is_time_up : NULL, d);
}

void db_release_memory(struct db *d)
{
    (void)sqlite3_db_release_memory(d->handle);
}

int64_t db_total_changes(const struct db *d)
{
    return sqlite3_total_changes64(d->handle);
}

bool db_is_in_transaction(struct db *d)
{
    return sqlite3_get_autocommit(d->handle) == 0;
}

static int on_commit(void *user, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    struct db *d = user;
    d->committed(d->user, pages);
    return SQLITE_OK;
}

void db_on_commit(struct db *d, void (*committed)(void *user, int pages), void *user)
{
    d->committed = committed;
    d->user = user;
    (void)sqlite3_wal_hook(d->handle, on_commit, d);
}

int db_checkpoint(struct db *d, bool is_restart, int *pages_left_out, struct err *e)
{
    int in_log = 0, copied = 0;
    if (is_restart) /* a reader that takes its time must not make a device wait for its 250 */
        (void)sqlite3_busy_timeout(d->handle, RESTART_MS);
    int rc = sqlite3_wal_checkpoint_v2(d->handle, NULL, is_restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
                                       &in_log, &copied);
    if (is_restart)
        (void)sqlite3_busy_timeout(d->handle, BUSY_MS);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        return fail(d, rc, e);
    *pages_left_out = in_log > copied ? in_log - copied : 0;
    return 0;
}

/* Most of it is copied first, beside the writer, which waits during the rest. */
int db_empty_log(struct db *d, struct err *e)
{
    int left;
    if (db_checkpoint(d, false, &left, e) < 0)
        return -1;
    (void)sqlite3_busy_timeout(d->handle, RESTART_MS);
    int rc = sqlite3_wal_checkpoint_v2(d->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(d->handle, BUSY_MS);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        return fail(d, rc, e);
    return rc == SQLITE_OK;
}

/* --- copying ------------------------------------------------------------------------------------------------- */

static void rest(int ms)
{
    const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    (void)nanosleep(&t, NULL);
}

static int copy_pages(sqlite3_backup *copy, const struct db_pace *pace)
{
    int rc;
    do {
        rc = sqlite3_backup_step(copy, pace->pages);
        if (pace->progress)
            pace->progress(pace->user, sqlite3_backup_pagecount(copy) - sqlite3_backup_remaining(copy), sqlite3_backup_pagecount(copy));
        if (rc != SQLITE_DONE)
            rest(pace->pause_ms);
    } while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
    return rc;
}

int db_copy(struct db *from, const char *path, const struct db_pace *pace, struct err *e)
{
    int64_t unused;
    struct db to = { 0 };
    if (db_snapshot_begin(from, e) < 0)
        return -1;
    /* The first read takes the moment; held, what others write meanwhile does not make the copy begin anew. */
    int rc = db_number(from, "SELECT count(*) FROM sqlite_schema", 0, &unused, e) < 0 ? SQLITE_ERROR
                                                                                     : sqlite3_open_v2(path, &to.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_backup *copy = rc == SQLITE_OK ? sqlite3_backup_init(to.handle, "main", from->handle, "main") : NULL;
    if (copy) {
        rc = copy_pages(copy, pace);
        (void)sqlite3_backup_finish(copy);
    }
    if (to.handle && rc != SQLITE_DONE)
        (void)fail(&to, rc == SQLITE_OK ? sqlite3_errcode(to.handle) : rc, e);
    (void)sqlite3_close(to.handle);
    db_snapshot_end(from);
    return rc == SQLITE_DONE ? 0 : err_prefix(e, "copy the database");
}
