/* keyring: one list under one lock; what changes it is on disk before it counts. */
#include "api/keyring.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { USE_NOTED_EVERY_MS = 60 * 1000, DETAIL_MAX = 300 };
static const char prefix[] = "postern_"; /* so that scanners for leaked secrets, and people, know what it is */

struct keyring {
    struct store    *store;
    pthread_mutex_t  lock; /* guards all below */
    bool             has_own, is_own_chosen;
    unsigned char    own[SHA256_BYTES];
    struct token_row rows[TOKENS_MAX];
    size_t           count;
};

/* --- opening ------------------------------------------------------------------------------------------------ */

static int load(struct keyring *k, struct err *e)
{
    struct store_reader *r = NULL;
    if (store_reader_open(k->store, &r, e) < 0)
        return -1;
    int count = query_tokens(r, k->rows, TOKENS_MAX, e);
    store_reader_close(&r);
    k->count = count > 0 ? (size_t)count : 0;
    return count < 0 ? -1 : 0;
}

void keyring_close(struct keyring **kp)
{
    struct keyring *k = TAKE(*kp);
    if (!k)
        return;
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

int keyring_open(struct store *s, const char *own, bool is_own_chosen, struct keyring **out, struct err *e)
{
    CLEANUP(keyring_close) struct keyring *k = calloc(1, sizeof *k);
    if (!k)
        return err_set(e, ERR_NOMEM, "out of memory");
    (void)pthread_mutex_init(&k->lock, NULL);
    k->store = s;
    k->has_own = own[0] != '\0' && sha256(own, strlen(own), k->own) == 0;
    k->is_own_chosen = is_own_chosen;
    if (load(k, e) < 0)
        return -1;
    *out = TAKE(k);
    return 0;
}

/* --- asking --------------------------------------------------------------------------------------------------- */

struct used {
    struct store_op op;
    char            id[ID_TEXT];
    int64_t         wall_ms;
};

static int used_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct used *u = (const struct used *)op;
    return tx_token_used(tx, u->id, u->wall_ms, e);
}

static void used_done(struct store_op *op, const struct err *failed)
{
    if (failed)
        log_line(LOG_WARN, "api.token_use_unkept", LOG_S("text", failed->text));
    free(op);
}

/* What to write of this use; NULL: it was noted a moment ago. */
static struct used *note_use(struct token_row *t, int64_t wall_ms)
{
    if (llabs(wall_ms - t->last_used_ms) < USE_NOTED_EVERY_MS)
        return NULL;
    struct used *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    t->last_used_ms = wall_ms;
    *u = (struct used){ .op = { .rank = STORE_IDLE, .apply = used_apply, .done = used_done }, .wall_ms = wall_ms };
    memcpy(u->id, t->id, sizeof u->id);
    return u;
}

static bool is_in_force(const struct token_row *t, int64_t wall_ms)
{
    return t->role != ROLE_NONE && (t->expires_ms == 0 || wall_ms < t->expires_ms);
}

/* With the lock. Looks at all of them, so that the time it takes tells nothing. NULL: none. */
static struct token_row *find_row(struct keyring *k, const unsigned char hash[SHA256_BYTES], int64_t wall_ms)
{
    struct token_row *found = NULL;
    for (size_t i = 0; i < k->count; i++)
        if (is_equal_in_constant_time(k->rows[i].hash, hash, SHA256_BYTES) && is_in_force(&k->rows[i], wall_ms))
            found = &k->rows[i];
    return found;
}

bool keyring_find(struct keyring *k, const char *token, int64_t wall_ms, struct key *out)
{
    unsigned char hash[SHA256_BYTES];
    if (sha256(token, strlen(token), hash) < 0)
        return false;
    (void)pthread_mutex_lock(&k->lock);
    bool              is_own = k->has_own && is_equal_in_constant_time(k->own, hash, SHA256_BYTES);
    struct token_row *row = find_row(k, hash, wall_ms);
    struct used      *used = row ? note_use(row, wall_ms) : NULL;
    *out = (struct key){ .role = is_own ? ROLE_ADMIN : row ? row->role : ROLE_NONE, .is_chosen = is_own && k->is_own_chosen };
    (void)snprintf(out->name, sizeof out->name, "%s", is_own ? KEYRING_OWN : row ? row->name : "");
    (void)pthread_mutex_unlock(&k->lock);
    if (used)
        store_submit(k->store, &used->op);
    return is_own || row;
}

bool keyring_is_empty(struct keyring *k)
{
    (void)pthread_mutex_lock(&k->lock);
    bool is_empty = !k->has_own && k->count == 0;
    (void)pthread_mutex_unlock(&k->lock);
    return is_empty;
}

bool keyring_has_own(struct keyring *k, bool *is_chosen_out)
{
    (void)pthread_mutex_lock(&k->lock);
    bool has_own = k->has_own;
    *is_chosen_out = k->is_own_chosen;
    (void)pthread_mutex_unlock(&k->lock);
    return has_own;
}

