/* routes: the table, and the rules that every request meets before its handler does. */
#include "api/routes.h"
#include "api/guard.h"
#include "core/clock.h"
#include "core/log.h"
#include <stdio.h>
#include <string.h>

enum {
    OPEN = 1,   /* needs no token                                      */
    CHANGE = 2, /* changes something: no foreign page, JSON only; slow */
};

enum { REFUSALS_EVERY_MS = 60 * 1000 };

static const struct route {
    const char  *method, *pattern; /* {} stands for one segment of the path, {*} for all up to what stands behind it */
    unsigned     flags;
    api_handler *handle;
    const char  *query; /* names it takes, each followed by a blank */
} routes[] = {
    { "GET", "/api/v1/events", 0, events_list, "kind severity device zone since until text limit cursor " },
    { "GET", "/api/v1/events/{}", 0, events_one, "" },
    { "GET", "/api/v1/events/{}/media/{}", 0, media_get, "" },
    { "GET", "/api/v1/arrivals/{}", 0, arrivals_one, "" },
    { "GET", "/api/v1/arrivals/{}/raw", 0, arrivals_raw, "" },
    { "GET", "/api/v1/deliveries", 0, deliveries_list, "state recipient event limit cursor " },
    { "POST", "/api/v1/deliveries/{}/retry", CHANGE, deliveries_retry, "" },
    { "GET", "/api/v1/reparse", 0, reparse_get, "" },
    { "POST", "/api/v1/reparse", CHANGE, reparse_post, "" },
    { "POST", "/api/v1/test", CHANGE, test_post, "" },
    { "GET", "/api/v1/devices", 0, devices_list, "limit cursor " },
    { "GET", "/api/v1/devices/{*}/sessions", 0, devices_sessions, "" },
    { "GET", "/api/v1/devices/{*}", 0, devices_one, "" },
    { "PATCH", "/api/v1/devices/{*}", CHANGE, devices_patch, "" },
    { "GET", "/livez", OPEN, health_live, "" },
    { "GET", "/readyz", OPEN, health_ready, "verbose " },
    { "GET", "/metrics", 0, metrics_get, "" },
};

/* --- finding --------------------------------------------------------------------------------------------------------- */

/* How much of the path {} or {*} at pattern stands for: a device's name may have a slash in it. */
static size_t segment_length(const char *pattern, const char *path)
{
    if (pattern[1] != '*')
        return strcspn(path, "/");
    const char *suffix = pattern + strlen("{*}");
    size_t      all = strlen(path), behind = strlen(suffix);
    return all > behind && strcmp(path + all - behind, suffix) == 0 ? all - behind : 0;
}

/* It into arg; its length, or 0: empty or too long for anything of ours. */
static size_t take_segment(const char *pattern, const char *path, char arg[HTTP_ARG_BYTES])
{
    size_t n = segment_length(pattern, path);
    if (n >= HTTP_ARG_BYTES)
        return 0;
    memcpy(arg, path, n);
    arg[n] = '\0';
    return n;
}

static bool is_match(const char *pattern, const char *path, char args[2][HTTP_ARG_BYTES])
{
    size_t arg = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t n = take_segment(pattern, path, args[arg++]);
        if (n == 0)
            return false;
        path += n;
        pattern = strchr(pattern, '}') + 1;
    }
    return *path == '\0';
}

static bool is_method(const struct route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

/* NULL: *p says why not. */
static const struct route *find(struct request *r, struct response *p)
{
    const char *get = NULL, *other = NULL; /* methods that this address does take */
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (!is_match(routes[i].pattern, r->path, r->args))
            continue;
        if (is_method(&routes[i], r->method))
            return &routes[i];
        if (strcmp(routes[i].method, "GET") == 0)
            get = "GET, HEAD";
        else
            other = routes[i].method;
    }
    if (!get && !other) {
        problem(p, 404, "there is no such address; docs/api.md lists them");
        return NULL;
    }
    char allowed[40];
    (void)snprintf(allowed, sizeof allowed, "%s%s%s", get ? get : "", get && other ? ", " : "", other ? other : "");
    problem(p, 405, "this address takes %s only", allowed);
    response_header(p, "Allow", allowed);
    return NULL;
}

/* --- rules ----------------------------------------------------------------------------------------------------------- */

static bool is_host_known(const struct api *a, const struct request *r, struct response *p)
{
    if (!a->is_loopback || guard_is_our_host(http_header(r, "Host"), a->o.address, a->o.public_url))
        return true;
    problem(p, 421, "this Host is not one of ours; ask localhost, or set Api:PublicUrl");
    return false;
}

static bool is_token_there(const struct api *a, struct request *r, const struct route *route, struct response *p)
{
    r->is_trusted = guard_has_token(http_header(r, "Authorization"), a->o.token);
    if (r->is_trusted || a->is_loopback || (route->flags & OPEN))
        return true;
    problem(p, 401, "send Authorization: Bearer TOKEN; `postern token show` prints the token");
    response_header(p, "WWW-Authenticate", "Bearer");
    return false;
}

static bool may_change(const struct api *a, const struct request *r, const struct route *route, struct response *p)
{
    if (!(route->flags & CHANGE))
        return true;
    if (!guard_is_our_origin(http_header(r, "Origin"), http_header(r, "Host"), a->o.public_url)) {
        problem(p, 403, "a page of another origin may not change anything");
        return false;
    }
    if (!guard_is_json(http_header(r, "Content-Type"))) {
        problem(p, 403, "what changes something must be sent as Content-Type: application/json");
        return false;
    }
    return true;
}

/* Whether names, a list of words each followed by a blank, has this one. */
static bool is_listed(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = names; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == n && strncmp(at, name, n) == 0)
            return true;
    return false;
}

static bool is_query_right(const struct request *r, const struct route *route, struct response *p)
{
    if (r->is_query_bad) {
        problem(p, 400, "the query has over %d parameters, or one that is not UTF-8", HTTP_PAIRS_MAX);
        return false;
    }
    for (size_t i = 0; i < r->query_count; i++)
        if (!is_listed(route->query, r->query[i].name)) {
            problem(p, 400, "%.60s: there is no such parameter here", r->query[i].name);
            return false;
        }
    return true;
}

static void add_common_headers(struct response *p)
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

static bool is_allowed(struct api *a, struct request *r, const struct route *route, struct response *p)
{
    if (is_token_there(a, r, route, p) && may_change(a, r, route, p))
        return true;
    note_refusal(a, r, p->status);
    return false;
}

bool routes_admit(struct api *a, struct request *r, struct response *p)
{
    add_common_headers(p);
    if (r->uri_length > HTTP_URI_MAX) {
        problem(p, 414, "an address may have %d bytes", HTTP_URI_MAX);
        return false;
    }
    if (!is_host_known(a, r, p)) {
        note_refusal(a, r, p->status);
        return false;
    }
    const struct route *route = find(r, p);
    if (!route || !is_allowed(a, r, route, p) || !is_query_right(r, route, p))
        return false;
    r->route = route;
    r->is_slow = (route->flags & CHANGE) != 0; /* waits for the disk, or for a whole test */
    return true;
}

void routes_answer(struct api *a, struct request *r, struct response *p)
{
    const struct route *route = r->route;
    route->handle(a, r, p);
}
