/* damage: see damage.h. Rows are copied by ranges of their key; a range that cannot be read is halved until what is left out is
 * one row. Mails among those are looked for page by page (salvage.h). The new database is made by the usual schema, and index and tallies
 * are filled anew. */
#include "store/damage.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "store/copies.h"
#include "store/migrate.h"
#include "store/salvage.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char database[] = "postern.db", partial[] = "postern.db.rebuilt.partial", ready[] = "postern.db.rebuilt", mark[] = "damaged",
                  aside_prefix[] = "postern.db.damaged-";

enum { PATH_BYTES = 4096, RANGE = 128, RANGES_A_COMMIT = 64, FAILURES_MAX = 50000, LATELY_S = 3600, RECENT_MS = 3600 * 1000, SQL_BYTES = 4096, TABLE_BYTES = 64 };
enum { ASIDE_KEPT = 2, ASIDE_NAME = 64, ASIDE_ROUNDS = 100 };
static const int64_t unknown_end = 1 << 20; /* where not even the last key can be read */

struct rebuild {
    struct store *store;
    struct db    *db;    /* the new one; the damaged one is attached as "old", unless it cannot be opened at all   */
    struct db    *probe; /* in memory, "old" attached too: what fails, fails here (FTS5 takes it ill in the new one) */
    int64_t       left_out, found_files;
    int           failures;
    struct holes  holes; /* of arrivals */
    struct salvaged salvaged;
};

/* --- what is there ------------------------------------------------------------------------------------------------- */

