/* db: SQLite as the files of this folder see it (sqlite3.h stays inside db.c): connections, prepared statements that are
 * kept for the connection's life, and error codes of ours. A connection belongs to one thread at a time.
 *
 *   CLEANUP(stmt_done) struct stmt *q = db_ask(tx_db(tx), e, "SELECT id, text FROM events WHERE seq = ?", P(seq));
 *   int found = q ? stmt_step(q, e) : -1;              1 a row, 0 no more, -1
 *   if (found > 0)
 *       *text_out = col_copy(q, 1, arena);
 *
 *   return db_run(tx_db(tx), e, "UPDATE events SET note = ? WHERE seq = ?", P(note), P(seq));
 *
 * A statement that was not stepped to its end holds its read transaction open: stmt_done ends it. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct db;
struct stmt;
struct store_tx;
struct store_reader;

const char *db_library(void); /* SQLite's version */

struct db *tx_db(struct store_tx *tx);        /* inside apply(): the writer's connection, its transaction is open */
struct db *reader_db(struct store_reader *r); /* read-only                                                       */

/* The statement for this text, prepared at its first use and kept. sql is a string literal: it is found again by its address.
 * Comes reset, all parameters NULL. A statement in use (not yet stmt_done) cannot be had twice. NULL: *e is set. */
struct stmt *db_stmt(struct db *d, const char *sql, struct err *e) MUST_CHECK;
/* For a text that was put together: prepared now, freed by stmt_done. NULL: *e is set. */
struct stmt *db_prepare(struct db *d, const char *sql, struct err *e) MUST_CHECK;
/* As db_stmt, for a text that was put together and will come again: found again by what it says. The last few are kept. */
struct stmt *db_stmt_made(struct db *d, const char *sql, struct err *e) MUST_CHECK;
void stmt_done(struct stmt **s); /* ends its work, *s is NULL; NULL inside is nothing. The CLEANUP handler. */

/* A parameter's value. Texts and blobs are borrowed until stmt_done; no bytes bind NULL. */
struct param {
    enum { PARAM_NULL, PARAM_INT, PARAM_TEXT, PARAM_BLOB } type;
    int64_t     number;
    const void *bytes;
    size_t      length;
};
static inline struct param param_int(int64_t n) { return (struct param){ .type = PARAM_INT, .number = n }; }
static inline struct param param_if(bool is_there, int64_t n) { return (struct param){ .type = is_there ? PARAM_INT : PARAM_NULL, .number = n }; }
static inline struct param param_textn(const char *s, size_t n) { return (struct param){ .type = PARAM_TEXT, .bytes = s, .length = n }; }
static inline struct param param_text(const char *s) { return param_textn(s, s ? strlen(s) : 0); }
static inline struct param param_blob(const void *b, size_t n) { return (struct param){ .type = PARAM_BLOB, .bytes = b, .length = n }; }
#define P(x) _Generic((x), char *: param_text, const char *: param_text, default: param_int)(x)
#define PARAMS(...) (const struct param[]){ __VA_ARGS__ }, sizeof((const struct param[]){ __VA_ARGS__ }) / sizeof(struct param)

/* A statement with all its parameters, in their order; sql as for db_stmt.
 * db_ask: ready to be stepped; NULL: *e is set. db_run: ran to its end; 0 or -1. */
#define db_ask(d, e, sql, ...) db_ask_params(d, sql, PARAMS(__VA_ARGS__), e)
#define db_run(d, e, sql, ...) db_run_params(d, sql, PARAMS(__VA_ARGS__), e)
struct stmt *db_ask_params(struct db *d, const char *sql, const struct param *params, size_t count, struct err *e) MUST_CHECK;
int db_run_params(struct db *d, const char *sql, const struct param *params, size_t count, struct err *e) MUST_CHECK;
/* Each statement of an array, all with these parameters; -1 at the first that fails. */
#define db_run_each(d, e, steps, ...) db_run_each_params(d, steps, COUNT(steps), PARAMS(__VA_ARGS__), e)
int db_run_each_params(struct db *d, const char *const *steps, size_t steps_count, const struct param *params, size_t count,
                       struct err *e) MUST_CHECK;

/* For what cannot be had in one call: parameters from the n-th on, counted from 1. What cannot be bound makes the step fail. */
#define stmt_bind(s, n, ...) bind_params(s, n, PARAMS(__VA_ARGS__))
void bind_params(struct stmt *s, int n, const struct param *params, size_t count);
/* By name, for texts put together: ":device". Names the statement does not have are passed over. */
void bind_named(struct stmt *s, const char *name, struct param value);

