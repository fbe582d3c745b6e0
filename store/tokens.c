/* tokens: four statements. */
#include "store/tokens.h"
#include "store/db.h"
#include <stdio.h>
#include <string.h>

int tx_token_add(struct store_tx *tx, const struct token_row *t, struct err *e)
{
    return db_run(tx_db(tx), e, "INSERT INTO tokens(id, name, role, hash, created_ms, expires_ms) VALUES(?, ?, ?, ?, ?, ?)",
                  P(t->id), P(t->name), P(role_name(t->role)), param_blob(t->hash, sizeof t->hash), P(t->created_ms),
                  param_if(t->expires_ms != 0, t->expires_ms));
}

int tx_token_revoke(struct store_tx *tx, const char *id, int64_t wall_ms, struct err *e)
{
    int done = db_run(tx_db(tx), e, "UPDATE tokens SET revoked_ms = ?2 WHERE id = ?1 AND revoked_ms IS NULL", P(id), P(wall_ms));
    return done < 0 ? -1 : db_changes(tx_db(tx)) > 0;
}

int tx_token_used(struct store_tx *tx, const char *id, int64_t wall_ms, struct err *e)
{
    return db_run(tx_db(tx), e, "UPDATE tokens SET last_used_ms = ?2 WHERE id = ?1", P(id), P(wall_ms));
}

/* 1; 0: not as we write them, so nobody's. */
static int read_row(struct stmt *q, struct token_row *t)
{
    size_t      length = 0;
    const void *hash = col_blob(q, 3, &length);
    *t = (struct token_row){
        .role = role_find(col_text(q, 2)), .created_ms = col_int(q, 4), .expires_ms = col_int(q, 5), .last_used_ms = col_int(q, 6),
    };
    (void)snprintf(t->id, sizeof t->id, "%s", col_text(q, 0));
    (void)snprintf(t->name, sizeof t->name, "%s", col_text(q, 1));
    if (length != sizeof t->hash)
        return 0;
    memcpy(t->hash, hash, length);
    return 1;
}

int query_tokens(struct store_reader *r, struct token_row *rows, int max, struct err *e)
{
    CLEANUP(stmt_done)
    struct stmt *q = db_stmt(reader_db(r),
                             "SELECT id, name, role, hash, created_ms, expires_ms, last_used_ms FROM tokens WHERE revoked_ms IS NULL"
                             " ORDER BY id",
                             e);
    if (!q)
        return -1;
    int count = 0, found = 1;
    while (count < max && (found = stmt_step(q, e)) > 0)
        count += read_row(q, &rows[count]);
    return found < 0 ? -1 : count;
}
