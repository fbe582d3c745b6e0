/* audit: one statement. */
#include "store/audit.h"
#include "core/clock.h"
#include "store/db.h"

int tx_audit(struct store_tx *tx, int64_t wall_ms, const struct audit_entry *a, struct err *e)
{
    return db_run(tx_db(tx), e, "INSERT INTO audit(at_ms, who, role, what, object, detail) VALUES(?, ?, ?, ?, ?, ?)",
                  P(wall_ms), P(a->who), P(a->role == ROLE_NONE ? NULL : role_name(a->role)), /* our own acts have none */
                  P(a->what), P(a->object), P(a->detail));
}

struct add {
    struct store_op           op;
    const struct audit_entry *entry;
};

static int add_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    return tx_audit(tx, clock_wall_ms(), ((struct add *)op)->entry, e);
}

int audit_add(struct store *s, const struct audit_entry *a, struct err *e)
{
    struct add add = { .op = { .rank = STORE_EVENT, .apply = add_apply }, .entry = a };
    return store_do(s, &add.op, e);
}