/* 1: a row is there; 0: no more; -1: ERR_FULL, ERR_BUSY, ERR_NOMEM, ERR_INPUT (a constraint), ERR_DAMAGED, else ERR_IO. */
int stmt_step(struct stmt *s, struct err *e) MUST_CHECK;
/* For what yields no row: steps to the end; 0 or -1. The statement can be bound and run again (its parameters stay). */
int stmt_run(struct stmt *s, struct err *e) MUST_CHECK;

/* Columns count from 0; of the row that is there. Pointers are good until the next step or stmt_done. */
int64_t col_int(struct stmt *s, int i); /* NULL reads as 0 */
bool col_is_null(struct stmt *s, int i);
const char *col_text(struct stmt *s, int i); /* NULL stays NULL */
const void *col_blob(struct stmt *s, int i, size_t *length_out);
char *col_copy(struct stmt *s, int i, struct arena *a); /* NULL: it is NULL, or the arena is full */

int64_t db_last_seq(struct db *d); /* of the last INSERT */
int db_changes(struct db *d);      /* rows touched by the last statement */

/* Several statements without parameters or rows: BEGIN, schema steps, pragmas. */
int db_exec(struct db *d, const char *sql, struct err *e) MUST_CHECK;
/* The first column of the first row; fallback: there is no row, or it is NULL. 0, or -1: *out is as it was. db_number's statement has
 * no parameters, db_number_made's was put together as well; db_number_of takes parameters as db_ask does. */
int db_number(struct db *d, const char *sql, int64_t fallback, int64_t *out, struct err *e) MUST_CHECK;
int db_number_made(struct db *d, const char *sql, int64_t fallback, int64_t *out, struct err *e) MUST_CHECK;
int db_number_params(struct db *d, const char *sql, const struct param *params, size_t count, int64_t fallback, int64_t *out,
                     struct err *e) MUST_CHECK;
#define db_number_of(d, sql, fallback, out, e, ...) db_number_params(d, sql, PARAMS(__VA_ARGS__), fallback, out, e)

/* Several reads of one moment: begin … end on a reader. Keep it to one page of 500 rows. */
int db_snapshot_begin(struct db *d, struct err *e) MUST_CHECK;
void db_snapshot_end(struct db *d);

/* What is read from now on may take this long together, then it fails with ERR_TIMEOUT; 0: as long as it likes. */
void db_limit_time(struct db *d, int64_t ms);

/* --- connections (open.c, writer.c, checkpoint.c, reader.c) ---------------------------------------------------- */

enum db_use { DB_WRITER, DB_CHECKPOINT, DB_READER, DB_HISTORY /* a reader that keeps more of the file in memory */,
              DB_FROZEN /* a file that nobody writes: nothing is made beside it */,
              DB_FOREIGN /* another program's, read-only: it may be hostile, and its damage is not ours */ };
int db_open(const char *path, enum db_use use, struct db **out, struct err *e) MUST_CHECK;
void db_close(struct db **d);
void db_release_memory(struct db *d); /* gives its cache back */
bool db_is_in_transaction(struct db *d);
int64_t db_total_changes(const struct db *d); /* rows, of hidden tables too, since it was opened */
/* After each commit of this connection: pages now in the write-ahead log. */
void db_on_commit(struct db *d, void (*committed)(void *user, int pages), void *user);
/* Copies what it can from the log into the database; is_restart: also waits a moment for readers, so that the log begins anew. */
int db_checkpoint(struct db *d, bool is_restart, int *pages_left_out, struct err *e) MUST_CHECK;
/* The same, and cuts the log to nothing, so that no page of before is left in it: 1; 0: somebody reads or writes just now; -1. */
int db_empty_log(struct db *d, struct err *e) MUST_CHECK;

/* Whether SQLite has called any database of this process (but foreign ones) damaged since db_forget_damage. */
bool db_saw_damage(void);
void db_note_damage(void); /* … or a check has said so */
void db_forget_damage(void);

struct db_pace {
    int pages, pause_ms; /* so many at once, then a rest: others use the disk too */
    void (*progress)(void *user, int done, int total); /* in pages; may be NULL */
    void *user;
};
/* The whole database as it is now into a new file, synced, while others go on writing. Their log cannot begin anew meanwhile: it
 * grows by what they write. */
int db_copy(struct db *from, const char *path, const struct db_pace *pace, struct err *e) MUST_CHECK;
