/* verify: see verify.h. */
#include "store/verify.h"
#include "store/copies.h"
#include "store/db.h"
#include "store/forget.h"
#include "store/manifest.h"
#include "store/schema.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, SAID_MAX = 100, NAMED_MAX = 5, PIECE = 16384 };

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
    char          path[PATH_BYTES], text[SHA256_TEXT];
    l->counts->is_backup = true;
    if (copies_look(l->at, name, &now, e) < 0)
        return -1;
    if (strcmp(sha256_text(text, now.hash), hash) != 0)
        say(l, "%s: not what was written when the backup was made", name);
    (void)snprintf(path, sizeof path, "%s/%s", l->o->folder, name);
    return db_open(path, DB_FROZEN, &l->db, e);
}

static int open_database(struct look *l, struct err *e)
{
    struct backup_counts unused;
    char                 name[MANIFEST_NAME], hash[SHA256_TEXT], path[PATH_BYTES];
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
    "SELECT a.seq, a.id, a.bytes, a.hash, a.file, coalesce(b.raw, a.raw),"
    " EXISTS (SELECT 1 FROM events e JOIN media m ON m.event = e.seq WHERE e.arrival = a.seq AND m.forgotten_ms IS NOT NULL)"
    " FROM arrivals a LEFT JOIN bodies b ON b.arrival = a.seq WHERE a.seq > ? ORDER BY a.seq LIMIT 1";

/* The line that stands in the place of each forgotten part (forget.h). */
static const char mark[] = FORGET_MARK_BEGINS;

static bool is_marked(const void *bytes, size_t n)
{
    return memmem(bytes, n, mark, strlen(mark)) != NULL;
}

/* In pieces that overlap by as much as a mark. When in doubt it is there: that it cannot be read others say. */
static bool is_file_marked(int at, const char *file)
{
    char    piece[PIECE];
    size_t  carried = 0;
    ssize_t n = -1;
    bool    is_found = false;
    int     fd = openat(at, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    while (fd >= 0 && !is_found && (n = read(fd, piece + carried, sizeof piece - carried)) > 0) {
        size_t have = carried + (size_t)n;
        is_found = is_marked(piece, have);
        carried = have < strlen(mark) ? have : strlen(mark);
        memmove(piece, piece + have - carried, carried);
    }
    if (fd >= 0)
        (void)close(fd);
    return is_found || n < 0;
}

/* Retention may have taken it since its row was read. */
static bool is_still_named(struct look *l, int64_t seq, const char *file)
{
    struct err unused;
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(l->db, &unused, "SELECT 1 FROM arrivals WHERE seq = ? AND file = ?", P(seq), P(file));
    return !s || stmt_step(s, &unused) != 0;
}

static void judge(struct look *l, const char *id, int64_t bytes, const unsigned char *hash, const struct copied *now)
{
    if (now->bytes != bytes)
        say(l, "arrival %s: %lld bytes, of %lld that were kept", id, (long long)now->bytes, (long long)bytes);
    else if (!hash)
        l->counts->unsure++;
    else if (memcmp(hash, now->hash, SHA256_BYTES) != 0)
        say(l, "arrival %s: not the bytes that were kept", id);
    else
        l->counts->sound++;
}

struct fetched {
    int64_t       seq, bytes;
    char          id[32], file[80];
    bool          has_hash, has_raw;
    bool          is_cut, is_marked; /* parts of it were forgotten; inline bytes say so */
    unsigned char hash[SHA256_BYTES];
    struct copied now; /* of inline bytes */
};

static int fetch(struct look *l, int64_t after, struct fetched *f, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_ask(l->db, e, next_arrival, P(after));
    int found = s ? stmt_step(s, e) : -1;
    if (found <= 0)
        return found;
    size_t      n, raw_n;
    const void *hash = col_blob(s, 3, &n);
    *f = (struct fetched){ .seq = col_int(s, 0), .bytes = col_int(s, 2), .has_hash = n == SHA256_BYTES, .has_raw = !col_is_null(s, 5) };
    (void)snprintf(f->id, sizeof f->id, "%s", col_text(s, 1) ? col_text(s, 1) : "?");
    (void)snprintf(f->file, sizeof f->file, "%s", col_is_null(s, 4) ? "" : col_text(s, 4));
    if (f->has_hash)
        memcpy(f->hash, hash, SHA256_BYTES);
    const void *raw = col_blob(s, 5, &raw_n);
    f->now.bytes = (int64_t)raw_n;
    f->is_cut = col_int(s, 6) != 0;
    f->is_marked = f->is_cut && f->has_raw && is_marked(raw, raw_n);
    return f->has_raw && sha256(raw, raw_n, f->now.hash) < 0 ? err_set(e, ERR_NOMEM, "out of memory") : 1;
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
    if (f->is_cut && !(f->file[0] ? is_file_marked(l->at, f->file) : f->is_marked))
        say(l, "arrival %s: says nowhere that a part of it was forgotten", f->id);
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

/* Each: the names of what must not be, and how to call them. */
static const struct rule {
    const char *sql, *text;
} rules[] = {
    { "SELECT e.id FROM media m JOIN events e ON e.seq = m.event JOIN arrivals a ON a.seq = e.arrival WHERE m.forgotten_ms IS NULL"
      " AND (a.file IS NOT NULL OR a.raw IS NOT NULL) AND (m.offset < 0 OR m.offset + max(m.length, 0) > a.bytes)",
      "pictures that lie beyond the end of their arrival" },
    { "SELECT 'number ' || event FROM media WHERE event NOT IN (SELECT seq FROM events)", "pictures of no event" },
    { "SELECT id FROM events WHERE arrival IS NOT NULL AND arrival NOT IN (SELECT seq FROM arrivals)", "events of no arrival" },
    { "SELECT 'arrival number ' || arrival FROM bodies WHERE arrival NOT IN (SELECT seq FROM arrivals)", "bytes of no arrival" },
    { "SELECT id FROM deliveries WHERE event NOT IN (SELECT seq FROM events)", "deliveries of no event" },
};

/* Each: a difference that must be nought. */
static const struct rule sums[] = {
    { "SELECT abs((SELECT count(*) FROM events WHERE seq <= (SELECT max(value) FROM meta WHERE key = 'indexed')) - (SELECT coalesce(sum(n), 0) FROM hours))", "events that the tallies by the hour miss" },
    { "SELECT abs((SELECT count(*) FROM events WHERE seq <= (SELECT max(value) FROM meta WHERE key = 'indexed')) - (SELECT coalesce(sum(n), 0) FROM tallies))", "events that the tallies by kind miss" },
};

/* Says it unless all is well; -1: the question could not be asked. */
static int check_rule(struct look *l, const struct rule *rule, struct err *e)
{
    char    names[NAMED_MAX * 48] = "";
    size_t  used = 0;
    int64_t n = 0;
    int     more;
    CLEANUP(stmt_done) struct stmt *s = db_stmt(l->db, rule->sql, e);
    if (!s)
        return -1;
    for (; (more = stmt_step(s, e)) > 0; n++)
        if (n < NAMED_MAX)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%.40s", n ? ", " : "", col_text(s, 0) ? col_text(s, 0) : "?");
    if (n > 0)
        say(l, "%lld %s: %s%s", (long long)n, rule->text, names, n > NAMED_MAX ? ", …" : "");
    return more;
}

static int check_sum(struct look *l, const struct rule *rule, struct err *e)
{
    int64_t n;
    if (db_number(l->db, rule->sql, 0, &n, e) < 0)
        return -1;
    if (n > 0)
        say(l, "%lld %s", (long long)n, rule->text);
    return 0;
}

/* A question that meets a damaged page is an answer, too. */
static int check_all(struct look *l, const struct rule *list, size_t count, int (*check)(struct look *, const struct rule *, struct err *), struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        if (check(l, &list[i], e) == 0)
            continue;
        if (e->code != ERR_DAMAGED)
            return -1;
        say(l, "%.300s", e->text);
    }
    return 0;
}

static int check_rules(struct look *l, struct err *e)
{
    if (check_all(l, rules, COUNT(rules), check_rule, e) < 0 || check_all(l, sums, COUNT(sums), check_sum, e) < 0)
        return -1;
    if ((db_number(l->db, "SELECT count(*) FROM events", 0, &l->counts->events, e) < 0 ||
         db_number(l->db, "SELECT count(*) FROM media", 0, &l->counts->media, e) < 0) && e->code != ERR_DAMAGED)
        return -1;
    return 0;
}

static int note_stray(void *user, const char *path, struct err *e)
{
    struct look *l = user;
    const char  *slash = strrchr(path, '/');
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(l->db, e, "SELECT 1 FROM arrivals WHERE id = ? AND file = ?",
               param_textn(slash + 1, strcspn(slash + 1, ".")), P(path));
    if (!s)
        return -1;
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