static bool is_there(const struct store *s, const char *name)
{
    return faccessat(s->folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int note_any(void *user, const char *path, struct err *e)
{
    (void)user, (void)path, (void)e;
    return 1;
}

int damage_mark(struct store *s, struct err *e)
{
    return copies_write(s->folder_fd, mark, "", 0, e) < 0 || folder_sync(s->folder_fd, ".", e) < 0 ? -1 : 0;
}

static int look_if_lately(void *user, const char *name, struct err *e)
{
    const struct store *s = user;
    struct stat         st;
    (void)e;
    return strncmp(name, aside_prefix, strlen(aside_prefix)) == 0 && fstatat(s->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (int64_t)st.st_ctime > clock_wall_ms() / 1000 - LATELY_S;
}

bool damage_was_lately(struct store *s)
{
    struct err unused;
    return copies_walk(s->folder_fd, ".", look_if_lately, s, &unused) > 0;
}

/* --- putting it in place -------------------------------------------------------------------------------------------- */

static int move(struct store *s, const char *from, const char *to, struct err *e)
{
    return renameat(s->folder_fd, from, s->folder_fd, to) < 0 && errno != ENOENT ? err_set(e, ERR_IO, "rename %s: %m", from) : 0;
}

/* The log goes with its database. Of an earlier try, when the database is already aside, nothing is there to move. */
static int set_aside(struct store *s, struct err *e)
{
    static const char *const ends[] = { "-wal", "-shm", "" };
    char stamp[CLOCK_TEXT], from[64], to[96];
    (void)clock_rfc3339(stamp, clock_wall_ms());
    for (size_t i = 0; i < COUNT(ends); i++) {
        (void)snprintf(from, sizeof from, "%s%s", database, ends[i]);
        (void)snprintf(to, sizeof to, "%s%.19s%s", aside_prefix, stamp, ends[i]);
        if (move(s, from, to, e) < 0)
            return -1;
    }
    return 0;
}

struct asides {
    char oldest[ASIDE_NAME]; /* their names are times */
    int  count;
};

static int note_aside(void *user, const char *name, struct err *e)
{
    struct asides *a = user;
    (void)e;
    if (strncmp(name, aside_prefix, strlen(aside_prefix)) != 0 || strlen(name) >= ASIDE_NAME || strstr(name, "-wal") || strstr(name, "-shm"))
        return 0;
    if (a->count++ == 0 || strcmp(name, a->oldest) < 0)
        (void)snprintf(a->oldest, sizeof a->oldest, "%s", name);
    return 0;
}

/* A dying disk would else be filled by what was set aside. */
static void thin_out(struct store *s)
{
    static const char *const ends[] = { "-wal", "-shm", "" };
    struct err unused;
    char       name[ASIDE_NAME + 8];
    for (int rounds = 0; rounds < ASIDE_ROUNDS; rounds++) {
        struct asides a = { .count = 0 };
        if (copies_walk(s->folder_fd, ".", note_aside, &a, &unused) < 0 || a.count < ASIDE_KEPT)
            return;
        for (size_t i = 0; i < COUNT(ends); i++) {
            (void)snprintf(name, sizeof name, "%s%s", a.oldest, ends[i]);
            (void)unlinkat(s->folder_fd, name, 0);
        }
    }
}

static int put_in_place(struct store *s, struct err *e)
{
    if (set_aside(s, e) < 0)
        return -1;
    FAULT("rebuild.set_aside");
    if (move(s, ready, database, e) < 0 || (unlinkat(s->folder_fd, mark, 0) < 0 && errno != ENOENT))
        return -1;
    return folder_sync(s->folder_fd, ".", e);
}

int damage_is_known(struct store *s, bool *out, struct err *e)
{
    if (is_there(s, ready) && put_in_place(s, e) < 0)
        return -1;
    *out = is_there(s, mark);
    if (*out || is_there(s, database))
        return 0;
    int found = copies_walk(s->folder_fd, "arrivals", note_any, NULL, e);
    *out = found > 0;
    return found < 0 ? -1 : 0;
}

/* --- rows ------------------------------------------------------------------------------------------------------------ */

struct table {
    char name[TABLE_BYTES], key[TABLE_BYTES], stage[SQL_BYTES], probe[SQL_BYTES], copy[SQL_BYTES];
};

static int run_range(struct db *db, const char *sql, int64_t first, int64_t last, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_prepare(db, sql, e);
    if (!s)
        return -1;
    stmt_bind(s, 1, P(first), P(last));
    return stmt_run(s, e);
}

/* Whether all of it can be read, with every byte. */
static int probe_range(struct rebuild *r, const struct table *t, int64_t first, int64_t last, struct err *e)
{
    return db_exec(r->probe, "DELETE FROM stage", e) < 0 ? -1 : run_range(r->probe, t->probe, first, last, e);
}

static bool is_in_the_rows(const struct err *e)
{
    return e->code == ERR_DAMAGED || e->code == ERR_INPUT;
}

static void leave_out(struct rebuild *r, const struct table *t, int64_t first, int64_t last)
{
    r->left_out++;
    if (strcmp(t->name, "arrivals") == 0)
        holes_add(&r->holes, first, last);
}

/* At most 8 deep: a range is 128 keys. */
static int copy_what_can_be_read(struct rebuild *r, const struct table *t, int64_t first, int64_t last, struct err *e)
{
    if (r->failures > FAILURES_MAX) {
        leave_out(r, t, first, last);
        return 0;
    }
    if (probe_range(r, t, first, last, e) == 0)
        return run_range(r->db, t->copy, first, last, e);
    if (!is_in_the_rows(e) && e->code != ERR_IO) /* a disk that cannot read its own sectors */
        return -1;
    r->failures++;
    if (first == last) {
        leave_out(r, t, first, last);
        return 0;
    }
    int64_t middle = first + (last - first) / 2;
    return copy_what_can_be_read(r, t, first, middle, e) < 0 ? -1 : copy_what_can_be_read(r, t, middle + 1, last, e);
}

/* Where the keys end: as the table says, else as the counters of ids say: no table counts further. */
static int64_t last_key(struct rebuild *r, const struct table *t)
{
    char       sql[SQL_BYTES];
    int64_t    last;
    struct err unused;
    (void)snprintf(sql, sizeof sql, "SELECT max(%s) FROM old.%s", t->key, t->name);
    if (db_number_made(r->probe, sql, 0, &last, &unused) == 0)
        return last;
    return db_number_made(r->probe, "SELECT max(seq) FROM old.sqlite_sequence", unknown_end, &last, &unused) == 0 ? last : unknown_end;
}

static int copy_some_ranges(struct rebuild *r, const struct table *t, int64_t first, int64_t last, struct err *e)
{
    for (int i = 0; i < RANGES_A_COMMIT && first <= last; i++, first += RANGE)
        if (copy_what_can_be_read(r, t, first, first + RANGE - 1, e) < 0)
            return -1;
    return 0;
}

static int copy_table(struct rebuild *r, const struct table *t, struct err *e)
{
    int64_t last = last_key(r, t);
    r->failures = 0;
    if (db_exec(r->probe, t->stage, e) < 0)
        return err_prefix(e, "%s", t->name);
    for (int64_t first = 0; first <= last; first += (int64_t)RANGE * RANGES_A_COMMIT) {
        if (db_exec(r->db, "BEGIN", e) < 0 || copy_some_ranges(r, t, first, last, e) < 0 || db_exec(r->db, "COMMIT", e) < 0)
            return err_prefix(e, "%s", t->name);
        if (atomic_load(&r->store->is_closing))
            return err_set(e, ERR_BUSY, "stopped; the next start begins again");
    }
    FAULT("rebuild.table_copied");
    return 0;
}

/* The tables with rows of our own, in the order they are made, each with its key and the columns that both databases have. Not the
 * index and the tallies: those are filled anew. */
static const char tables[] =
    "SELECT t.name, CASE WHEN t.sql LIKE '%WITHOUT ROWID' THEN (SELECT name FROM pragma_table_info(t.name) WHERE pk = 1) ELSE 'rowid' END,"
    " (SELECT group_concat('\"' || name || '\"') FROM pragma_table_info(t.name) WHERE name IN (SELECT name FROM pragma_table_info(t.name, 'old')))"
    " FROM main.sqlite_schema t WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%' AND t.name NOT LIKE 'sqlite_%'"
    " AND t.name NOT LIKE 'search%' AND t.name NOT LIKE 'device_names%' AND t.name NOT IN ('meta', 'tallies', 'hours') ORDER BY t.rowid";

enum { TABLES_MAX = 40 };

static int list_tables(struct rebuild *r, struct table *list, size_t *count_out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_prepare(r->db, tables, e);
    int    more = s ? 0 : -1;
    size_t n = 0;
    while (s && n < TABLES_MAX && (more = stmt_step(s, e)) > 0) {
        if (col_is_null(s, 2))
            continue; /* the old one has no such table */
        struct table *t = &list[n++];
        (void)snprintf(t->name, sizeof t->name, "%s", col_text(s, 0));
        (void)snprintf(t->key, sizeof t->key, "%s", col_text(s, 1));
        const char *columns = col_text(s, 2);
        (void)snprintf(t->stage, sizeof t->stage, "DROP TABLE IF EXISTS stage; CREATE TABLE stage AS SELECT %s FROM old.%s WHERE 0", columns, t->name);
        (void)snprintf(t->probe, sizeof t->probe, "INSERT INTO stage SELECT %s FROM old.%s WHERE %s BETWEEN ?1 AND ?2", columns, t->name, t->key);
        (void)snprintf(t->copy, sizeof t->copy, "INSERT OR IGNORE INTO main.%s(%s) SELECT %s FROM old.%s WHERE %s BETWEEN ?1 AND ?2", t->name,
                       columns, columns, t->name, t->key);
    }
    *count_out = n;
    return more < 0 ? -1 : 0;
}

static int attach(struct db *db, const char *path, struct err *e)
{
    int64_t count;
    int done = db_run(db, e, "ATTACH ? AS old", P(path));
    return done < 0 ? -1 : db_number_made(db, "SELECT count(*) FROM old.sqlite_schema", 0, &count, e);
}

/* false: nothing of it can be read, not even what tables it has. */
static bool attach_old(struct rebuild *r)
{
    char       path[PATH_BYTES];
    struct err e = { 0 };
    if (!is_there(r->store, database))
        return false;
    (void)snprintf(path, sizeof path, "%s/%s", r->store->folder, database);
    bool is_attached = db_open(":memory:", DB_WRITER, &r->probe, &e) == 0 && attach(r->probe, path, &e) == 0 && attach(r->db, path, &e) == 0;
    if (!is_attached)
        log_line(LOG_WARN, "rebuild.unreadable", LOG_S("text", e.text));
    return is_attached;
}

/* Beside the rows; what of it cannot be read costs little. Numbers that were given once are not given again: cursors and the archive's
 * position are beyond them. */
static const char *const others[] = {
    "INSERT OR REPLACE INTO main.meta SELECT key, value FROM old.meta WHERE key NOT IN ('indexed', 'migrating')",
    "DELETE FROM main.sqlite_sequence WHERE seq < (SELECT o.seq FROM old.sqlite_sequence o WHERE o.name = sqlite_sequence.name)",
    ("INSERT INTO main.sqlite_sequence(name, seq) SELECT name, seq FROM old.sqlite_sequence"
     " WHERE name IN (SELECT name FROM main.sqlite_schema) AND name NOT IN (SELECT name FROM main.sqlite_sequence)"),
};

static int copy_tables(struct rebuild *r, struct err *e)
{
    static struct table list[TABLES_MAX]; /* one rebuild at a time: the preparer's */
    size_t     count;
    struct err unused;
    if (list_tables(r, list, &count, e) < 0) {
        holes_add(&r->holes, 1, INT64_MAX);
        return is_in_the_rows(e) ? 0 : -1;
    }
    for (size_t i = 0; i < count; i++)
        if (copy_table(r, &list[i], e) < 0)
            return -1;
    for (size_t i = 0; i < COUNT(others); i++)
        (void)!db_exec(r->db, others[i], &unused);
    return 0;
}

/* Then nothing holds the old one open: with the last connection its log goes into it, as far as that is possible. */
static int copy_rows(struct rebuild *r, struct err *e)
{
    struct err unused;
    int        result = 0;
    if (attach_old(r))
        result = copy_tables(r, e);
    else
        holes_add(&r->holes, 1, INT64_MAX);
    db_close(&r->probe);
    (void)!db_exec(r->db, "DETACH old", &unused);
    return result;
}

static int salvage(struct rebuild *r, struct err *e)
{
    if (!is_there(r->store, database))
        return 0;
    return salvage_arrivals(r->db, r->store->folder_fd, database, &r->holes, &r->salvaged, e);
}

/* --- files ------------------------------------------------------------------------------------------------------------- */

/* The time in a ULID: its first ten letters. */
static int64_t time_of(const char *id)
{
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    int64_t ms = 0;
    for (int i = 0; i < 10; i++) {
        const char *at = strchr(letters, id[i]);
        ms = ms * 32 + (at ? at - letters : 0);
    }
    return ms;
}

/* Or was erased by the owner. */
static int has_row(struct rebuild *r, const char *id, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(r->db, e, "SELECT 1 FROM main.arrivals WHERE id = ?1 UNION ALL SELECT 1 FROM main.erased WHERE id = ?1", P(id));
    return s ? stmt_step(s, e) : -1;
}

/* Who sent it stood in its row only. */
static const char add_arrival[] =
    "INSERT INTO main.arrivals(id, received_ms, bytes, state, envelope, file, hash) VALUES(?, ?, ?, 2, '" SALVAGE_ENVELOPE "', ?, ?)";

static int add_file(void *user, const char *path, struct err *e)
{
    struct rebuild *r = user;
    struct copied   is;
    char            id[ID_TEXT];
    const char     *slash = strrchr(path, '/');
    (void)snprintf(id, sizeof id, "%s", slash + 1);
    if (!id_is_valid(id) || strlen(path) >= FILE_TEXT)
        return 0; /* not ours */
    int found = has_row(r, id, e);
    if (found != 0)
        return found < 0 ? -1 : 0;
    if (copies_look(r->store->folder_fd, path, &is, e) < 0)
        return 0; /* not readable: it stays where it is */
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(r->db, e, add_arrival, P(id), P(time_of(id)), P(is.bytes), P(path), param_blob(is.hash, SHA256_BYTES));
    if (!s)
        return -1;
    r->found_files++;
    return stmt_run(s, e);
}

/* --- what no longer fits together -------------------------------------------------------------------------------------- */

static const char *const mends[] = {
    "DELETE FROM main.arrivals WHERE id IN (SELECT id FROM main.erased)",
    "UPDATE main.arrivals SET raw = NULL WHERE file IS NULL AND length(raw) = 0 AND bytes > 0 AND seq NOT IN (SELECT arrival FROM main.bodies)",
    "DELETE FROM main.bodies WHERE arrival NOT IN (SELECT seq FROM main.arrivals)",
    "UPDATE main.events SET arrival = NULL WHERE arrival IS NOT NULL AND arrival NOT IN (SELECT seq FROM main.arrivals)",
    "DELETE FROM main.media WHERE event NOT IN (SELECT seq FROM main.events)",
    "DELETE FROM main.legs WHERE delivery NOT IN (SELECT seq FROM main.deliveries WHERE event IN (SELECT seq FROM main.events))",
    "DELETE FROM main.deliveries WHERE event NOT IN (SELECT seq FROM main.events)",
    /* The last hour's may not have been told: they are read and told, perhaps again. Older ones are for `postern reparse`. */
    "UPDATE main.arrivals SET state = 0, tries = 0 WHERE state = 2 AND received_ms > (SELECT max(received_ms) FROM main.arrivals) - 3600000"
    " AND (file IS NOT NULL OR raw IS NOT NULL) AND coalesce(parser, '') != 'drill' AND source IS NULL AND NOT EXISTS (SELECT 1 FROM main.events e WHERE e.arrival = arrivals.seq)",
    /* Waits are told in running time; a clock that begins anew would make them years. */
    "INSERT INTO main.meta(key, value) SELECT 'running_ms', max(created_run_ms) FROM main.deliveries HAVING count(*) > 0"
    " ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
    "INSERT INTO main.meta(key, value) SELECT 'changed', max(changed) FROM main.events WHERE changed IS NOT NULL HAVING count(*) > 0"
    " ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
};

static int mend(struct rebuild *r, struct err *e)
{
    for (size_t i = 0; i < COUNT(mends); i++)
        if (db_exec(r->db, mends[i], e) < 0)
            return -1;
    return 0;
}

/* What people are told at the next start of the relay, however often we are killed until then. */
static int write_report(struct rebuild *r, struct err *e)
{
    char    text[400];
    int64_t events, arrivals;
    if (db_number_made(r->db, "SELECT count(*) FROM main.events", 0, &events, e) < 0 || db_number_made(r->db, "SELECT count(*) FROM main.arrivals", 0, &arrivals, e) < 0)
        return -1;
    (void)snprintf(text, sizeof text,
                   "the database was damaged; it was set aside as %s… and made anew: %lld events and %lld mails are there, %lld of them by their files, "
                   "%lld from pages that led nowhere; %lld rows could not be read. Run `postern reparse`, and look at the disk",
                   aside_prefix, (long long)events, (long long)arrivals, (long long)r->found_files,
                   (long long)(r->salvaged.rows + r->salvaged.bare), (long long)r->left_out);
    log_line(LOG_ERROR, "rebuild.done", LOG_S("text", text));
    return db_run(r->db, e, "INSERT OR REPLACE INTO main.meta(key, value) VALUES('rebuilt', ?)", P(text));
}

/* --- all of it ----------------------------------------------------------------------------------------------------------- */

static int open_new(struct rebuild *r, struct err *e)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char path[PATH_BYTES], name[64];
    for (size_t i = 0; i < COUNT(ends); i++) {
        (void)snprintf(name, sizeof name, "%s%s", partial, ends[i]);
        (void)unlinkat(r->store->folder_fd, name, 0);
    }
    int fd = openat(r->store->folder_fd, partial, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, errno == ENOSPC ? ERR_FULL : ERR_IO, "create %s: %m", partial);
    (void)close(fd);
    (void)snprintf(path, sizeof path, "%s/%s", r->store->folder, partial);
    return db_open(path, DB_WRITER, &r->db, e) < 0 || migrate_run(r->store, r->db, e) < 0 ? -1 : 0;
}

static int fill(struct rebuild *r, struct err *e)
{
    int left;
    if (copy_rows(r, e) < 0 || db_exec(r->db, "BEGIN", e) < 0 || salvage(r, e) < 0 || copies_walk(r->store->folder_fd, "arrivals", add_file, r, e) < 0 ||
        mend(r, e) < 0 || write_report(r, e) < 0 || db_exec(r->db, "COMMIT", e) < 0 || migrate_fill(r->store, r->db, e) < 0)
        return -1;
    return db_checkpoint(r->db, true, &left, e);
}

int damage_rebuild(struct store *s, struct err *e)
{
    struct rebuild r = { .store = s };
    thin_out(s);
    log_line(LOG_ERROR, "rebuild.begun", LOG_S("text", "the database is damaged: what can be read of it becomes a new one"));
    int result = open_new(&r, e) < 0 || fill(&r, e) < 0 ? -1 : 0;
    db_close(&r.probe);
    db_close(&r.db);
    if (result < 0)
        return err_prefix(e, "rebuild");
    if (move(s, partial, ready, e) < 0 || folder_sync(s->folder_fd, ".", e) < 0)
        return -1;
    FAULT("rebuild.ready");
    return put_in_place(s, e);
}
