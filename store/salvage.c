/* salvage: see salvage.h. What a row is, is seen by its shape; whether it is whole, by the arrival's own length and hash. */
#include "store/salvage.h"
#include "core/clock.h"
#include "core/id.h"
#include "core/sha256.h"
#include "store/pages.h"
#include <string.h>

/* The columns of `arrivals`, in the order of schema.c; rows of earlier versions end after `raw`. */
enum { SEQ, ID, RECEIVED_MS, BYTES, STATE, TRIES, ENVELOPE, PARSER, SUBJECT, FILE_NAME, RAW, SOURCE, HASH, ARRIVAL_COLUMNS };
enum { BODY_ARRIVAL, BODY_RAW, BODY_COLUMNS };

struct salvage {
    struct db          *db;
    const struct holes *holes;
    struct salvaged    *out;
};

/* --- holes --------------------------------------------------------------------------------------------------------- */

void holes_add(struct holes *h, int64_t first, int64_t last)
{
    bool is_next = h->count > 0 && h->list[h->count - 1].last >= first - 1;
    if (is_next || h->count == HOLES_MAX) {
        h->list[h->count - 1].last = last;
        return;
    }
    h->list[h->count].first = first;
    h->list[h->count++].last = last;
}

bool holes_have(const struct holes *h, int64_t seq)
{
    for (size_t i = 0; i < h->count; i++)
        if (seq >= h->list[i].first && seq <= h->list[i].last)
            return true;
    return false;
}

/* --- what a row is --------------------------------------------------------------------------------------------------- */

static bool is_text_or_null(const struct page_value *v)
{
    return v->type == PAGE_TEXT || v->type == PAGE_NULL;
}

static bool is_count(const struct page_value *v)
{
    return v->type == PAGE_INT && v->number >= 0;
}

static bool is_id(const struct page_value *v)
{
    char text[ID_TEXT] = "";
    if (v->type != PAGE_TEXT || v->length != ID_TEXT - 1)
        return false;
    memcpy(text, v->bytes, ID_TEXT - 1);
    return id_is_valid(text);
}

static bool is_hash(const struct page_value *v)
{
    return v->type == PAGE_NULL || (v->type == PAGE_BLOB && v->length == SHA256_BYTES);
}

static bool is_arrival(const struct page_row *row)
{
    const struct page_value *v = row->values;
    return row->key > 0 && row->count > RAW && row->count <= ARRIVAL_COLUMNS && v[SEQ].type == PAGE_NULL && is_id(&v[ID]) &&
           is_count(&v[RECEIVED_MS]) && is_count(&v[BYTES]) && is_count(&v[STATE]) && v[STATE].number <= 3 && is_count(&v[TRIES]) &&
           v[ENVELOPE].type == PAGE_TEXT && is_text_or_null(&v[PARSER]) && is_text_or_null(&v[SUBJECT]) && is_text_or_null(&v[FILE_NAME]) &&
           (v[RAW].type == PAGE_BLOB || v[RAW].type == PAGE_NULL) && (row->count <= SOURCE || is_text_or_null(&v[SOURCE])) &&
           (row->count <= HASH || is_hash(&v[HASH]));
}

static bool is_body(const struct page_row *row)
{
    return row->key > 0 && row->count == BODY_COLUMNS && row->values[BODY_ARRIVAL].type == PAGE_NULL && row->values[BODY_RAW].type == PAGE_BLOB;
}

/* As long as it was, and the same bytes; of before hashes were kept the length must do. */
static bool is_whole(const char *bytes, size_t n, int64_t length, const void *hash)
{
    unsigned char now[SHA256_BYTES];
    return (int64_t)n == length && (!hash || (sha256(bytes, n, now) == 0 && memcmp(now, hash, SHA256_BYTES) == 0));
}

/* --- rows that are whole ----------------------------------------------------------------------------------------------- */

static struct param param_of(const struct page_value *v)
{
    return v->type == PAGE_TEXT   ? param_textn(v->bytes, v->length)
           : v->type == PAGE_BLOB ? param_blob(v->bytes, v->length)
                                  : param_if(v->type == PAGE_INT, v->number);
}

static const char add_row[] =
    "INSERT OR IGNORE INTO main.arrivals(seq, id, received_ms, bytes, state, tries, envelope, parser, subject, file, raw, source, hash)"
    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static int take_arrival(void *user, const struct page_row *row, struct err *e)
{
    struct salvage          *x = user;
    const struct page_value *v = row->values;
    if (!is_arrival(row) || !holes_have(x->holes, row->key))
        return 0;
    const void *hash = row->count > HASH && v[HASH].type == PAGE_BLOB ? v[HASH].bytes : NULL;
    if (v[RAW].length > 0 && !is_whole(v[RAW].bytes, v[RAW].length, v[BYTES].number, hash))
        return 0;
    CLEANUP(stmt_done) struct stmt *s = db_stmt(x->db, add_row, e);
    if (!s)
        return -1;
    stmt_bind(s, SEQ + 1, P(row->key));
    for (size_t i = ID; i < row->count; i++)
        stmt_bind(s, (int)i + 1, param_of(&v[i]));
    if (stmt_run(s, e) < 0)
        return e->code == ERR_INPUT ? 0 : -1; /* no row of ours after all */
    x->out->rows += db_changes(x->db);
    return 0;
}

