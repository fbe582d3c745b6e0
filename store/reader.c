/* reader: a read-only connection, and what the inspector and the API ask about arrivals. */
#include "core/memory_file.h"
#include "store/inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store_reader {
    struct store *store;
    struct db *db;
};

struct db *reader_db(struct store_reader *r)
{
    return r->db;
}

static int open_reader(struct store *s, enum db_use use, struct store_reader **out, struct err *e)
{
    struct store_reader *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "out of memory");
    r->store = s;
    if (db_open(s->database, use, &r->db, e) < 0) {
        free(r);
        return -1;
    }
    *out = r;
    return 0;
}

int store_reader_open(struct store *s, struct store_reader **out, struct err *e)
{
    return open_reader(s, DB_READER, out, e);
}

int store_history_open(struct store *s, struct store_reader **out, struct err *e)
{
    return open_reader(s, DB_HISTORY, out, e);
}

void store_reader_close(struct store_reader **r)
{
    struct store_reader *closing = TAKE(*r);
    if (!closing)
        return;
    db_close(&closing->db);
    free(closing);
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static int read_row(struct stmt *s, struct arrival_row *out, struct arena *a, struct err *e)
{
    *out = (struct arrival_row){
        .seq = col_int(s, 0),
        .received_ms = col_int(s, 2),
        .bytes = col_int(s, 3),
        .state = (enum arrival_state)col_int(s, 4),
        .tries = (int)col_int(s, 5),
        .envelope = col_copy(s, 6, a),
        .parser = col_copy(s, 7, a),
        .subject = col_copy(s, 8, a),
        .is_large = col_int(s, 3) > STORE_QUICK_BYTES,
        .has_raw = col_int(s, 9) != 0,
    };
    (void)snprintf(out->id, sizeof out->id, "%s", col_text(s, 1));
    bool is_whole = out->envelope && (out->parser || col_is_null(s, 7)) && (out->subject || col_is_null(s, 8));
    return is_whole ? 0 : err_set(e, ERR_NOMEM, "no room for arrival %s", out->id);
}

int read_arrival_rows(struct stmt *s, struct arrival_row *rows, int limit, struct arena *a, struct err *e)
{
    int n = 0, more = 0;
    while (n < limit && (more = stmt_step(s, e)) > 0)
        if (read_row(s, &rows[n++], a, e) < 0)
            return -1;
    return more < 0 ? -1 : n;
}

int store_waiting_arrivals(struct store_reader *r, bool is_quick, int64_t after, struct arrival_row *rows, int limit,
                           struct arena *a, struct err *e)
{
    static const char quick[] = "SELECT " ARRIVAL_ROW " FROM arrivals INDEXED BY arrivals_waiting"
                                " WHERE state < 2 AND seq > ?1 AND tries = 0 AND bytes <= ?3 ORDER BY seq LIMIT ?2";
    static const char slow[] = "SELECT " ARRIVAL_ROW " FROM arrivals INDEXED BY arrivals_waiting"
                               " WHERE state < 2 AND seq > ?1 AND (tries > 0 OR bytes > ?3) ORDER BY seq LIMIT ?2";
    CLEANUP(stmt_done) struct stmt *s = db_ask(r->db, e, is_quick ? quick : slow, P(after), P(limit), P(STORE_QUICK_BYTES));
    return s ? read_arrival_rows(s, rows, limit, a, e) : -1;
}

int store_overdue_arrivals(struct store_reader *r, int64_t up_to, struct arrival_row *rows, int limit, struct arena *a,
                           struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(r->db, e,
               "SELECT " ARRIVAL_ROW
               " FROM arrivals INDEXED BY arrivals_waiting WHERE state < 2 AND state = 0 AND seq <= ? ORDER BY seq LIMIT ?",
               P(up_to), P(limit));
    return s ? read_arrival_rows(s, rows, limit, a, e) : -1;
}

int64_t store_last_arrival(const struct store *s)
{
    return atomic_load(&s->last_arrival);
}

int store_find_arrival(struct store_reader *r, const char *id, struct arrival_row *out, struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_ask(r->db, e, "SELECT " ARRIVAL_ROW " FROM arrivals WHERE id = ?", P(id));
    return s ? read_arrival_rows(s, out, 1, a, e) : -1;
}

/* --- raw bytes --------------------------------------------------------------------------------------------------- */

static int open_file(const struct store *s, const char *file, int *fd_out, struct err *e)
{
    int fd = openat(s->folder_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "open %s: %m", file);
    *fd_out = fd;
    return 0;
}

int store_copy_raw(struct store_reader *r, int64_t seq, struct buf *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(r->db, e,
               "SELECT coalesce(b.raw, a.raw) FROM arrivals a LEFT JOIN bodies b ON b.arrival = a.seq"
               " WHERE a.seq = ? AND a.file IS NULL AND a.raw IS NOT NULL",
               P(seq));
    int found = s ? stmt_step(s, e) : -1;
    if (found <= 0)
        return found;
    size_t      n;
    const void *bytes = col_blob(s, 0, &n);
    return buf_add(out, bytes, n, e) < 0 ? -1 : 1;
}

int store_open_raw(struct store_reader *r, int64_t seq, int *fd_out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s =
        db_ask(r->db, e,
               "SELECT a.file, coalesce(b.raw, a.raw) FROM arrivals a LEFT JOIN bodies b ON b.arrival = a.seq"
               " WHERE a.seq = ?",
               P(seq));
    int found = s ? stmt_step(s, e) : -1;
    if (found < 0)
        return -1;
    if (!found || (col_is_null(s, 0) && col_is_null(s, 1)))
        return err_set(e, ERR_NOT_FOUND, "the raw bytes of arrival %lld are no longer kept", (long long)seq);
    if (!col_is_null(s, 0))
        return open_file(r->store, col_text(s, 0), fd_out, e);
    size_t n;
    const void *bytes = col_blob(s, 1, &n);
    return memory_file_open(bytes, n, fd_out, e);
}
