/* relay_report: telling about telling. An account that refuses us (no credit, a bad key), or an address that it refuses (a bad
 * number), is told once per reason, and once more when it works again: through every account but that one (or to every address
 * but that one), to the technician if there is one. */
#include "core/clock.h"
#include "core/log.h"
#include "core/sha256.h"
#include "service/mask.h"
#include "service/relay_inside.h"
#include "service/text.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 600, MARK_CHARS = 16 };

struct waiting {
    const char *account;
    size_t      count;
};

static void see_waiting(void *user, const char *account, int64_t count, int64_t oldest_run_ms)
{
    (void)oldest_run_ms;
    struct waiting *w = user;
    if (strcmp(account, w->account) == 0)
        w->count = (size_t)count;
}

/* How many deliveries wait for the account; at least the message that was just refused. */
static size_t count_waiting(struct relay *r, const struct flight *f)
{
    struct waiting w = { .account = f->station->account->name };
    if (outbox_pending(r->reader, see_waiting, &w, NULL) < 0)
        w.count = 0;
    return w.count > f->leg_count ? w.count : f->leg_count;
}

/* The technician, if the settings name one who can be told of this; NULL: by the routes. */
static const char *technician(const struct relay *r, const struct understanding *u)
{
    const struct people *p = r->options.people;
    const char          *name = r->options.technician;
    for (size_t i = 0; name && name[0] && i < p->recipient_count; i++)
        if (strcasecmp(p->recipients[i].name, name) == 0 && relay_may_go(u, &p->recipients[i]))
            return p->recipients[i].name;
    return NULL;
}

/* relay's thread, once the event is on disk: only then may it count as told. */
static void on_kept(void *user, const struct err *failed)
{
    if (!failed)
        relay_note_refusals(user);
}

static void say(struct relay *r, const struct flight *f, const struct text_style *style, const struct outcome *o, bool is_restored,
                const char *except_address)
{
    const struct account        *a = f->station->account;
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, TEXT_MAX);
    text_refusal(style, a->provider, o->fault, o->detail, is_restored ? 0 : count_waiting(r, f), is_restored, &text);
    struct understanding *u = relay_own_event("system.delivery", is_restored, buf_str(&text));
    if (!u)
        return;
    u->except = a;
    u->except_address = except_address;
    u->only_recipient = technician(r, u);
    u->kept = on_kept;
    u->user = r;
    if (!is_restored && text_refusal_reason(style, o->detail) == o->detail)
        u->quotes = f->row.seq;
    relay_take(r, u);
}

/* The hour of silence is for accounts that change their mind all the time; what was not said need not be taken back. */
static bool may_report(struct relay *r, const struct flight *f, const struct outcome *o, const char *reason)
{
    char key[sizeof r->said[0].key], address[MASK_MAX];
    (void)snprintf(key, sizeof key, "delivery %s %s %s", f->station->account->name,
                   o->fault == FAULT_ACCOUNT ? "" : mask_address(address, f->station->address), reason);
    return relay_may_say(r, key);
}

/* What a reason is remembered by: our own words for it, or a number for theirs, which may repeat what they were told. */
static const char *mark_of(const struct text_style *style, const char *detail, char out[SHA256_TEXT])
{
    unsigned char hash[SHA256_BYTES];
    const char   *reason = text_refusal_reason(style, detail);
    if (reason != detail)
        return reason;
    if (sha256(detail, strlen(detail), hash) < 0)
        return "?";
    sha256_text(out, hash)[MARK_CHARS] = '\0';
    return out;
}

static void report_refusal(struct relay *r, const struct flight *f, const struct text_style *style, const struct outcome *o)
{
    struct refusals *told = o->fault == FAULT_ACCOUNT ? &relay_account(r, f->station->account)->refusals : &f->station->refusals;
    char             hex[SHA256_TEXT];
    const char      *reason = mark_of(style, o->detail, hex);
    if (refusals_have(told, reason) || !may_report(r, f, o, reason))
        return;
    refusals_add(told, reason);
    say(r, f, style, o, false, o->fault == FAULT_ACCOUNT ? NULL : f->station->address);
}

static void report_end(struct relay *r, const struct flight *f, const struct text_style *style, const struct outcome *o)
{
    struct refusals *account = &relay_account(r, f->station->account)->refusals, *address = &f->station->refusals;
    if (!refusals_are_told(account) && !refusals_are_told(address))
        return;
    const char *except_address = refusals_are_told(account) ? NULL : f->station->address;
    refusals_clear(account);
    refusals_clear(address);
    say(r, f, style, o, true, except_address);
}

void relay_report(struct relay *r, const struct flight *f, const struct outcome *o)
{
    struct text_style style;
    text_style_init(&style, f->station->account, r->options.language, r->options.site);
    style.overrides = r->options.people->words;
    if (o->verdict == VERDICT_REJECTED)
        report_refusal(r, f, &style, o);
    if (o->verdict == VERDICT_SENT)
        report_end(r, f, &style, o);
}
