/* open: the life of a store. Nothing is written before it is sure that the folder is ours to write: not of a newer version,
 * not open in another process. */
#include "core/clock.h"
#include "core/fault.h"
#include "store/backup.h"
#include "store/damage.h"
#include "store/examine.h"
#include "store/inside.h"
#include "store/migrate.h"
#include "store/retention_rules.h"
#include "store/schema.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char database_name[] = "postern.db", lock_name[] = "lock";

enum { INLINE_BYTES = 65536, INLINE_SLOW_BYTES = 1 << 20, INLINE_MEMORY = 64 << 20 };
enum { RESERVE_BYTES = 32 << 20, KEEP_RAW_DAYS = 30, HEADER_BYTES = 64, VERSION_OFFSET = 60 };

/* --- checks that write nothing ----------------------------------------------------------------------------------- */

static int complain_version(const struct store *s, int64_t version, struct err *e)
{
    return err_set(e, ERR_VERSION, "%s is of a newer Postern (version %lld, this one knows up to %d): nothing was changed",
                   s->folder, (long long)version, schema_version);
}

/* The version as the file's header says it ("Database Header", sqlite.org/fileformat2.html 1.3), big-endian. */
static int peek_version(const struct store *s, struct err *e)
{
    int fd = openat(s->folder_fd, database_name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : folder_complain(s->database, "cannot read", e);
    unsigned char header[HEADER_BYTES] = { 0 }, *b = header + VERSION_OFFSET;
    ssize_t n = pread(fd, header, sizeof header, 0);
    (void)close(fd);
    bool is_whole = n == (ssize_t)sizeof header && memcmp(header, "SQLite format 3", 16) == 0;
    int64_t version = is_whole ? (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3] : 0;
    return version > schema_version ? complain_version(s, version, e) : 0;
}

static int open_folder(struct store *s, struct err *e)
{
    if (folder_make(s->folder, e) < 0)
        return -1;
    s->folder_fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->folder_fd < 0)
        return folder_complain(s->folder, "cannot open folder", e);
    if (faccessat(s->folder_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return folder_complain(s->folder, "cannot write to", e);
    if (faccessat(s->folder_fd, backup_restoring, F_OK, AT_EACCESS) == 0)
        return err_set(e, ERR_STATE, "%s: a restore was cut off: run `postern restore` again", s->folder);
    return peek_version(s, e);
}

/* --- the lock ---------------------------------------------------------------------------------------------------- */

static int complain_locked(const struct store *s, struct err *e)
{
    char text[16] = "";
    ssize_t n = pread(s->lock_fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    return err_set(e, ERR_BUSY, "%s is in use by another postern (process %ld)", s->folder, pid);
}

static int take_lock(struct store *s, struct err *e)
{
    s->lock_fd = openat(s->folder_fd, lock_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return folder_complain(s->folder, "cannot write to", e);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? complain_locked(s, e) : err_set(e, ERR_IO, "lock %s: %m", s->folder);
    char pid[16];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, pid, (size_t)n, 0) != n)
        errno = 0; /* only a name for the message above; the lock itself holds */
    return 0;
}

/* --- the database ------------------------------------------------------------------------------------------------ */

static int read_rebuilt(struct store *s, struct db *db, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q = db_stmt(db, "SELECT value FROM meta WHERE key = 'rebuilt'", e);
    int found = q ? stmt_step(q, e) : -1;
    if (found > 0)
        (void)snprintf(s->rebuilt, sizeof s->rebuilt, "%s", col_text(q, 0));
    return found < 0 ? -1 : 0;
}

static int read_state(struct store *s, struct db *db, struct err *e)
{
    int64_t last, running;
    if (db_number(db, "SELECT max(seq) FROM arrivals", 0, &last, e) < 0 ||
        db_number(db, "SELECT value FROM meta WHERE key = 'running_ms'", 0, &running, e) < 0)
        return -1;
    if (read_rebuilt(s, db, e) < 0)
        return -1;
    atomic_store(&s->last_arrival, last);
    atomic_store(&s->running_saved, running);
    s->running_start = running;
    s->mono_start = clock_mono_ms();
    return 0;
}

/* Brought to our version, and what the store remembers of it. */
static int use_database(struct store *s, struct db *db, struct err *e)
{
    return migrate_run(s, db, e) < 0 || read_state(s, db, e) < 0 ? err_prefix(e, "%s", s->database) : 0;
}

static bool bring_up(struct store *s)
{
    CLEANUP(db_close) struct db *db = NULL;
    return db_open(s->database, DB_WRITER, &db, &s->failed) == 0 && use_database(s, db, &s->failed) == 0;
}

static bool rebuild(struct store *s)
{
    bool is_made = damage_rebuild(s, &s->failed) == 0;
    db_forget_damage(); /* it is aside */
    return is_made && bring_up(s);
}

/* A thread of its own: while it works the writer says ERR_BUSY. The writer opens the database for itself then. */
static void *prepare(void *user)
{
    struct store *s = user;
    bool is_done = s->is_damaged ? rebuild(s) : bring_up(s);
    if (!is_done && !s->is_damaged && s->failed.code == ERR_DAMAGED) {
        atomic_store(&s->phase, STORE_REBUILDING);
        is_done = rebuild(s);
    }
    atomic_store(&s->phase, is_done ? STORE_READY : STORE_FAILED);
    return NULL;
}

static int start_preparing(struct store *s, struct err *e)
{
    atomic_store(&s->phase, s->is_damaged ? STORE_REBUILDING : STORE_MIGRATING);
    int rc = pthread_create(&s->preparer, NULL, prepare, s);
    s->has_preparer = rc == 0;
    return rc == 0 ? 0 : err_set(e, ERR_IO, "start a thread: %s", strerror(rc));
}

/* Its name is on disk then: its first commit may be an acknowledged mail. */
static int sync_name(struct store *s, struct err *e)
{
    int64_t start_us = clock_steady_us();
    pace_init(&s->pace, start_us);
    if (folder_sync(s->folder_fd, ".", e) < 0)
        return err_prefix(e, "%s", s->folder);
    pace_note_start(&s->pace, clock_steady_us() - start_us);
    return 0;
}

/* 0: whole as far as was looked; *is_due_out: a thread must prepare it first. *out stays NULL on failure. */
static int look_at_database(struct store *s, struct db **out, bool *is_due_out, struct err *e)
{
    CLEANUP(db_close) struct db *db = NULL;
    int version;
    int fd = openat(s->folder_fd, database_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* SQLite would make it 0644 */
    if (fd < 0)
        return folder_complain(s->database, "cannot write to", e);
    (void)close(fd);
    if (db_open(s->database, DB_WRITER, &db, e) < 0)
        return -1;
    if (migrate_is_due(db, &version, is_due_out, e) < 0)
        return err_prefix(e, "%s", s->database);
    *is_due_out &= version > 0;
    *out = TAKE(db);
    return 0;
}

static int open_whole(struct store *s, struct db **out, bool *is_due_out, struct err *e)
{
    if (look_at_database(s, out, is_due_out, e) < 0)
        return -1;
    bool is_left = *is_due_out && s->options.is_prepared_beside;
    return is_left ? 0 : use_database(s, *out, e);
}

/* *out stays NULL while a thread prepares it. */
static int open_database(struct store *s, struct db **out, struct err *e)
{
    CLEANUP(db_close) struct db *db = NULL;
    bool is_beside = s->options.is_prepared_beside, is_due = false;
    if (is_beside && damage_is_known(s, &s->is_damaged, e) < 0)
        return -1;
    if (!s->is_damaged && open_whole(s, &db, &is_due, e) < 0) {
        s->is_damaged = is_beside && e->code == ERR_DAMAGED;
        if (!s->is_damaged)
            return -1;
    }
    if (s->is_damaged || (is_due && is_beside)) {
        db_close(&db);
        return sync_name(s, e) < 0 ? -1 : start_preparing(s, e);
    }
    if (sync_name(s, e) < 0)
        return -1;
    migrate_tidy(s);
    *out = TAKE(db);
    return 0;
}

bool store_is_damaged(const struct store *s)
{
    return store_phase(s) == STORE_READY && db_saw_damage();
}

int store_mark_damaged(struct store *s, struct err *e)
{
    if (damage_was_lately(s))
        return err_set(e, ERR_STATE, "the database is damaged again within an hour: look at the disk, then start anew");
    return damage_mark(s, e);
}

const char *store_rebuilt(const struct store *s)
{
    return s->rebuilt[0] ? s->rebuilt : NULL;
}

static int forget_rebuilt(struct store_tx *tx, struct store_op *op, struct err *e)
{
    (void)op;
    return db_exec(tx_db(tx), "DELETE FROM meta WHERE key = 'rebuilt'", e);
}

int store_rebuilt_told(struct store *s, struct err *e)
{
    struct store_op op = { .rank = STORE_LATER, .apply = forget_rebuilt };
    return store_do(s, &op, e);
}

enum store_phase store_phase(const struct store *s)
{
    return (enum store_phase)atomic_load(&s->phase);
}

const char *store_failure(const struct store *s)
{
    return store_phase(s) == STORE_FAILED ? s->failed.text : "";
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static struct store *store_new(const struct store_options *options)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->options = *options;
    s->options.inline_max = options->inline_max > 0 ? options->inline_max : INLINE_BYTES;
    s->options.inline_slow = options->inline_slow > 0 ? options->inline_slow : INLINE_SLOW_BYTES;
    s->options.inline_memory = options->inline_memory > 0 ? options->inline_memory : INLINE_MEMORY;
    s->options.reserve_bytes = options->reserve_bytes > 0 ? options->reserve_bytes : RESERVE_BYTES;
    s->options.keep_raw_days = options->keep_raw_days > 0 ? options->keep_raw_days : KEEP_RAW_DAYS;
    s->rules = retention_rules_new(options->rules, options->rule_count);
    s->folder_fd = s->lock_fd = -1;
    (void)pthread_mutex_init(&s->days_lock, NULL);
    (void)pthread_mutex_init(&s->spools_lock, NULL);
    watch_init(s);
    s->folder = strdup(options->folder);
    if (!s->folder || asprintf(&s->database, "%s/%s", s->folder, database_name) < 0)
        s->database = NULL;
    return s;
}

static int start(struct store *s, struct err *e)
{
    CLEANUP(db_close) struct db *db = NULL;
    if (!s->folder || !s->database)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (open_folder(s, e) < 0 || take_lock(s, e) < 0 || open_database(s, &db, e) < 0)
        return -1;
    floor_look(s);
    if (writer_start(s, db, &s->writer, e) < 0)
        return -1;
    db = NULL; /* the writer's now */
    if (keeper_start(s, &s->keeper, e) < 0)
        return -1;
    return s->options.is_prepared_beside ? examiner_start(s, &s->examiner, e) : 0;
}

int store_open(const struct store_options *options, struct store **out, struct err *e)
{
    struct store *s = store_new(options);
    if (!s)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (start(s, e) < 0) {
        store_close(&s);
        return -1;
    }
    *out = s;
    return 0;
}

/* The examiner and the preparer first, if there were any; the keeper (it waits for the writer), then the writer (it wakes the keeper). The last connection to close copies the
 * log into the database and removes it. */
void store_close(struct store **s)
{
    struct store *closing = TAKE(*s);
    if (!closing)
        return;
    atomic_store(&closing->is_closing, true);
    examiner_stop(&closing->examiner);
    if (closing->has_preparer)
        (void)pthread_join(closing->preparer, NULL);
    keeper_stop(closing->keeper);
    writer_stop(&closing->writer);
    keeper_free(&closing->keeper);
    if (closing->lock_fd >= 0)
        (void)close(closing->lock_fd);
    if (closing->folder_fd >= 0)
        (void)close(closing->folder_fd);
    (void)pthread_mutex_destroy(&closing->days_lock);
    (void)pthread_mutex_destroy(&closing->spools_lock);
    watch_done(closing);
    retention_rules_free(&closing->rules);
    free(closing->folder);
    free(closing->database);
    free(closing);
}

const char *store_folder(const struct store *s)
{
    return s->folder;
}

int64_t store_small_max(const struct store *s)
{
    return s->options.inline_max;
}

int64_t store_inline_max(const struct store *s)
{
    const struct store_options *o = &s->options;
    bool takes_large = o->inline_slow > o->inline_max && pace_is_slow(&s->pace) && !store_is_full(s) &&
                       atomic_load_explicit(&s->waiting_bytes, memory_order_relaxed) + o->inline_slow <= o->inline_memory;
    return takes_large ? o->inline_slow : o->inline_max;
}

int64_t store_running_ms(const struct store *s)
{
    return s->running_start + clock_mono_ms() - s->mono_start;
}
