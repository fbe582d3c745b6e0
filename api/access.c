/* access: who asks, and whether they may. */
#include "api/access.h"
#include "api/cors.h"
#include "api/guard.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "providers/link.h"
#include <stdio.h>
#include <string.h>

enum { REFUSALS_EVERY_MS = 60 * 1000 };

void access_headers(const struct api *a, const struct request *r, struct response *p)
{
    response_header(p, "X-Content-Type-Options", "nosniff");
    bool is_for_others = cors_is_named(a, r) || http_query(r, "key"); /* a link is for whoever has it */
    response_header(p, "Cross-Origin-Resource-Policy", is_for_others ? "cross-origin" : "same-origin");
}

/* Somebody who guesses tokens, or a page that tries: one line a minute, with how many there were. */
static void note_refusal(struct api *a, const struct request *r, int status)
{
    static const struct {
        int         status;
        const char *reason;
    } reasons[] = { { 401, "token" }, { 403, "role or origin" }, { 421, "host" }, { 429, "slowed" } };
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (reasons[i].status == status)
            metrics_add(METRIC_API_REFUSED, reasons[i].reason, NULL, 1);
    int64_t now = clock_mono_ms(), times = 0;
    (void)pthread_mutex_lock(&a->lock);
    a->refused++;
    if (a->refused_said_ms == 0 || now - a->refused_said_ms >= REFUSALS_EVERY_MS) {
        times = a->refused;
        a->refused = 0;
        a->refused_said_ms = now;
    }
    (void)pthread_mutex_unlock(&a->lock);
    if (times > 0)
        log_line(LOG_WARN, "api.refused", LOG_S("peer", r->peer), LOG_S("path", r->path), LOG_I("status", status),
                 LOG_I("times", times));
}

bool access_knows_host(struct api *a, const struct request *r, struct response *p)
{
    if (!a->is_loopback || guard_is_our_host(http_header(r, "Host"), a->o.address, a->o.public_url))
        return true;
    problem(p, 421, "this Host is not one of ours; ask localhost, or set Api:PublicUrl");
    note_refusal(a, r, p->status);
    return false;
}

/* --- who asks --------------------------------------------------------------------------------------------------------- */

static void set_who(struct request *r, enum role role, const char *name)
{
    r->role = role;
    (void)snprintf(r->who, sizeof r->who, "%s", name);
}

/* On loopback whoever can reach us needs no token; unless a proxy or another origin's page stands between, who let in anybody. */
static bool is_local(const struct api *a, const struct request *r)
{
    static const char *const proxies[] = { "Forwarded", "X-Forwarded-For", "X-Real-IP" };
    for (size_t i = 0; i < COUNT(proxies); i++)
        if (http_header(r, proxies[i]))
            return false;
    return a->is_loopback && !cors_is_named(a, r);
}

/* Seconds that this address has to wait until its next token is looked at; a wrong one now counts. */
static int wait_of(struct api *a, const struct request *r, bool is_wrong)
{
    int64_t now = clock_mono_ms();
    (void)pthread_mutex_lock(&a->lock);
    int wait = wrong_wait_seconds(&a->wrong, r->peer, now);
    if (is_wrong && wait == 0)
        wrong_add(&a->wrong, r->peer, now);
    (void)pthread_mutex_unlock(&a->lock);
    return wait;
}

/* The seconds to wait where the address sent too many wrong tokens: nobody can guess ours, so those are always heard; one that
 * the owner chose waits with all the others of its address. */
static int find_who(struct api *a, struct request *r)
{
    const char *token = guard_bearer(http_header(r, "Authorization"));
    struct key  key = { .role = ROLE_NONE };
    bool        is_right = token && keyring_find(a->keyring, token, clock_wall_ms(), &key);
    int         wait = token && (!is_right || key.is_chosen) ? wait_of(a, r, !is_right) : 0;
    r->is_trusted = is_right && wait == 0;
    if (r->is_trusted)
        set_who(r, key.role, key.name);
    else if (!token && is_local(a, r))
        set_who(r, ROLE_ADMIN, "loopback");
    else
        set_who(r, ROLE_NONE, "");
    return wait;
}

static void say_wait(int seconds, struct response *p)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", seconds);
    problem(p, 429, "too many wrong tokens came from your address; the next is looked at in %d s", seconds);
    response_header(p, "Retry-After", text);
}

static void say_no_role(const struct request *r, enum role needs, struct response *p)
{
    if (r->is_trusted) {
        problem(p, 403, "this token's role is %s; this needs %s", role_name(r->role), role_name(needs));
        return;
    }
    problem(p, 401, "send Authorization: Bearer TOKEN; `postern token show` prints the gateway's own");
    response_header(p, "WWW-Authenticate", "Bearer");
}

static bool has_role(struct api *a, struct request *r, enum role needs, struct response *p)
{
    int wait = find_who(a, r);
    if (r->role >= needs)
        return true;
    if (wait > 0)
        say_wait(wait, p);
    else
        say_no_role(r, needs, p);
    return false;
}

/* Whoever was sent the link. */
static bool may_follow(const struct api *a, struct request *r, struct response *p)
{
    enum link_state state = LINK_WRONG;
    if (a->o.link_key)
        state = link_check(a->o.link_key, r->path, http_query(r, "expires"), http_query(r, "key"), clock_wall_ms());
    set_who(r, state == LINK_GOOD ? ROLE_READ : ROLE_NONE, "link");
    if (state != LINK_GOOD)
        problem(p, 403, state == LINK_EXPIRED ? "this link has expired" : "this link is not one of ours");
    return state == LINK_GOOD;
}

/* --- from where ------------------------------------------------------------------------------------------------------- */

static bool may_change(const struct api *a, const struct request *r, struct response *p)
{
    bool has_body = strcmp(r->method, "DELETE") != 0; /* which no form and no picture can send */
    if (!cors_is_named(a, r) && !guard_is_our_origin(http_header(r, "Origin"), http_header(r, "Host"), a->o.public_url)) {
        problem(p, 403, "a page of another origin may not change anything");
        return false;
    }
    if (has_body && !guard_is_json(http_header(r, "Content-Type"))) {
        problem(p, 403, "what changes something must be sent as Content-Type: application/json");
        return false;
    }
    return true;
}

bool access_allows(struct api *a, struct request *r, struct access access, struct response *p)
{
    bool is_link = access.is_linked && http_query(r, "key");
    bool may = is_link ? may_follow(a, r, p) : has_role(a, r, access.needs, p);
    if (may && (!access.is_change || may_change(a, r, p)))
        return true;
    note_refusal(a, r, p->status);
    return false;
}
