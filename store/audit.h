/* audit: who did what and when. Rows are written in the transaction of what they tell of. */
#pragma once
#include "core/role.h"
#include "store/store.h"

struct audit_entry {
    const char *who;    /* a token's name, "loopback" …        */
    enum role   role;   /* of theirs                           */
    const char *what;   /* "token.add", "account.pause" …      */
    const char *object; /* its id or name; NULL: none          */
    const char *detail; /* JSON; NULL: none                    */
};
int tx_audit(struct store_tx *tx, int64_t wall_ms, const struct audit_entry *a, struct err *e) MUST_CHECK;
/* A row of its own; waits for the disk. */
int audit_add(struct store *s, const struct audit_entry *a, struct err *e) MUST_CHECK;
