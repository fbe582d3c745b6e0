/* forget_pictures: a mail without its pictures. It is read outside of any transaction and put together in memory; then one short
 * transaction puts it in the place of the old one. A mail whose rest is too large for that loses its raw bytes as a whole. */
#include "core/buf.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/file.h"
#include "core/sha256.h"
#include "store/audit.h"
#include "store/doomed.h"
#include "store/forget.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARTS_MAX = 512, REST_MAX = 4 << 20, RAW_MAX = 64 << 20, IN_ROW = 3072, PIECE = 16384 };

struct part {
    int64_t from, to;
};

struct cutting {
    struct store_op op;
    struct store   *store;
    int64_t         arrival, old_bytes, wall_ms;
    char            id[ID_TEXT], old_file[FILE_TEXT], new_file[FILE_TEXT], old_hash[SHA256_TEXT];
    unsigned char   new_hash[SHA256_BYTES];
    struct buf      raw; /* the whole old mail if it is inline */
    struct part     parts[PARTS_MAX];
    size_t          part_count;
    struct buf      rest;
    bool            is_too_large;
    const char     *reason;
    struct forgotten forgotten;
};

static int apply(struct store_tx *tx, struct store_op *op, struct err *e);

static struct cutting *cutting_new(struct store *s, int64_t arrival, const char *reason)
{
    struct cutting *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->op = (struct store_op){ .rank = STORE_LATER, .apply = apply };
    c->store = s;
    c->arrival = arrival;
    c->reason = reason;
    c->wall_ms = clock_wall_ms();
    buf_init(&c->rest, REST_MAX);
    buf_init(&c->raw, RAW_MAX);
    return c;
}

static void cutting_free(struct cutting **c)
{
    if (!*c)
        return;
    buf_done(&(*c)->rest);
    buf_done(&(*c)->raw);
    free(*c);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* 1, or 0: there are no raw bytes. */
static int read_row(struct cutting *c, struct db *db, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT a.id, a.bytes, a.file, coalesce(b.raw, a.raw) FROM arrivals a LEFT JOIN bodies b ON b.arrival = a.seq"
               " WHERE a.seq = ? AND (a.file IS NOT NULL OR a.raw IS NOT NULL)",
               P(c->arrival));
    int found = q ? stmt_step(q, e) : -1;
    if (found <= 0)
        return found;
    (void)snprintf(c->id, sizeof c->id, "%s", col_text(q, 0));
    c->old_bytes = col_int(q, 1);
    if (!col_is_null(q, 2)) {
        (void)snprintf(c->old_file, sizeof c->old_file, "%s", col_text(q, 2));
        return 1;
    }
    size_t      n;
    const void *bytes = col_blob(q, 3, &n);
    return buf_add(&c->raw, bytes, n, e) < 0 ? -1 : 1;
}

/* Two events of one mail may show the same part, so places that overlap are one. */
static void add_part(struct cutting *c, int64_t from, int64_t length)
{
    struct part *last = c->part_count > 0 ? &c->parts[c->part_count - 1] : NULL;
    int64_t      to = length < 0 || from > c->old_bytes - length ? c->old_bytes : from + length;
    if (last && from <= last->to) {
        last->to = to > last->to ? to : last->to;
        return;
    }
    if (c->part_count < PARTS_MAX && from >= 0 && from < to)
        c->parts[c->part_count++] = (struct part){ from, to };
}

static int read_parts(struct cutting *c, struct db *db, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e,
               "SELECT DISTINCT m.offset, m.length FROM events e JOIN media m ON m.event = e.seq WHERE e.arrival = ?"
               " AND m.forgotten_ms IS NULL ORDER BY m.offset, m.length",
               P(c->arrival));
    if (!q)
        return -1;
    int found;
    while ((found = stmt_step(q, e)) > 0)
        add_part(c, col_int(q, 0), col_int(q, 1));
    return found;
}

/* --- cutting ------------------------------------------------------------------------------------------------------ */

/* Bytes that stand at `at`: those between the parts are kept, a part's first byte becomes the marker. */
struct cut {
    struct cutting *cutting;
    struct sha256  *old;
    int64_t         at;
    size_t          part;
};

