/* migrate: see migrate.h. */
#include "store/migrate.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "store/copies.h"
#include "store/schema.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FILL_ROWS = 10000, COPY_PAGES = 1024, COPY_DAYS = 30, DAY_S = 86400, SAY_EVERY_MS = 2000, PATH_BYTES = 4096 };

static const char copy_prefix[] = "postern.db.v";

int migrate_is_due(struct db *db, int *version_out, bool *is_due_out, struct err *e)
{
    int64_t version, is_begun = 0;
    if (db_number(db, "PRAGMA user_version", 0, &version, e) < 0)
        return -1;
    if (version > schema_version)
        return err_set(e, ERR_VERSION, "it is of a newer Postern (version %lld, this one knows up to %d): nothing was changed", (long long)version, schema_version);
    if (version == schema_version && db_number(db, "SELECT count(*) FROM meta WHERE key = 'migrating'", 0, &is_begun, e) < 0)
        return -1;
    *version_out = (int)version;
    *is_due_out = version < schema_version || is_begun > 0;
    return 0;
}

/* --- a copy first ------------------------------------------------------------------------------------------------ */

/* The copy, and what the new indexes take; the reserve stays out of it. */
static bool has_room(const struct store *s, int64_t bytes)
{
    struct statvfs fs;
    return fstatvfs(s->folder_fd, &fs) == 0 && (int64_t)fs.f_bavail * (int64_t)fs.f_frsize > 2 * bytes + s->options.reserve_bytes;
}

static int remove_other_copy(void *user, const char *name, struct err *e)
{
    const struct store *s = user;
    (void)e;
    if (strncmp(name, copy_prefix, strlen(copy_prefix)) == 0)
        (void)unlinkat(s->folder_fd, name, 0);
    return 0;
}

/* Copies of earlier migrations make room for this one. */
static int make_copy(struct store *s, struct db *db, const char *name, struct err *e)
{
    char path[PATH_BYTES], partial[64];
    (void)snprintf(partial, sizeof partial, "%s.partial", name);
    (void)snprintf(path, sizeof path, "%s/%s", s->folder, partial);
    (void)!copies_walk(s->folder_fd, ".", remove_other_copy, s, e);
    int fd = openat(s->folder_fd, partial, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, "create %s: %m", path);
    (void)close(fd);
    const struct db_pace pace = { .pages = COPY_PAGES };
    if (db_copy(db, path, &pace, e) < 0)
        return -1;
    return renameat(s->folder_fd, partial, s->folder_fd, name) < 0 ? err_set(e, ERR_IO, "rename %s: %m", path) : folder_sync(s->folder_fd, ".", e);
}

/* Without one it goes on all the same: a step that fails is undone by SQLite, and mails wait at the door. */
static void copy_first(struct store *s, struct db *db, int version)
{
    char       name[32];
    int64_t    pages = 0, size = 0;
    struct err e = { 0 };
    (void)snprintf(name, sizeof name, "%s%d", copy_prefix, version);
    if (db_number(db, "PRAGMA page_count", 0, &pages, &e) < 0 || db_number(db, "PRAGMA page_size", 0, &size, &e) < 0 ||
        !has_room(s, pages * size)) {
        log_line(LOG_WARN, "migration.no_copy", LOG_I("bytes", pages * size), LOG_S("text", "no room for a copy of the database before it is changed"));
        return;
    }
    if (make_copy(s, db, name, &e) < 0)
        log_line(LOG_WARN, "migration.no_copy", LOG_S("text", e.text));
    else
        log_line(LOG_INFO, "migration.copied", LOG_S("file", name), LOG_I("bytes", pages * size));
    FAULT("migrate.copied");
}

