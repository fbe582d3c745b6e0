/* tokens: who may ask the API. Of a token itself only its SHA-256 is kept: it is 256 bits of chance, so that there is nothing to
 * guess. A revoked one stays as a row: the audit speaks of it. */
#pragma once
#include "core/role.h"
#include "core/sha256.h"
#include "store/store.h"

enum { TOKEN_NAME_BYTES = 41, TOKENS_MAX = 200 };

struct token_row {
    char          id[ID_TEXT], name[TOKEN_NAME_BYTES];
    enum role     role;
    unsigned char hash[SHA256_BYTES];
    int64_t       created_ms, expires_ms, last_used_ms; /* expires, last used: 0 = never */
};
int tx_token_add(struct store_tx *tx, const struct token_row *t, struct err *e) MUST_CHECK;
int tx_token_revoke(struct store_tx *tx, const char *id, int64_t wall_ms, struct err *e) MUST_CHECK; /* 1; 0: no such; -1 */
int tx_token_used(struct store_tx *tx, const char *id, int64_t wall_ms, struct err *e) MUST_CHECK;
/* Those that are not revoked, oldest first: how many (at most max), or -1. */
int query_tokens(struct store_reader *r, struct token_row *rows, int max, struct err *e) MUST_CHECK;