static void keep(struct cutting *c, const char *bytes, size_t n)
{
    struct err full;
    if (c->is_too_large || buf_add(&c->rest, bytes, n, &full) < 0)
        c->is_too_large = true;
}

static void mark(struct cutting *c, const struct part *p)
{
    char line[96];
    int  n = snprintf(line, sizeof line, FORGET_MARK, (long long)(p->to - p->from));
    keep(c, line, (size_t)n);
}

static size_t smaller(int64_t a, size_t b)
{
    return a < (int64_t)b ? (size_t)a : b;
}

static void feed(struct cut *x, const char *bytes, size_t n)
{
    struct cutting *c = x->cutting;
    sha256_add(x->old, bytes, n);
    while (n > 0) {
        const struct part *p = x->part < c->part_count ? &c->parts[x->part] : NULL;
        size_t             take = n;
        if (p && x->at >= p->from) {
            take = smaller(p->to - x->at, n);
            if (x->at == p->from)
                mark(c, p);
            x->part += x->at + (int64_t)take == p->to;
        } else {
            take = p ? smaller(p->from - x->at, n) : n;
            keep(c, bytes, take);
        }
        bytes += take;
        n -= take;
        x->at += (int64_t)take;
    }
}

static int feed_file(struct cut *x, struct err *e)
{
    char    piece[PIECE];
    int     fd = openat(x->cutting->store->folder_fd, x->cutting->old_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = -1;
    while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0)
        feed(x, piece, (size_t)n);
    if (n < 0)
        (void)err_set(e, ERR_IO, "read %s: %m", x->cutting->old_file);
    if (fd >= 0)
        (void)close(fd);
    return n < 0 ? -1 : 0;
}

static int cut(struct cutting *c, struct err *e)
{
    struct cut x = { .cutting = c, .old = sha256_new() };
    int        failed = 0;
    if (c->old_file[0])
        failed = feed_file(&x, e);
    else
        feed(&x, buf_str(&c->raw), c->raw.len);
    if (sha256_end_text(x.old, c->old_hash) < 0 || (!failed && sha256(buf_str(&c->rest), c->rest.len, c->new_hash) < 0))
        failed = err_set(e, ERR_NOMEM, "no hash could be made");
    sha256_free(&x.old);
    return failed;
}

/* --- the new one --------------------------------------------------------------------------------------------------- */

/* Beside the old file, under a name of its own: a repeat after a power cut writes it again. */
static int write_file(struct cutting *c, struct err *e)
{
    char folder[FILE_TEXT];
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(c->old_file, '/') - c->old_file), c->old_file);
    (void)snprintf(c->new_file, sizeof c->new_file, "%.45s/%s.cut.eml", folder, c->id);
    if (strcmp(c->new_file, c->old_file) == 0) /* a second time */
        (void)snprintf(c->new_file, sizeof c->new_file, "%.45s/%s.cu2.eml", folder, c->id);
    int fd = openat(c->store->folder_fd, c->new_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, "make %s: %m", c->new_file);
    int failed = file_write(fd, buf_str(&c->rest), c->rest.len) < 0 || fsync(fd) < 0 ? err_set(e, ERR_IO, "write %s: %m", c->new_file) : 0;
    (void)close(fd);
    return failed ? -1 : folder_sync(c->store->folder_fd, folder, e);
}

static bool goes_inline(const struct cutting *c)
{
    return !c->old_file[0] || (int64_t)c->rest.len <= c->store->options.inline_max;
}

static int write_detail(struct store_tx *tx, const struct cutting *c, struct err *e)
{
    CLEANUP(buf_done) struct buf detail;
    buf_init(&detail, 4096);
    struct json_out w = json_begin(&detail);
    json_object(&w, NULL);
    json_s(&w, "reason", c->reason);
    json_i(&w, "parts", (int64_t)c->part_count);
    json_i(&w, "bytes", c->old_bytes);
    json_s(&w, "sha256", c->old_hash);
    json_end(&w);
    struct audit_entry entry = { .who = "retention", .role = ROLE_NONE, .what = "arrival.cut", .object = c->id, .detail = buf_str(&detail) };
    return tx_audit(tx, c->wall_ms, &entry, e);
}

