/* keyring: the tokens that are in force, in memory: those of the store, and the gateway's own (Api:Token, or the file api-token).
 * Compared by their hashes, all of them each time. Any thread. */
#pragma once
#include "store/audit.h"
#include "store/tokens.h"

#define KEYRING_OWN "api-token" /* id and name of the gateway's own */

enum { KEYRING_TOKEN_BYTES = 80 };

struct key {
    enum role role;
    char      name[TOKEN_NAME_BYTES];
    bool      is_chosen; /* by the owner, so perhaps one that can be guessed */
};
struct keyring;

/* own: "" = none. */
int  keyring_open(struct store *s, const char *own, bool is_own_chosen, struct keyring **out, struct err *e) MUST_CHECK;
void keyring_close(struct keyring **k);
bool keyring_is_empty(struct keyring *k);

/* Whose it is. A use is noted, at most once a minute on disk. */
bool keyring_find(struct keyring *k, const char *token, int64_t wall_ms, struct key *out);

/* A new one: name, role and expires_ms of row are given, the rest and the token, shown this once, are filled in. ERR_STATE: the
 * name is taken; ERR_LIMIT. Waits for the disk; with its audit row, whose detail and object are ours. */
int keyring_add(struct keyring *k, struct token_row *row, const struct audit_entry *by, char token_out[KEYRING_TOKEN_BYTES],
                struct err *e) MUST_CHECK;
/* 1; 0: there is no such id; -1. */
int  keyring_revoke(struct keyring *k, const char *id, const struct audit_entry *by, struct err *e) MUST_CHECK;
void keyring_forget_own(struct keyring *k);
bool keyring_has_own(struct keyring *k, bool *is_chosen_out);
/* Copies them, oldest first; how many. */
size_t keyring_list(struct keyring *k, struct token_row rows[TOKENS_MAX]);
