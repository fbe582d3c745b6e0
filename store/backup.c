/* backup: see backup.h. The database first, then the files that its rows name: what arrives meanwhile is the next backup's, what is
 * forgotten meanwhile is noted in the copy. */
#include "store/backup.h"
#include "core/clock.h"
#include "core/fault.h"
#include "store/copies.h"
#include "store/db.h"
#include "store/manifest.h"
#include "store/schema.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PAGES = 256, PAUSE_MS = 10, PATH_BYTES = 4096, FILE_BYTES = 64, SMALL_FILE_BYTES = 1 << 20 };

const char        backup_restoring[] = "restoring";
static const char source_name[] = "postern.db", partial_name[] = "copy.partial";

struct backup {
    const struct backup_options *o;
    struct backup_counts        *counts;
    int                          from, to, lock;
    struct db                   *source, *copy, *before; /* before: the last backup's; NULL: there is none */
    char                         database[MANIFEST_NAME];
    int64_t                      done;
};

static void say(const struct backup *b, const char *file, const char *what)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s: %s", file, what);
    b->counts->damaged++;
    if (b->o->say)
        b->o->say(b->o->user, text);
}

static void tell_progress(const struct backup *b, const char *what, int64_t done, int64_t total)
{
    if (b->o->progress)
        b->o->progress(b->o->user, what, done, total);
}

static const char *path_in(char out[PATH_BYTES], const char *folder, const char *name)
{
    (void)snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    return out;
}

static int open_folder(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", path);
}

/* --- the database ------------------------------------------------------------------------------------------------ */