static int put_row(struct store_tx *tx, const struct cutting *c, bool is_apart, struct err *e)
{
    bool has_file = c->new_file[0] != '\0';
    return db_run(tx->db, e, "UPDATE arrivals SET bytes = ?2, hash = ?3, file = ?4, raw = ?5 WHERE seq = ?1",
                  P(c->arrival), P((int64_t)c->rest.len), param_blob(c->new_hash, sizeof c->new_hash), P(has_file ? c->new_file : NULL),
                  param_blob(has_file ? NULL : buf_str(&c->rest), is_apart ? 0 : c->rest.len));
}

static int put_body(struct store_tx *tx, const struct cutting *c, bool is_apart, struct err *e)
{
    if (!is_apart)
        return db_run(tx->db, e, "DELETE FROM bodies WHERE arrival = ?", P(c->arrival));
    return db_run(tx->db, e, "INSERT OR REPLACE INTO bodies(arrival, raw) VALUES(?, ?)",
                  P(c->arrival), param_blob(buf_str(&c->rest), c->rest.len));
}

/* Whether it is still the mail that was read: 1, 0, -1. An owner may have erased it meanwhile, or kept it. */
static int is_unchanged(struct store_tx *tx, const struct cutting *c, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(tx->db, e,
               "SELECT 1 FROM arrivals WHERE seq = ?1 AND coalesce(file, '') = ?2 AND bytes = ?3"
               " AND (file IS NOT NULL OR raw IS NOT NULL)"
               " AND NOT EXISTS (SELECT 1 FROM events WHERE arrival = ?1 AND kept = 1)",
               P(c->arrival), P(c->old_file), P(c->old_bytes));
    return s ? stmt_step(s, e) : -1;
}

static int apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct cutting *c = (struct cutting *)op;
    c->forgotten = (struct forgotten){ 0 };
    int is_same = is_unchanged(tx, c, e);
    if (is_same <= 0)
        return is_same;
    if (c->is_too_large)
        return tx_forget_raw(tx, c->arrival, &c->forgotten, e) < 0 ? -1 : write_detail(tx, c, e);
    bool is_apart = !c->new_file[0] && c->rest.len > IN_ROW;
    c->forgotten = (struct forgotten){ .pictures = (int64_t)c->part_count, .bytes = c->old_bytes - (int64_t)c->rest.len };
    if (c->old_file[0] && tx_doom(tx, c->old_file, c->old_bytes, e) < 0)
        return -1;
    tx->files_bytes += c->new_file[0] ? (int64_t)c->rest.len : 0;
    return put_row(tx, c, is_apart, e) < 0 || put_body(tx, c, is_apart, e) < 0 || tx_forget_media(tx, c->arrival, c->wall_ms, e) < 0 ||
                   write_detail(tx, c, e) < 0 || tx_forgotten_add(tx, &c->forgotten, e) < 0
               ? -1
               : 0;
}

/* 1 read and cut; 0: nothing to do; -1. */
static int prepare(struct cutting *c, struct db *db, struct err *e)
{
    int found = read_row(c, db, e);
    if (found <= 0 || read_parts(c, db, e) < 0)
        return found <= 0 ? found : -1;
    if (c->part_count == 0)
        return 0;
    if (cut(c, e) < 0)
        return -1;
    return !c->is_too_large && !goes_inline(c) && write_file(c, e) < 0 ? -1 : 1;
}

int forget_pictures(struct store *s, struct db *db, int64_t arrival, const char *reason, struct forgotten *f, struct err *e)
{
    CLEANUP(cutting_free) struct cutting *c = cutting_new(s, arrival, reason);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory");
    int found = prepare(c, db, e);
    if (found <= 0)
        return found;
    FAULT("forget.cut");
    if (store_do(s, &c->op, e) < 0)
        return -1;
    FAULT("forget.cut_kept");
    f->mails += c->forgotten.mails;
    f->pictures += c->forgotten.pictures;
    f->bytes += c->forgotten.bytes;
    return 1;
}
