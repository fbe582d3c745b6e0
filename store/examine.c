/* examine: see examine.h. Each window is a read of its own, so that the log can begin anew between two of them. */
#include "store/examine.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/wait.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
#ifdef POSTERN_FAULTS
    FIRST_MS = 300,
#else
    FIRST_MS = 2000, /* after the start */
#endif
    CHECK_MS = 1000, /* for one table at once */
    EXAMINE_MINUTES = 10,
    REST_TIMES = 3, /* as long as a window took, so many times */
    WINDOW = 256,
    TABLES_MAX = 64,
    NAME_BYTES = 64,
    SQL_BYTES = 256,
};

struct table {
    char name[NAME_BYTES], key[NAME_BYTES];
};

struct examiner {
    struct store   *store;
    struct db      *db;
    pthread_t       thread;
    pthread_mutex_t lock; /* guards is_stopping */
    pthread_cond_t  woken;
    bool            is_stopping;
    int64_t         end_ms;
};

/* Rests; false: it is to stop. */
static bool may_go_on(struct examiner *x, int64_t rest_ms)
{
    int64_t until_us = wait_deadline_us(rest_ms);
    (void)pthread_mutex_lock(&x->lock);
    while (!x->is_stopping && wait_until(&x->woken, &x->lock, until_us))
        continue;
    bool goes_on = !x->is_stopping;
    (void)pthread_mutex_unlock(&x->lock);
    return goes_on;
}

/* --- one table ----------------------------------------------------------------------------------------------------- */

/* What quick_check says of a page for which there was no memory (SQLITE_NOMEM, 7): nothing of what is in it. */
static bool is_out_of_memory(const char *said)
{
    static const char line[] = "unable to get the page. error code=7";
    const char       *at = strstr(said, line);
    return at && (at[sizeof line - 1] == '\n' || at[sizeof line - 1] == '\0');
}

/* 1 sound, 0 too large for one look, -1. */
static int check_at_once(struct examiner *x, const struct table *t, struct err *e)
{
    char sql[SQL_BYTES];
    (void)snprintf(sql, sizeof sql, "PRAGMA quick_check('%s')", t->name);
    db_limit_time(x->db, CHECK_MS);
    CLEANUP(stmt_done) struct stmt *s = db_prepare(x->db, sql, e);
    int more = s ? stmt_step(s, e) : -1;
    db_limit_time(x->db, 0);
    if (more < 0)
        return e->code == ERR_TIMEOUT ? 0 : -1;
    if (more > 0 && is_out_of_memory(col_text(s, 0)))
        return err_set(e, ERR_NOMEM, "out of memory");
    if (more > 0 && strcmp(col_text(s, 0), "ok") != 0) {
        db_note_damage();
        return err_set(e, ERR_DAMAGED, "%.150s", col_text(s, 0));
    }
    return 1;
}

static int last_key(struct examiner *x, const struct table *t, int64_t *out, struct err *e)
{
    char sql[SQL_BYTES];
    (void)snprintf(sql, sizeof sql, "SELECT max(%s) FROM %s", t->key, t->name);
    return db_number_made(x->db, sql, 0, out, e);
}

/* 1 read to its end; 0 stopped, or no time is left; -1. */
static int read_in_windows(struct examiner *x, const struct table *t, struct err *e)
{
    char    sql[SQL_BYTES];
    int64_t last;
    if (last_key(x, t, &last, e) < 0)
        return -1;
    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE %s BETWEEN ?1 AND ?1 + %d", t->name, t->key, WINDOW - 1);
    for (int64_t first = 0; first <= last; first += WINDOW) {
        int64_t began_ms = clock_steady_ms();
        CLEANUP(stmt_done) struct stmt *s = db_stmt_made(x->db, sql, e);
        if (!s)
            return -1;
        stmt_bind(s, 1, P(first));
        if (stmt_run(s, e) < 0)
            return -1;
        if (clock_steady_ms() > x->end_ms || !may_go_on(x, REST_TIMES * (clock_steady_ms() - began_ms)))
            return 0;
    }
    return 1;
}