static int remove_if_old(void *user, const char *name, struct err *e)
{
    const struct store *s = user;
    struct stat         st;
    (void)e;
    if (strncmp(name, copy_prefix, strlen(copy_prefix)) == 0 && fstatat(s->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        (int64_t)st.st_mtime < clock_wall_ms() / 1000 - (int64_t)COPY_DAYS * DAY_S)
        (void)unlinkat(s->folder_fd, name, 0);
    return 0;
}

void migrate_tidy(struct store *s)
{
    struct err unused;
    (void)!copies_walk(s->folder_fd, ".", remove_if_old, s, &unused);
}

/* Once for a migration, however often that is cut off: the copy is of before its first step. */
static int begin_with_copy(struct store *s, struct db *db, int version, struct err *e)
{
    int64_t is_begun;
    if (db_number(db, "SELECT count(*) FROM meta WHERE key = 'migrating'", 0, &is_begun, e) < 0)
        return -1;
    if (is_begun > 0)
        return 0;
    copy_first(s, db, version);
    return db_exec(db, "INSERT INTO meta(key, value) VALUES('migrating', 1)", e);
}

/* --- the steps ------------------------------------------------------------------------------------------------------ */

static void roll_back(struct db *db)
{
    struct err unused;
    if (db_is_in_transaction(db))
        (void)!db_exec(db, "ROLLBACK", &unused);
}

static int step_schema(struct db *db, int from, struct err *e)
{
    char version[64];
    (void)snprintf(version, sizeof version, "PRAGMA user_version = %d", from + 1);
    if (db_exec(db, "BEGIN IMMEDIATE", e) == 0 && db_exec(db, schema_steps[from], e) == 0 && db_exec(db, version, e) == 0 &&
        db_exec(db, "COMMIT", e) == 0) {
        FAULT("store.schema_stepped");
        return 0;
    }
    roll_back(db);
    return err_prefix(e, "from version %d to %d", from, from + 1);
}

static int fill_some(struct db *db, int64_t *left, struct err *e)
{
    if (db_exec(db, "BEGIN IMMEDIATE", e) < 0)
        return -1;
    if (schema_fill(db, FILL_ROWS, left, e) < 0 || schema_tidy(db, 2 * FILL_ROWS, e) < 0 || db_exec(db, "COMMIT", e) < 0) {
        roll_back(db);
        return -1;
    }
    FAULT("store.schema_filled");
    return 0;
}

/* Transaction by transaction: killed in between, the next start goes on. */
int migrate_fill(const struct store *s, struct db *db, struct err *e)
{
    int64_t left, said_ms = clock_mono_ms();
    int     log_pages_left;
    for (;;) {
        if (fill_some(db, &left, e) < 0)
            return err_prefix(e, "index what is there");
        if (left == 0)
            return 0;
        if (clock_mono_ms() >= said_ms + SAY_EVERY_MS) {
            said_ms = clock_mono_ms();
            log_line(LOG_INFO, "migration.progress", LOG_I("events_left", left));
        }
        if (atomic_load(&s->is_closing))
            return err_set(e, ERR_BUSY, "stopped; the next start goes on");
        if (db_checkpoint(db, false, &log_pages_left, e) < 0)
            return -1;
    }
}

/* The log is emptied at the end, so that the file's header tells an older Postern the truth. */
int migrate_run(struct store *s, struct db *db, struct err *e)
{
    int  version, left;
    bool is_due;
    if (migrate_is_due(db, &version, &is_due, e) < 0)
        return -1;
    if (!is_due)
        return 0;
    int64_t began_ms = clock_mono_ms();
    if (version > 0)
        log_line(LOG_INFO, "migration.begun", LOG_I("from", version), LOG_I("to", schema_version));
    if (version > 0 && version < schema_version && begin_with_copy(s, db, version, e) < 0)
        return -1;
    for (int i = version; i < schema_version; i++)
        if (step_schema(db, i, e) < 0)
            return -1;
    if (migrate_fill(s, db, e) < 0 || db_exec(db, "DELETE FROM meta WHERE key = 'migrating'", e) < 0 || db_checkpoint(db, true, &left, e) < 0)
        return -1;
    if (version > 0)
        log_line(LOG_INFO, "migration.done", LOG_I("ms", clock_mono_ms() - began_ms));
    return 0;
}