static int open_source(struct backup *b, struct err *e)
{
    char    path[PATH_BYTES];
    int64_t version;
    if (faccessat(b->from, source_name, R_OK, AT_EACCESS) < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s/%s: %m", b->o->from, source_name);
    if (faccessat(b->from, backup_restoring, F_OK, AT_EACCESS) == 0)
        return err_set(e, ERR_STATE, "%s: a restore was cut off there", b->o->from);
    if (db_open(path_in(path, b->o->from, source_name), DB_READER, &b->source, e) < 0 ||
        db_number(b->source, "PRAGMA user_version", 0, &version, e) < 0)
        return -1;
    if (version != schema_version)
        return err_set(e, ERR_VERSION, "%s is of version %lld, this Postern writes %d: start the gateway once", path, (long long)version, schema_version);
    return 0;
}

/* Said before it is tried: a disk that was filled to its last byte would be somebody else's trouble. */
static int check_room(const struct backup *b, struct err *e)
{
    struct statvfs fs;
    int64_t        pages, size;
    if (db_number(b->source, "PRAGMA page_count", 0, &pages, e) < 0 || db_number(b->source, "PRAGMA page_size", 0, &size, e) < 0)
        return -1;
    int64_t room = fstatvfs(b->to, &fs) == 0 ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : INT64_MAX;
    return room > pages * size ? 0 : err_set(e, ERR_FULL, "no room in %s: the copy of the database takes %lld bytes, and %lld are free", b->o->to,
                                             (long long)(pages * size), (long long)room);
}

static void on_pages(void *user, int done, int total)
{
    tell_progress(user, "database", done, total);
}

static void remove_partial(const struct backup *b)
{
    static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
    char name[64];
    for (size_t i = 0; i < COUNT(ends); i++) {
        (void)snprintf(name, sizeof name, "%s%s", partial_name, ends[i]);
        (void)unlinkat(b->to, name, 0);
    }
}

static int copy_database(struct backup *b, struct err *e)
{
    char                 path[PATH_BYTES];
    const struct db_pace pace = { .pages = PAGES, .pause_ms = PAUSE_MS, .progress = on_pages, .user = b };
    remove_partial(b);
    if (check_room(b, e) < 0)
        return -1;
    int fd = openat(b->to, partial_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, "create %s: %m", partial_name);
    (void)close(fd);
    if (db_copy(b->source, path_in(path, b->o->to, partial_name), &pace, e) < 0)
        return -1;
    FAULT("backup.database_copied");
    return db_open(path, DB_WRITER, &b->copy, e);
}

/* Pages are copied as they are. What is damaged must not take the place of the backup before. */
static int check_copy(const struct backup *b, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_stmt(b->copy, "PRAGMA quick_check(1)", e);
    int found = s ? stmt_step(s, e) : -1;
    if (found < 0 && e->code != ERR_DAMAGED)
        return -1;
    if (found > 0 && strcmp(col_text(s, 0), "ok") == 0)
        return 0;
    return err_set(e, ERR_DAMAGED, "the database is damaged; the backup before this one stays: %.120s", found > 0 ? col_text(s, 0) : "it cannot be read");
}

/* Of the backup before this one, if there is one that can be read; to know which files are the same it is only a help. */
static void open_before(struct backup *b)
{
    char                 name[MANIFEST_NAME], hash[SHA256_TEXT], path[PATH_BYTES];
    struct backup_counts unused_counts;
    struct err           unused;
    if (manifest_read(b->to, name, hash, &unused_counts, &unused) > 0)
        (void)!db_open(path_in(path, b->o->to, name), DB_FROZEN, &b->before, &unused);
}

/* --- large arrivals ------------------------------------------------------------------------------------------------ */

struct row {
    int64_t       seq, bytes;
    char          id[32], file[FILE_BYTES];
    bool          has_hash;
    unsigned char hash[SHA256_BYTES];
};

static bool is_ours(const char *file)
{
    return strncmp(file, "arrivals/", 9) == 0 && !strstr(file, "..") && strlen(file) < FILE_BYTES;
}

static void read_row(struct stmt *s, struct row *out)
{
    size_t      n;
    const void *hash = col_blob(s, 3, &n);
    *out = (struct row){ .seq = col_int(s, 0), .bytes = col_int(s, 4), .has_hash = n == SHA256_BYTES };
    (void)snprintf(out->id, sizeof out->id, "%s", col_text(s, 1));
    (void)snprintf(out->file, sizeof out->file, "%s", col_is_null(s, 2) ? "" : col_text(s, 2));
    if (out->has_hash)
        memcpy(out->hash, hash, SHA256_BYTES);
}

/* 1, 0: there is none, -1. */
static int find_row(struct db *db, int64_t seq, struct row *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_ask(db, e, "SELECT seq, id, file, hash, bytes FROM arrivals WHERE seq = ?", P(seq));
    int found = s ? stmt_step(s, e) : -1;
    if (found > 0)
        read_row(s, out);
    return found;
}

/* Whether the backup holds these bytes already: as the backup before vouches, else as they say themselves. */
static bool is_there(const struct backup *b, const struct row *r)
{
    struct stat   st;
    struct copied there;
    struct row    before;
    struct err    unused;
    if (!r->has_hash || fstatat(b->to, r->file, &st, AT_SYMLINK_NOFOLLOW) < 0 || (int64_t)st.st_size != r->bytes)
        return false;
    if (b->before && find_row(b->before, r->seq, &before, &unused) > 0 && before.has_hash && strcmp(before.id, r->id) == 0)
        return memcmp(before.hash, r->hash, SHA256_BYTES) == 0;
    return copies_look(b->to, r->file, &there, &unused) == 0 && memcmp(there.hash, r->hash, SHA256_BYTES) == 0;
}

/* In the copy: what the file is now, or that it is gone. */
static int correct(const struct backup *b, int64_t seq, const struct copied *now, struct err *e)
{
    return db_run(b->copy, e,
                  "UPDATE arrivals SET file = CASE WHEN ?2 IS NULL THEN NULL ELSE file END, hash = ?2, bytes = coalesce(?3, bytes)"
                  " WHERE seq = ?1",
                  P(seq), param_blob(now ? now->hash : NULL, SHA256_BYTES), param_if(now, now ? now->bytes : 0));
}

/* The bytes are not those of the row: forgotten in part meanwhile, or damaged, which is copied as it is. */
static int settle(struct backup *b, const struct row *r, const struct copied *now, struct err *e)
{
    struct row fresh;
    if (r->has_hash && r->bytes == now->bytes && memcmp(r->hash, now->hash, SHA256_BYTES) == 0)
        return 0;
    int found = find_row(b->source, r->seq, &fresh, e);
    if (found < 0)
        return -1;
    bool is_newer = found > 0 && fresh.has_hash && memcmp(fresh.hash, now->hash, SHA256_BYTES) == 0;
    bool is_unknown = !r->has_hash && r->bytes == now->bytes;
    if (is_newer || is_unknown)
        return correct(b, r->seq, now, e);
    say(b, r->file, "not the bytes that were kept");
    return 0;
}

/* No file where the row says: forgotten meanwhile, or lost. */
static int settle_missing(struct backup *b, const struct row *r, struct err *e)
{
    struct row fresh;
    int        found = find_row(b->source, r->seq, &fresh, e);
    if (found < 0)
        return -1;
    if (found > 0 && fresh.file[0]) {
        say(b, r->file, "missing");
        return 0;
    }
    b->counts->forgotten++;
    return correct(b, r->seq, NULL, e);
}

static int copy_arrival(struct backup *b, const struct row *r, struct err *e)
{
    struct copied now;
    if (!is_ours(r->file)) {
        say(b, r->file, "not the name of an arrival");
        return 0;
    }
    b->counts->files++;
    b->counts->files_bytes += r->bytes;
    if (is_there(b, r)) {
        b->counts->same++;
        return 0;
    }
    if (copies_make_folders(b->to, r->file, e) < 0)
        return -1;
    if (copies_file(b->from, b->to, r->file, &now, e) < 0)
        return e->code == ERR_NOT_FOUND ? settle_missing(b, r, e) : -1;
    b->counts->copied++;
    FAULT("backup.file_copied");
    return settle(b, r, &now, e);
}

/* 1: one was done, *after is its seq; 0: there are no more; -1. */
static int copy_next(struct backup *b, int64_t *after, struct err *e)
{
    struct row row;
    {
        CLEANUP(stmt_done) struct stmt *s =
            db_ask(b->copy, e,
                   "SELECT seq, id, file, hash, bytes FROM arrivals WHERE file IS NOT NULL AND seq > ? ORDER BY seq LIMIT 1",
                   P(*after));
        int found = s ? stmt_step(s, e) : -1;
        if (found <= 0)
            return found;
        read_row(s, &row);
    }
    *after = row.seq;
    return copy_arrival(b, &row, e) < 0 ? -1 : 1;
}

static int copy_arrivals(struct backup *b, struct err *e)
{
    int64_t total, after = 0, done = 0;
    int     more;
    if (db_number(b->copy, "SELECT count(*) FROM arrivals WHERE file IS NOT NULL", 0, &total, e) < 0 || db_exec(b->copy, "BEGIN", e) < 0)
        return -1;
    while ((more = copy_next(b, &after, e)) > 0)
        tell_progress(b, "arrivals", ++done, total);
    return more < 0 ? -1 : db_exec(b->copy, "COMMIT", e);
}

/* --- the small files beside the database ----------------------------------------------------------------------------- */

static bool is_left_out(const char *name)
{
    static const char *const others[] = { "postern.db", "postern-", "manifest.json", "lock", "reserve", "restoring", "copy.partial", "damaged" };
    for (size_t i = 0; i < COUNT(others); i++)
        if (strncmp(name, others[i], strlen(others[i])) == 0)
            return true;
    return strstr(name, ".partial") != NULL;
}

static int copy_small(void *user, const char *name, struct err *e)
{
    const struct backup *b = user;
    struct copied        unused;
    struct stat          st;
    if (is_left_out(name) || fstatat(b->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size > SMALL_FILE_BYTES)
        return 0;
    return copies_file(b->from, b->to, name, &unused, e) < 0 && e->code != ERR_NOT_FOUND ? -1 : 0;
}

/* --- the end --------------------------------------------------------------------------------------------------------- */

static int count(struct backup *b, struct db *db, struct err *e)
{
    return db_number(db, "SELECT count(*) FROM arrivals", 0, &b->counts->arrivals, e) < 0 ||
           db_number(db, "SELECT count(*) FROM events", 0, &b->counts->events, e) < 0 ||
           db_number(db, "SELECT count(*) FROM deliveries WHERE state < 2", 0, &b->counts->owed, e) < 0 ? -1 : 0;
}

/* "postern-20261121T031245.123Z.db" */
static void name_database(struct backup *b, int64_t now_ms)
{
    char   stamp[CLOCK_TEXT];
    size_t n = 0;
    (void)clock_rfc3339(b->counts->made, now_ms);
    for (const char *c = b->counts->made; *c; c++)
        if (*c != '-' && *c != ':')
            stamp[n++] = *c;
    stamp[n] = '\0';
    (void)snprintf(b->database, sizeof b->database, "postern-%s.db", stamp);
}

static int finish(struct backup *b, struct err *e)
{
    struct copied database;
    char          hash[SHA256_TEXT];
    if (count(b, b->copy, e) < 0)
        return -1;
    db_close(&b->copy); /* with its log */
    if (copies_look(b->to, partial_name, &database, e) < 0)
        return -1;
    name_database(b, clock_wall_ms());
    b->counts->database_bytes = database.bytes;
    if (renameat(b->to, partial_name, b->to, b->database) < 0)
        return err_set(e, ERR_IO, "rename %s: %m", partial_name);
    if (copies_sync(b->to, e) < 0)
        return -1;
    FAULT("backup.before_manifest");
    if (manifest_write(b->to, b->database, sha256_text(hash, database.hash), b->counts, e) < 0 || copies_sync(b->to, e) < 0)
        return -1;
    FAULT("backup.manifest_written");
    return 0;
}

/* --- what no backup needs any more -------------------------------------------------------------------------------------- */

static int remove_old_database(void *user, const char *name, struct err *e)
{
    struct backup *b = user;
    (void)e;
    if (strncmp(name, "postern-", 8) == 0 && strncmp(name, b->database, strlen(b->database)) != 0)
        (void)unlinkat(b->to, name, 0);
    return 0;
}

static int remove_if_unknown(void *user, const char *path, struct err *e)
{
    struct backup *b = user;
    const char *slash = strrchr(path, '/');
    if (!slash)
        return 0;
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(b->before, e, "SELECT 1 FROM arrivals WHERE id = ? AND file = ?",
               param_textn(slash + 1, strcspn(slash + 1, ".")), P(path)); /* "<id>.eml", "<id>.cut.eml" */
    int found = s ? stmt_step(s, e) : -1;
    if (found == 0 && unlinkat(b->to, path, 0) == 0)
        b->counts->removed++;
    return found < 0 ? -1 : 0;
}

/* The new one is whole by now: what goes wrong here costs only room. */
static void tidy(struct backup *b)
{
    struct err unused;
    char       path[PATH_BYTES];
    db_close(&b->before);
    if (copies_walk(b->to, ".", remove_old_database, b, &unused) == 0 &&
        db_open(path_in(path, b->o->to, b->database), DB_FROZEN, &b->before, &unused) == 0)
        (void)!copies_walk(b->to, "arrivals", remove_if_unknown, b, &unused);
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

static int lock_target(struct backup *b, struct err *e)
{
    b->lock = openat(b->to, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (b->lock < 0)
        return err_set(e, ERR_IO, "%s: %m", b->o->to);
    if (flock(b->lock, LOCK_EX | LOCK_NB) < 0)
        return err_set(e, ERR_BUSY, "%s is in use by another postern", b->o->to);
    return faccessat(b->to, source_name, F_OK, AT_EACCESS) == 0 ? err_set(e, ERR_STATE, "%s is a data folder, not a place for backups", b->o->to) : 0;
}

static int open_both(struct backup *b, struct err *e)
{
    b->from = open_folder(b->o->from, e);
    if (b->from < 0)
        return -1;
    if (mkdir(b->o->to, 0700) < 0 && errno != EEXIST)
        return err_set(e, ERR_IO, "%s: %m", b->o->to);
    b->to = open_folder(b->o->to, e);
    return b->to < 0 ? -1 : lock_target(b, e);
}

static int make(struct backup *b, struct err *e)
{
    if (open_both(b, e) < 0 || open_source(b, e) < 0 || copy_database(b, e) < 0 || check_copy(b, e) < 0)
        return -1;
    open_before(b);
    if (copy_arrivals(b, e) < 0 || copies_walk(b->from, ".", copy_small, b, e) < 0 || finish(b, e) < 0)
        return -1;
    tidy(b);
    return 0;
}

static void close_all(struct backup *b)
{
    int fds[] = { b->from, b->to, b->lock };
    db_close(&b->source);
    db_close(&b->copy);
    db_close(&b->before);
    for (size_t i = 0; i < COUNT(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

int backup_make(const struct backup_options *o, struct backup_counts *out, struct err *e)
{
    *out = (struct backup_counts){ 0 };
    struct backup b = { .o = o, .counts = out, .from = -1, .to = -1, .lock = -1 };
    int           result = make(&b, e);
    db_close(&b.copy);
    if (result < 0 && b.source) /* the folder is ours by then */
        remove_partial(&b);
    close_all(&b);
    return result;
}

/* --- the way back ------------------------------------------------------------------------------------------------------ */

static int complain_full(void *user, const char *name, struct err *e)
{
    static const char *const allowed[] = { "lock", "reserve" };
    (void)user;
    for (size_t i = 0; i < COUNT(allowed); i++)
        if (strcmp(name, allowed[i]) == 0)
            return 0;
    return err_set(e, ERR_STATE, "%s is there: restore into an empty folder", name);
}

/* Empty, or what an earlier restore left when it was cut off. */
static int claim(struct backup *b, struct err *e)
{
    b->lock = openat(b->to, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (b->lock < 0)
        return err_set(e, ERR_IO, "%s: %m", b->o->to);
    if (flock(b->lock, LOCK_EX | LOCK_NB) < 0)
        return err_set(e, ERR_BUSY, "%s is in use by a running postern: stop it first", b->o->to);
    if (faccessat(b->to, backup_restoring, F_OK, AT_EACCESS) == 0)
        return 0;
    if (faccessat(b->to, "arrivals", F_OK, AT_EACCESS) == 0)
        return complain_full(NULL, "arrivals", e);
    return copies_walk(b->to, ".", complain_full, NULL, e) < 0 || copies_write(b->to, backup_restoring, "", 0, e) < 0 || copies_sync(b->to, e) < 0 ? -1 : 0;
}

/* Under its last name only when all else is there. */
static int fetch_database(struct backup *b, const char *hash, struct err *e)
{
    struct copied got;
    char          text[SHA256_TEXT], path[PATH_BYTES];
    if (copies_file(b->from, b->to, b->database, &got, e) < 0)
        return -1;
    if (strcmp(sha256_text(text, got.hash), hash) != 0)
        return err_set(e, ERR_DAMAGED, "%s is not what was written when the backup was made", b->database);
    return db_open(path_in(path, b->o->to, b->database), DB_FROZEN, &b->copy, e);
}

static int fetch_arrival(struct backup *b, const struct row *r, struct err *e)
{
    struct copied now;
    if (!is_ours(r->file)) {
        say(b, r->file, "not the name of an arrival");
        return 0;
    }
    b->counts->files++;
    if (copies_make_folders(b->to, r->file, e) < 0)
        return -1;
    if (copies_file(b->from, b->to, r->file, &now, e) < 0) {
        if (e->code != ERR_NOT_FOUND)
            return -1;
        say(b, r->file, "missing");
        return 0;
    }
    FAULT("restore.file_copied");
    b->counts->copied++;
    b->counts->files_bytes += now.bytes;
    if (r->has_hash && memcmp(r->hash, now.hash, SHA256_BYTES) != 0)
        say(b, r->file, "not the bytes that were kept");
    return 0;
}

static int fetch_arrivals(struct backup *b, struct err *e)
{
    struct row row;
    int64_t    total, done = 0;
    int        more;
    if (count(b, b->copy, e) < 0 || db_number(b->copy, "SELECT count(*) FROM arrivals WHERE file IS NOT NULL", 0, &total, e) < 0)
        return -1;
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(b->copy, "SELECT seq, id, file, hash, bytes FROM arrivals WHERE file IS NOT NULL ORDER BY seq", e);
    if (!s)
        return -1;
    while ((more = stmt_step(s, e)) > 0) {
        read_row(s, &row);
        if (fetch_arrival(b, &row, e) < 0)
            return -1;
        tell_progress(b, "arrivals", ++done, total);
    }
    return more;
}

static int put_in_place(struct backup *b, struct err *e)
{
    db_close(&b->copy);
    if (copies_walk(b->from, ".", copy_small, b, e) < 0 || copies_sync(b->to, e) < 0)
        return -1;
    FAULT("restore.before_database");
    if (renameat(b->to, b->database, b->to, source_name) < 0 || copies_sync(b->to, e) < 0)
        return err_set(e, ERR_IO, "rename %s: %m", b->database);
    FAULT("restore.database_in_place");
    if (unlinkat(b->to, backup_restoring, 0) < 0)
        return err_set(e, ERR_IO, "remove %s: %m", backup_restoring);
    return copies_sync(b->to, e);
}

static int restore(struct backup *b, struct err *e)
{
    char hash[SHA256_TEXT];
    b->from = open_folder(b->o->from, e);
    if (b->from < 0)
        return -1;
    int found = manifest_read(b->from, b->database, hash, b->counts, e);
    if (found <= 0)
        return found < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "%s is no backup: manifest.json is missing", b->o->from);
    b->counts->files = b->counts->files_bytes = 0; /* counted again */
    if (mkdir(b->o->to, 0700) < 0 && errno != EEXIST)
        return err_set(e, ERR_IO, "%s: %m", b->o->to);
    b->to = open_folder(b->o->to, e);
    if (b->to < 0 || claim(b, e) < 0 || fetch_database(b, hash, e) < 0 || fetch_arrivals(b, e) < 0)
        return -1;
    return put_in_place(b, e);
}

int backup_restore(const struct backup_options *o, struct backup_counts *out, struct err *e)
{
    *out = (struct backup_counts){ 0 };
    struct backup b = { .o = o, .counts = out, .from = -1, .to = -1, .lock = -1 };
    int           result = restore(&b, e);
    close_all(&b);
    return result;
}