/* Numbers of the search index leap: it can only be checked at once. */
static bool has_windows(const struct table *t)
{
    return strncmp(t->name, "search_", 7) != 0 && strncmp(t->name, "device_names_", 13) != 0;
}

/* --- all of them --------------------------------------------------------------------------------------------------- */

static int list_tables(struct examiner *x, struct table list[TABLES_MAX], size_t *count_out, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *s = db_stmt(x->db, "SELECT name, CASE WHEN sql LIKE '%WITHOUT ROWID' THEN (SELECT name FROM pragma_table_info(t.name) WHERE pk = 1)"
                                    " ELSE 'rowid' END FROM sqlite_schema t WHERE type = 'table' AND rootpage > 0 ORDER BY rowid", e);
    int    more = s ? 0 : -1;
    size_t n = 0;
    while (s && n < TABLES_MAX && (more = stmt_step(s, e)) > 0) {
        (void)snprintf(list[n].name, sizeof list[n].name, "%s", col_text(s, 0));
        (void)snprintf(list[n].key, sizeof list[n].key, "%s", col_text(s, 1));
        n++;
    }
    *count_out = n;
    return more < 0 ? -1 : 0;
}

static int examine(struct examiner *x, int64_t *left_out, struct err *e)
{
    struct table list[TABLES_MAX];
    size_t       count;
    if (list_tables(x, list, &count, e) < 0)
        return -1;
    for (size_t i = 0; i < count && may_go_on(x, 0); i++) {
        int is_done = check_at_once(x, &list[i], e);
        if (is_done == 0 && has_windows(&list[i]))
            is_done = read_in_windows(x, &list[i], e);
        if (is_done < 0)
            return err_prefix(e, "%s", list[i].name);
        *left_out += is_done == 0;
    }
    return 0;
}

static void *run(void *user)
{
    struct examiner *x = user;
    struct err       e = { 0 };
    int64_t          left = 0, began_ms = clock_steady_ms();
    while (may_go_on(x, FIRST_MS) && store_phase(x->store) != STORE_READY)
        ;
    if (!may_go_on(x, 0))
        return NULL;
    x->end_ms = clock_steady_ms() + (int64_t)EXAMINE_MINUTES * 60000;
    int result = db_open(x->store->database, DB_READER, &x->db, &e) < 0 ? -1 : examine(x, &left, &e);
    db_close(&x->db);
    if (result < 0)
        log_line(LOG_ERROR, "store.examined", LOG_S("text", e.text));
    else if (may_go_on(x, 0))
        log_line(LOG_INFO, "store.examined", LOG_I("tables_left", left), LOG_I("ms", clock_steady_ms() - began_ms));
    return NULL;
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

static void examiner_free(struct examiner *x)
{
    (void)pthread_cond_destroy(&x->woken);
    (void)pthread_mutex_destroy(&x->lock);
    free(x);
}

int examiner_start(struct store *s, struct examiner **out, struct err *e)
{
    struct examiner *x = calloc(1, sizeof *x);
    if (!x)
        return err_set(e, ERR_NOMEM, "out of memory");
    x->store = s;
    (void)pthread_cond_init(&x->woken, NULL);
    (void)pthread_mutex_init(&x->lock, NULL);
    int rc = pthread_create(&x->thread, NULL, run, x);
    if (rc != 0) {
        examiner_free(x);
        return err_set(e, ERR_IO, "start a thread: %s", strerror(rc));
    }
    *out = x;
    return 0;
}

void examiner_stop(struct examiner **x)
{
    struct examiner *stopped = TAKE(*x);
    if (!stopped)
        return;
    (void)pthread_mutex_lock(&stopped->lock);
    stopped->is_stopping = true;
    (void)pthread_mutex_unlock(&stopped->lock);
    (void)pthread_cond_signal(&stopped->woken);
    (void)pthread_join(stopped->thread, NULL);
    examiner_free(stopped);
}
