/* history: store_open, and store_do with an operation that runs SQL. */
#include "history.h"
#include "store/db.h"
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct sql_op {
    struct store_op op;
    const char     *sql;
};

static int apply_sql(struct store_tx *tx, struct store_op *op, struct err *e)
{
    return db_exec(tx_db(tx), ((struct sql_op *)op)->sql, e);
}

void history_write(struct history *h, const char *sql)
{
    struct err    e = { 0 };
    struct sql_op op = { .op = { .rank = STORE_EVENT, .apply = apply_sql }, .sql = sql };
    if (store_do(h->store, &op.op, &e) < 0)
        fail_msg("%s: %.200s", e.text, sql);
}

int history_setup(void **state)
{
    struct err      e = { 0 };
    struct history *h = calloc(1, sizeof *h);
    assert_non_null(h);
    (void)snprintf(h->folder, sizeof h->folder, "/tmp/postern-query-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    if (store_open(&(struct store_options){ .folder = h->folder, .inline_max = 65536, .reserve_bytes = 1 << 16 }, &h->store, &e) < 0)
        fail_msg("%s", e.text);
    *state = h;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

int history_teardown(void **state)
{
    struct history *h = *state;
    store_close(&h->store);
    (void)nftw(h->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(h);
    return 0;
}
