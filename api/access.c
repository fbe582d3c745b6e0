/* access: who asks, and whether they may. */
#include "api/access.h"
#include "api/guard.h"
#include "core/clock.h"
#include "core/log.h"
#include <stdio.h>
#include <string.h>

enum { REFUSALS_EVERY_MS = 60 * 1000 };

void access_headers(struct response *p)
{
    response_header(p, "X-Content-Type-Options", "nosniff");
    response_header(p, "Cross-Origin-Resource-Policy", "same-origin"); /* no foreign page shows our pictures */
}

/* Somebody who guesses tokens, or a page that tries: one line a minute, with how many there were. */
static void note_refusal(struct api *a, const struct request *r, int status)
{
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

/* On loopback whoever can reach us needs no token. */
static void find_who(const struct api *a, struct request *r)
{
    r->is_trusted = guard_has_token(http_header(r, "Authorization"), a->o.token);
    if (r->is_trusted)
        set_who(r, ROLE_ADMIN, "api-token");
    else if (a->is_loopback)
        set_who(r, ROLE_ADMIN, "loopback");
    else
        set_who(r, ROLE_NONE, "");
}

static bool has_role(const struct request *r, enum role needs, struct response *p)
{
    if (r->role >= needs)
        return true;
    if (r->is_trusted) {
        problem(p, 403, "this token's role is %s; this needs %s", role_name(r->role), role_name(needs));
        return false;
    }
    problem(p, 401, "send Authorization: Bearer TOKEN; `postern token show` prints the token");
    response_header(p, "WWW-Authenticate", "Bearer");
    return false;
}

/* --- from where ------------------------------------------------------------------------------------------------------- */

static bool may_change(const struct api *a, const struct request *r, struct response *p)
{
    bool has_body = strcmp(r->method, "DELETE") != 0; /* which no form and no picture can send */
    if (!guard_is_our_origin(http_header(r, "Origin"), http_header(r, "Host"), a->o.public_url)) {
        problem(p, 403, "a page of another origin may not change anything");
        return false;
    }
    if (has_body && !guard_is_json(http_header(r, "Content-Type"))) {
        problem(p, 403, "what changes something must be sent as Content-Type: application/json");
        return false;
    }
    return true;
}

bool access_allows(struct api *a, struct request *r, enum role needs, bool is_change, struct response *p)
{
    find_who(a, r);
    if (has_role(r, needs, p) && (!is_change || may_change(a, r, p)))
        return true;
    note_refusal(a, r, p->status);
    return false;
}
