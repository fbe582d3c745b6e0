/* verify: see verify.h. */
#include "store/verify.h"
#include "store/copies.h"
#include "store/db.h"
#include "store/manifest.h"
#include "store/schema.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, SAID_MAX = 100 };

struct look {
    const struct verify_options *o;
    struct verify_counts        *counts;
    int                          at;
    struct db                   *db;
    int                          said;
};

static void say(struct look *l, const char *format, ...) PRINTF(2, 3);
static void say(struct look *l, const char *format, ...)
{
    char    text[400];
    va_list args;
    l->counts->damaged++;
    if (!l->o->say || l->said++ >= SAID_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    l->o->say(l->o->user, l->said < SAID_MAX ? text : "… and more");
}

/* --- the database ------------------------------------------------------------------------------------------------ */

static int open_backup(struct look *l, const char *name, const char *hash, struct err *e)
{
    struct copied now;
    char          path[PATH_BYTES], text[HASH_TEXT];
    l->counts->is_backup = true;
    if (copies_look(l->at, name, &now, e) < 0)
        return -1;
    if (strcmp(hash_text(text, now.hash), hash) != 0)
        say(l, "%s: not what was written when the backup was made", name);
    (void)snprintf(path, sizeof path, "%s/%s", l->o->folder, name);
    return db_open(path, DB_FROZEN, &l->db, e);
}

static int open_database(struct look *l, struct err *e)
{
    struct backup_counts unused;
    char                 name[MANIFEST_NAME], hash[HASH_TEXT], path[PATH_BYTES];
    int64_t              version;
    l->at = open(l->o->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->at < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", l->o->folder);
    int found = manifest_read(l->at, name, hash, &unused, e);
    if (found < 0 || (found > 0 && open_backup(l, name, hash, e) < 0))
        return -1;
    if (found == 0) {
        (void)snprintf(path, sizeof path, "%s/postern.db", l->o->folder);
        if (access(path, R_OK) < 0)
            return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", path);
        if (db_open(path, DB_READER, &l->db, e) < 0)
            return -1;
    }
    if (db_number(l->db, "PRAGMA user_version", 0, &version, e) < 0)
        return -1;
    return version == schema_version ? 0 : err_set(e, ERR_VERSION, "the database is of version %lld, this Postern knows %d: start the gateway once", (long long)version, schema_version);
}

static int check_database(struct look *l, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_prepare(l->db, "PRAGMA integrity_check(20)", e);
    int more = s ? 0 : -1;
    if (l->o->progress)
        l->o->progress(l->o->user, "database", 0, 0);
    while (s && (more = stmt_step(s, e)) > 0)
        if (strcmp(col_text(s, 0), "ok") != 0)
            say(l, "database: %.300s", col_text(s, 0));
    if (more < 0 && e->code == ERR_DAMAGED) {
        say(l, "%.300s", e->text);
        return 0;
    }
    return more;
}

/* --- arrivals ------------------------------------------------------------------------------------------------------ */

static const char next_arrival[] =
    "SELECT a.seq, a.id, a.bytes, a.hash, a.file, coalesce(b.raw, a.raw) FROM arrivals a LEFT JOIN bodies b ON b.arrival = a.seq"
    " WHERE a.seq > ? ORDER BY a.seq LIMIT 1";

/* Retention may have taken it since its row was read. */
static bool is_still_named(struct look *l, int64_t seq, const char *file)
{
    struct err unused;
    CLEANUP(stmt_done) struct stmt *s = db_stmt(l->db, "SELECT 1 FROM arrivals WHERE seq = ? AND file = ?", &unused);
    if (!s)
        return true;
    bind_int(s, 1, seq);
    bind_text(s, 2, file);
    return stmt_step(s, &unused) != 0;
}

static void judge(struct look *l, const char *id, int64_t bytes, const unsigned char *hash, const struct copied *now)
{
    if (now->bytes != bytes)
        say(l, "arrival %s: %lld bytes, of %lld that were kept", id, (long long)now->bytes, (long long)bytes);
    else if (!hash)
        l->counts->unsure++;
    else if (memcmp(hash, now->hash, HASH_BYTES) != 0)
        say(l, "arrival %s: not the bytes that were kept", id);
    else
        l->counts->sound++;
}

struct fetched {
    int64_t       seq, bytes;
    char          id[32], file[80];
    bool          has_hash, has_raw;
    unsigned char hash[HASH_BYTES];
    struct copied now; /* of inline bytes */
};

static int fetch(struct look *l, int64_t after, struct fetched *f, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_stmt(l->db, next_arrival, e);
    if (!s)
        return -1;
    bind_int(s, 1, after);
    int found = stmt_step(s, e);
    if (found <= 0)
        return found;
    size_t      n, raw_n;
    const void *hash = col_blob(s, 3, &n);
    *f = (struct fetched){ .seq = col_int(s, 0), .bytes = col_int(s, 2), .has_hash = n == HASH_BYTES, .has_raw = !col_is_null(s, 5) };
    (void)snprintf(f->id, sizeof f->id, "%s", col_text(s, 1) ? col_text(s, 1) : "?");
    (void)snprintf(f->file, sizeof f->file, "%s", col_is_null(s, 4) ? "" : col_text(s, 4));
    if (f->has_hash)
        memcpy(f->hash, hash, HASH_BYTES);
    const void *raw = col_blob(s, 5, &raw_n);
    f->now.bytes = (int64_t)raw_n;
    return f->has_raw && hash_of(raw, raw_n, f->now.hash) < 0 ? err_set(e, ERR_NOMEM, "out of memory") : 1;
}

static void check_arrival(struct look *l, struct fetched *f)
{
    struct err e;
    l->counts->arrivals++;
    if (!f->file[0] && !f->has_raw) {
        l->counts->forgotten++;
        return;
    }
    if (f->file[0] && copies_look(l->at, f->file, &f->now, &e) < 0) {
        if (is_still_named(l, f->seq, f->file))
            say(l, "arrival %s: %.200s", f->id, e.text);
        return;
    }
    judge(l, f->id, f->bytes, f->has_hash ? f->hash : NULL, &f->now);
}

/* A damaged page hides some: the next that can be read is looked for, a step further each time. */
static int check_arrivals(struct look *l, struct err *e)
{
    struct fetched f;
    int64_t        last, after = 0, step = 1;
    if (db_number(l->db, "SELECT max(seq) FROM arrivals", 0, &last, e) < 0)
        return -1;
    while (after < last) {
        int found = fetch(l, after, &f, e);
        if (found == 0)
            return 0;
        if (found < 0 && e->code != ERR_DAMAGED)
            return -1;
        if (found < 0)
            say(l, "arrivals from number %lld on: %.200s", (long long)after + 1, e->text);
        else
            check_arrival(l, &f);
        step = found > 0 ? 1 : step * 2;
        after = found > 0 ? f.seq : after + step;
        if (l->o->progress)
            l->o->progress(l->o->user, "arrivals", after, last);
    }
    return 0;
}

/* --- what events say of them ----------------------------------------------------------------------------------------- */

/* Each: a count of what must not be, and how to call it. */
static const struct rule {
    const char *sql, *text;
} rules[] = {
    { "SELECT count(*) FROM media m JOIN events e ON e.seq = m.event JOIN arrivals a ON a.seq = e.arrival WHERE m.forgotten_ms IS NULL"
      " AND (a.file IS NOT NULL OR a.raw IS NOT NULL) AND (m.offset < 0 OR m.offset + max(m.length, 0) > a.bytes)",
      "pictures that lie beyond the end of their arrival" },
    { "SELECT count(*) FROM media WHERE event NOT IN (SELECT seq FROM events)", "pictures of no event" },
    { "SELECT count(*) FROM events WHERE arrival IS NOT NULL AND arrival NOT IN (SELECT seq FROM arrivals)", "events of no arrival" },
    { "SELECT count(*) FROM deliveries WHERE event NOT IN (SELECT seq FROM events)", "deliveries of no event" },
    { "SELECT abs((SELECT count(*) FROM events WHERE seq <= (SELECT max(value) FROM meta WHERE key = 'indexed')) - (SELECT coalesce(sum(n), 0) FROM hours))", "events that the tallies by the hour miss" },
    { "SELECT abs((SELECT count(*) FROM events WHERE seq <= (SELECT max(value) FROM meta WHERE key = 'indexed')) - (SELECT coalesce(sum(n), 0) FROM tallies))", "events that the tallies by kind miss" },
};

static int check_rules(struct look *l, struct err *e)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        int64_t n;
        if (db_number(l->db, rules[i].sql, 0, &n, e) < 0) {
            if (e->code != ERR_DAMAGED)
                return -1;
            say(l, "%.300s", e->text);
        } else if (n > 0) {
            say(l, "%lld %s", (long long)n, rules[i].text);
        }
    }
    if ((db_number(l->db, "SELECT count(*) FROM events", 0, &l->counts->events, e) < 0 ||
         db_number(l->db, "SELECT count(*) FROM media", 0, &l->counts->media, e) < 0) && e->code != ERR_DAMAGED)
        return -1;
    return 0;
}

static int note_stray(void *user, const char *path, struct err *e)
{
    struct look *l = user;
    const char  *slash = strrchr(path, '/');
    CLEANUP(stmt_done) struct stmt *s = db_stmt(l->db, "SELECT 1 FROM arrivals WHERE id = ? AND file = ?", e);
    if (!s)
        return -1;
    bind_textn(s, 1, slash + 1, strcspn(slash + 1, "."));
    bind_text(s, 2, path);
    int found = stmt_step(s, e);
    l->counts->strays += found == 0;
    return found < 0 && e->code != ERR_DAMAGED ? -1 : 0;
}

static int look_through(struct look *l, struct err *e)
{
    if (open_database(l, e) < 0 || check_database(l, e) < 0 || check_arrivals(l, e) < 0 || check_rules(l, e) < 0)
        return -1;
    return copies_walk(l->at, "arrivals", note_stray, l, e);
}

int verify_folder(const struct verify_options *o, struct verify_counts *out, struct err *e)
{
    *out = (struct verify_counts){ 0 };
    struct look l = { .o = o, .counts = out, .at = -1 };
    int         result = look_through(&l, e);
    db_close(&l.db);
    if (l.at >= 0)
        (void)close(l.at);
    return result;
}