size_t keyring_list(struct keyring *k, struct token_row rows[TOKENS_MAX])
{
    (void)pthread_mutex_lock(&k->lock);
    size_t count = k->count;
    memcpy(rows, k->rows, count * sizeof *rows);
    (void)pthread_mutex_unlock(&k->lock);
    return count;
}

/* --- changing ------------------------------------------------------------------------------------------------- */

struct change {
    struct store_op           op;
    const struct token_row   *row; /* to be added */
    const char               *id;  /* to be revoked */
    const struct audit_entry *by;
    int64_t                   wall_ms;
    int                       found;
};

static int draw(char out[KEYRING_TOKEN_BYTES], struct err *e)
{
    unsigned char random[SHA256_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(e, ERR_IO, "getrandom: %m");
    int n = snprintf(out, KEYRING_TOKEN_BYTES, "%s", prefix);
    for (size_t i = 0; i < sizeof random; i++)
        n += snprintf(out + n, KEYRING_TOKEN_BYTES - (size_t)n, "%02x", random[i]);
    return 0;
}

static int write_audit(struct store_tx *tx, const struct change *c, const char *id, const char *detail, struct err *e)
{
    struct audit_entry entry = *c->by;
    entry.object = id;
    entry.detail = detail;
    return tx_audit(tx, c->wall_ms, &entry, e);
}

static int add_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct change         *c = (const struct change *)op;
    CLEANUP(buf_done) struct buf detail;
    buf_init(&detail, DETAIL_MAX);
    struct json_out w = json_begin(&detail);
    json_object(&w, NULL);
    json_s(&w, "name", c->row->name);
    json_s(&w, "role", role_name(c->row->role));
    json_end(&w);
    return tx_token_add(tx, c->row, e) < 0 ? -1 : write_audit(tx, c, c->row->id, buf_str(&detail), e);
}

/* With the lock. */
static int check_room(const struct keyring *k, const char *name, struct err *e)
{
    if (k->count == TOKENS_MAX)
        return err_set(e, ERR_STATE, "there are %d tokens: revoke one first", TOKENS_MAX);
    for (size_t i = 0; i < k->count; i++)
        if (strcmp(k->rows[i].name, name) == 0)
            return err_set(e, ERR_STATE, "there is a token named \"%s\": revoke it first", name);
    return strcmp(name, KEYRING_OWN) == 0 ? err_set(e, ERR_STATE, "\"%s\" is the gateway's own", name) : 0;
}

static int find_room(struct keyring *k, const char *name, struct err *e)
{
    (void)pthread_mutex_lock(&k->lock);
    int result = check_room(k, name, e);
    (void)pthread_mutex_unlock(&k->lock);
    return result;
}

int keyring_add(struct keyring *k, struct token_row *row, const struct audit_entry *by, char token_out[KEYRING_TOKEN_BYTES], struct err *e)
{
    int64_t now = clock_wall_ms();
    if (find_room(k, row->name, e) < 0 || draw(token_out, e) < 0)
        return -1;
    if (sha256(token_out, strlen(token_out), row->hash) < 0)
        return err_set(e, ERR_IO, "SHA-256 failed");
    row->created_ms = now;
    (void)id_make(row->id, now);
    struct change c = { .op = { .rank = STORE_EVENT, .apply = add_apply }, .row = row, .by = by, .wall_ms = now };
    if (store_do(k->store, &c.op, e) < 0)
        return -1;
    (void)pthread_mutex_lock(&k->lock);
    if (k->count < TOKENS_MAX)
        k->rows[k->count++] = *row;
    (void)pthread_mutex_unlock(&k->lock);
    return 0;
}

static int revoke_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct change *c = (struct change *)op;
    c->found = tx_token_revoke(tx, c->id, c->wall_ms, e);
    if (c->found <= 0)
        return c->found;
    return write_audit(tx, c, c->id, NULL, e);
}

int keyring_revoke(struct keyring *k, const char *id, const struct audit_entry *by, struct err *e)
{
    struct change c = { .op = { .rank = STORE_EVENT, .apply = revoke_apply }, .id = id, .by = by, .wall_ms = clock_wall_ms() };
    if (store_do(k->store, &c.op, e) < 0)
        return -1;
    (void)pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < k->count; i++)
        if (strcmp(k->rows[i].id, id) == 0) {
            memmove(&k->rows[i], &k->rows[i + 1], (k->count - i - 1) * sizeof k->rows[0]);
            k->count--;
            break;
        }
    (void)pthread_mutex_unlock(&k->lock);
    return c.found;
}

void keyring_forget_own(struct keyring *k)
{
    (void)pthread_mutex_lock(&k->lock);
    k->has_own = false;
    (void)pthread_mutex_unlock(&k->lock);
}