/* --- bytes of those whose row is there ----------------------------------------------------------------------------------- */

static const char misses_body[] =
    "SELECT bytes, hash FROM main.arrivals a WHERE seq = ? AND file IS NULL AND length(raw) = 0 AND bytes > 0"
    " AND NOT EXISTS (SELECT 1 FROM main.bodies WHERE arrival = a.seq)";

static const char miss_bodies[] =
    "SELECT EXISTS (SELECT 1 FROM main.arrivals WHERE file IS NULL AND length(raw) = 0 AND bytes > 0 AND seq NOT IN (SELECT arrival FROM main.bodies))";

/* 1, 0, -1. */
static int is_missed(const struct salvage *x, const struct page_row *row, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_ask(x->db, e, misses_body, P(row->key));
    int found = s ? stmt_step(s, e) : -1;
    if (found <= 0)
        return found;
    size_t      n;
    const void *hash = col_blob(s, 1, &n);
    return is_whole(row->values[BODY_RAW].bytes, row->values[BODY_RAW].length, col_int(s, 0), n == SHA256_BYTES ? hash : NULL);
}

static int take_body(void *user, const struct page_row *row, struct err *e)
{
    struct salvage *x = user;
    int             found = is_body(row) ? is_missed(x, row, e) : 0;
    if (found <= 0)
        return found;
    x->out->bodies++;
    return db_run(x->db, e, "INSERT INTO main.bodies(arrival, raw) VALUES(?, ?)", P(row->key), param_of(&row->values[BODY_RAW]));
}

/* --- bytes whose row is gone ------------------------------------------------------------------------------------------- */

/* When it came its events say, or else the arrival before it. */
static const char next_bare[] =
    "SELECT b.arrival, b.raw, coalesce((SELECT min(received_ms) FROM main.events WHERE arrival = b.arrival),"
    " (SELECT received_ms FROM main.arrivals WHERE seq < b.arrival ORDER BY seq DESC LIMIT 1), ?2) FROM main.bodies b"
    " WHERE b.arrival > ?1 AND NOT EXISTS (SELECT 1 FROM main.arrivals WHERE seq = b.arrival) ORDER BY b.arrival LIMIT 1";

static const char add_bare[] =
    "INSERT INTO main.arrivals(seq, id, received_ms, bytes, state, envelope, raw, hash) VALUES(?, ?, ?, ?, 2, '" SALVAGE_ENVELOPE "', x'', ?)";

static int make_bare(const struct salvage *x, int64_t seq, int64_t received_ms, const void *bytes, size_t n, struct err *e)
{
    char          id[ID_TEXT];
    unsigned char hash[SHA256_BYTES];
    bool          has_hash = sha256(bytes, n, hash) == 0;
    return db_run(x->db, e, add_bare, P(seq), P(id_make(id, received_ms)), P(received_ms), P((int64_t)n),
                  param_blob(has_hash ? hash : NULL, SHA256_BYTES));
}

/* 1 one was met, *after is its seq; 0 no more; -1. */
static int take_next_bare(const struct salvage *x, int64_t *after, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_ask(x->db, e, next_bare, P(*after), P(clock_wall_ms()));
    int found = s ? stmt_step(s, e) : -1;
    if (found <= 0)
        return found;
    size_t      n;
    const void *bytes = col_blob(s, 1, &n);
    *after = col_int(s, 0);
    if (!holes_have(x->holes, *after))
        return 1;
    x->out->bare++;
    return make_bare(x, *after, col_int(s, 2), bytes, n, e) < 0 ? -1 : 1;
}

int salvage_arrivals(struct db *db, int at, const char *name, const struct holes *holes, struct salvaged *out, struct err *e)
{
    struct salvage x = { .db = db, .holes = holes, .out = out };
    int64_t        missed, after = 0;
    int            more;
    *out = (struct salvaged){ 0 };
    if (holes->count > 0 && pages_walk(at, name, take_arrival, &x, e) < 0)
        return -1;
    if (db_number(db, miss_bodies, 0, &missed, e) < 0 || (missed > 0 && pages_walk(at, name, take_body, &x, e) < 0))
        return -1;
    while ((more = take_next_bare(&x, &after, e)) > 0)
        ;
    return more;
}
