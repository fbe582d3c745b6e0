/* relay_accounts: what an operator sees of the accounts, and holds back. What others read is copied under the inbox's lock once a
 * second; whether an account is paused stands in the database, so that it stays so. */
#include "core/clock.h"
#include "core/log.h"
#include "service/health.h"
#include "service/relay_inside.h"
#include "store/account_ends.h"
#include "store/notes.h"
#include "store/quotes.h"
#include <stdio.h>
#include <string.h>

enum { NOTE_NAME_BYTES = 160 };

static void note_name(char out[NOTE_NAME_BYTES], const struct account *a)
{
    (void)snprintf(out, NOTE_NAME_BYTES, "paused/%s", a->name);
}

bool relay_is_out(const struct account_state *s)
{
    return __atomic_load_n(&s->is_shut, __ATOMIC_RELAXED) || __atomic_load_n(&s->is_paused, __ATOMIC_RELAXED);
}

/* --- what is seen of it ----------------------------------------------------------------------------------------- */

void relay_see_end(struct relay *r, const struct account *a, int64_t message, const struct outcome *o)
{
    struct relay_account *seen = &relay_account(r, a)->seen;
    int64_t               now = clock_wall_ms();
    (void)pthread_mutex_lock(&r->lock);
    if (o->verdict == VERDICT_SENT) {
        seen->success_ms = now;
    } else {
        seen->error_ms = now;
        seen->error_message = message;
        (void)snprintf(seen->error, sizeof seen->error, "%s", o->detail[0] ? o->detail : verdict_name(o->verdict));
    }
    (void)pthread_mutex_unlock(&r->lock);
}

static struct account_state *find(struct relay *r, const char *name)
{
    for (size_t i = 0; i < r->options.people->account_count; i++)
        if (strcmp(r->accounts[i].account->name, name) == 0)
            return &r->accounts[i];
    return NULL;
}

static void remember_end(void *user, const char *account, int64_t ended_ms, const char *detail, int64_t message)
{
    struct account_state *s = find(user, account);
    if (!s)
        return;
    if (!detail && s->seen.success_ms == 0)
        s->seen.success_ms = ended_ms;
    if (detail && s->seen.error_ms == 0) {
        s->seen.error_ms = ended_ms;
        s->seen.error_message = message;
        (void)snprintf(s->seen.error, sizeof s->seen.error, "%s", detail);
    }
}

int relay_remember_accounts(struct relay *r, struct err *e)
{
    char name[NOTE_NAME_BYTES], value[8];
    for (size_t i = 0; i < r->options.people->account_count; i++) {
        note_name(name, r->accounts[i].account);
        if (note_read(r->reader, name, value, sizeof value, e) < 0)
            return -1;
        __atomic_store_n(&r->accounts[i].is_paused, value[0] != '\0', __ATOMIC_RELAXED);
    }
    (void)pthread_mutex_lock(&r->lock);
    int result = query_account_ends(r->reader, remember_end, r, e);
    (void)pthread_mutex_unlock(&r->lock);
    return result;
}

static void forget_error(struct relay *r, struct account_state *s)
{
    (void)pthread_mutex_lock(&r->lock);
    s->seen.error_message = 0;
    (void)snprintf(s->seen.error, sizeof s->seen.error, "the answer was erased with what it was about");
    (void)pthread_mutex_unlock(&r->lock);
}

void relay_forget_erased(struct relay *r)
{
    struct err e;
    for (size_t i = 0; i < r->options.people->account_count; i++) {
        struct account_state *s = &r->accounts[i];
        if (s->seen.error_message > 0 && query_may_quote(r->reader, s->seen.error_message, &e) == 0)
            forget_error(r, s);
        if (s->is_ailing) /* since an earlier answer, maybe */
            health_set(HEALTH_ACCOUNT, s->account->name, s->seen.error);
    }
    r->has_changed = true; /* fewer are owed: what waits is counted anew */
}

/* The fewest tokens of its lanes: what the next message finds at worst. */
static double tokens_of(struct relay *r, const struct account *a, int64_t run_ms)
{
    double least = a->burst;
    for (struct station *s = r->stations; s; s = s->next) {
        (void)bucket_has(&s->lane.bucket, run_ms); /* fills it up to now */
        if (s->account == a && s->lane.bucket.tokens < least)
            least = s->lane.bucket.tokens;
    }
    return least;
}

void relay_see_pending(struct relay *r, const char *account, int64_t count, int64_t oldest_ms)
{
    (void)pthread_mutex_lock(&r->lock);
    struct account_state *s = find(r, account);
    if (s) {
        s->seen.pending = count;
        s->seen.oldest_ms = oldest_ms;
    }
    (void)pthread_mutex_unlock(&r->lock);
}

void relay_see_buckets(struct relay *r)
{
    int64_t now = store_running_ms(r->store);
    (void)pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->options.people->account_count; i++)
        r->accounts[i].seen.tokens = tokens_of(r, r->accounts[i].account, now);
    (void)pthread_mutex_unlock(&r->lock);
}

size_t relay_accounts(struct relay *r, struct relay_account *out, size_t max)
{
    size_t count = r->options.people->account_count < max ? r->options.people->account_count : max;
    (void)pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < count; i++) {
        out[i] = r->accounts[i].seen;
        out[i].account = r->accounts[i].account;
        out[i].is_paused = __atomic_load_n(&r->accounts[i].is_paused, __ATOMIC_RELAXED);
        out[i].is_shut = __atomic_load_n(&r->accounts[i].is_shut, __ATOMIC_RELAXED);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return count;
}

/* --- pausing ---------------------------------------------------------------------------------------------------- */

struct pause {
    struct store_op           op;
    char                      name[NOTE_NAME_BYTES];
    bool                      is_paused;
    const struct audit_entry *by;
};

static int pause_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct pause *p = (const struct pause *)op;
    if (tx_note(tx, p->name, p->is_paused ? "1" : NULL, e) < 0)
        return -1;
    return tx_audit(tx, clock_wall_ms(), p->by, e);
}

int relay_pause(struct relay *r, const char *account, bool is_paused, const struct audit_entry *by, struct err *e)
{
    struct account_state *s = find(r, account);
    struct pause          p = { .op = { .rank = STORE_EVENT, .apply = pause_apply }, .is_paused = is_paused, .by = by };
    if (!s)
        return err_set(e, ERR_NOT_FOUND, "there is no account %s", account);
    note_name(p.name, s->account);
    if (store_do(r->store, &p.op, e) < 0)
        return -1;
    __atomic_store_n(&s->is_paused, is_paused, __ATOMIC_RELAXED);
    log_line(LOG_INFO, is_paused ? "account.paused" : "account.resumed", LOG_S("account", account), LOG_S("by", by->who));
    relay_look_soon(r);
    return 0;
}
