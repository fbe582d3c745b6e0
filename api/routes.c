/* routes: the table of all that can be asked, and how a request finds its row. Who may ask is access.c's. */
#include "api/routes.h"
#include "api/archived.h"
#include "api/access.h"
#include "api/cors.h"
#include "api/filter.h"
#include <stdio.h>
#include <string.h>

enum {
    CHANGE = 1, /* changes something: no foreign page, JSON only; slow */
    LARGE = 4,  /* its body may have HTTP_LARGE_BODY_MAX bytes         */
    LINKED = 2, /* a signed link does instead of a token               */
    DISTANT = 8, /* may ask the archive: slow, where there is one       */
    JOINED = 16, /* its older part may be the archive's: slow, where it is */
};

static const struct route {
    const char  *method, *pattern; /* {} stands for one segment of the path, {*} for all up to what stands behind it */
    enum role    needs;      /* ROLE_NONE: open to everybody */
    unsigned     flags;
    api_handler *handle;
    const char  *query; /* names it takes, each followed by a blank */
} routes[] = {
    { "GET", "/api/v1/events", ROLE_READ, 0, events_list, EVENTS_FILTER "order limit cursor " },
    { "GET", "/api/v1/events.ndjson", ROLE_READ, JOINED, events_ndjson, EVENTS_FILTER },
    { "GET", "/api/v1/events.csv", ROLE_READ, JOINED, events_csv, EVENTS_FILTER },
    { "GET", "/api/v1/events.atom", ROLE_READ, JOINED, events_atom, EVENTS_FILTER },
    { "POST", "/api/v1/events/ack", ROLE_OPERATE, CHANGE, events_ack, EVENTS_FILTER },
    { "DELETE", "/api/v1/events", ROLE_ADMIN, CHANGE, events_erase, EVENTS_FILTER "confirm copies " },
    { "GET", "/api/v1/stats", ROLE_READ, JOINED, stats_get, "by " EVENTS_FILTER },
    { "GET", "/api/v1/events/{}", ROLE_READ, DISTANT, events_one, "" },
    { "PATCH", "/api/v1/events/{}", ROLE_OPERATE, CHANGE, events_patch, "" },
    { "DELETE", "/api/v1/events/{}", ROLE_ADMIN, CHANGE, events_erase_one, "confirm copies " },
    { "GET", "/api/v1/erasures", ROLE_ADMIN, 0, erasures_get, "" },
    { "GET", "/api/v1/events/{}/media/{}", ROLE_READ, LINKED | DISTANT, media_get, "expires key " },
    { "GET", "/api/v1/arrivals/{}", ROLE_READ, 0, arrivals_one, "" },
    { "GET", "/api/v1/arrivals/{}/raw", ROLE_READ, 0, arrivals_raw, "" },
    { "GET", "/api/v1/deliveries", ROLE_READ, 0, deliveries_list, "state recipient event limit cursor " },
    { "POST", "/api/v1/deliveries/{}/retry", ROLE_OPERATE, CHANGE, deliveries_retry, "" },
    { "GET", "/api/v1/reparse", ROLE_READ, 0, reparse_get, "" },
    { "POST", "/api/v1/reparse", ROLE_ADMIN, CHANGE, reparse_post, "" },
    { "GET", "/api/v1/import", ROLE_READ, 0, import_get, "" },
    { "POST", "/api/v1/import", ROLE_ADMIN, CHANGE, import_post, "" },
    { "POST", "/api/v1/test", ROLE_OPERATE, CHANGE, test_post, "" },
    { "GET", "/api/v1/devices", ROLE_READ, 0, devices_list, "limit cursor " },
    { "GET", "/api/v1/devices/{*}/sessions", ROLE_READ, 0, devices_sessions, "" },
    { "GET", "/api/v1/devices/{*}", ROLE_READ, 0, devices_one, "" },
    { "PATCH", "/api/v1/devices/{*}", ROLE_ADMIN, CHANGE, devices_patch, "" },
    { "GET", "/api/v1/accounts", ROLE_READ, 0, accounts_list, "" },
    { "POST", "/api/v1/accounts/{}/test", ROLE_OPERATE, CHANGE, accounts_test, "" },
    { "POST", "/api/v1/accounts/{}/pause", ROLE_ADMIN, CHANGE, accounts_pause, "" },
    { "POST", "/api/v1/accounts/{}/resume", ROLE_ADMIN, CHANGE, accounts_resume, "" },
    { "GET", "/api/v1/recipients", ROLE_READ, 0, recipients_list, "" },
    { "GET", "/api/v1/settings", ROLE_ADMIN, 0, settings_get, "" },
    { "POST", "/api/v1/settings/check", ROLE_ADMIN, CHANGE | LARGE, settings_check, "" },
    { "POST", "/api/v1/reload", ROLE_ADMIN, CHANGE, reload_post, "" },
    { "GET", "/api/v1/tokens", ROLE_ADMIN, 0, tokens_list, "" },
    { "POST", "/api/v1/tokens", ROLE_ADMIN, CHANGE, tokens_add, "" },
    { "DELETE", "/api/v1/tokens/{}", ROLE_ADMIN, CHANGE, tokens_revoke, "" },
    { "GET", "/api/v1/stream", ROLE_READ, 0, stream_get, "kind severity device zone cursor " },
    { "GET", "/api/v1/audit", ROLE_ADMIN, 0, audit_get, "limit cursor " },
    { "GET", "/api/v1/openapi.json", ROLE_READ, 0, openapi_get, "" },
    { "GET", "/api/v1/version", ROLE_READ, 0, version_get, "" },
    { "GET", "/livez", ROLE_NONE, 0, health_live, "" },
    { "GET", "/readyz", ROLE_NONE, 0, health_ready, "verbose " },
    { "GET", "/metrics", ROLE_READ, 0, metrics_get, "" },
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

/* "GET, HEAD" and so on, in the table's order. */
static void add_allowed(char *list, size_t size, const char *method)
{
    size_t n = strlen(list);
    (void)snprintf(list + n, size - n, "%s%s", n ? ", " : "", strcmp(method, "GET") == 0 ? "GET, HEAD" : method);
}

/* NULL: *p says why not. */
static const struct route *find(struct request *r, struct response *p)
{
    const char *pattern = NULL; /* the first that fits: what stands behind it is wider */
    char        allowed[64] = "";
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (pattern ? strcmp(routes[i].pattern, pattern) != 0 : !is_match(routes[i].pattern, r->path, r->args))
            continue;
        pattern = routes[i].pattern;
        if (is_method(&routes[i], r->method))
            return &routes[i];
        add_allowed(allowed, sizeof allowed, routes[i].method);
    }
    if (!pattern) {
        problem(p, 404, "there is no such address; docs/api.md lists them");
        return NULL;
    }
    problem(p, 405, "this address takes %s only", allowed);
    response_header(p, "Allow", allowed);
    return NULL;
}

/* --- rules ----------------------------------------------------------------------------------------------------------- */

/* Whether names, a list of words each followed by a blank, has this one. */
static bool is_listed(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = names; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == n && strncmp(at, name, n) == 0)
            return true;
    return false;
}

/* Each parameter has one value: of two, one would be passed over in silence. */
static bool is_repeated(const struct request *r, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(r->query[k].name, r->query[i].name) == 0)
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
        } else if (is_repeated(r, i)) {
            problem(p, 400, "%s: may be given only once", r->query[i].name);
            return false;
        }
    return true;
}

static struct access rules_of(const struct route *route)
{
    return (struct access){ .needs = route->needs, .is_change = (route->flags & CHANGE) != 0, .is_linked = (route->flags & LINKED) != 0 };
}

bool routes_admit(struct api *a, struct request *r, struct response *p)
{
    access_headers(a, r, p);
    if (r->uri_length > HTTP_URI_MAX) {
        problem(p, 414, "an address may have %d bytes", HTTP_URI_MAX);
        return false;
    }
    if (!access_knows_host(a, r, p) || cors_answers(a, r, p))
        return false;
    const struct route *route = find(r, p);
    if (!route || !access_allows(a, r, rules_of(route), p) || !is_query_right(r, route, p))
        return false;
    r->route = route;
    if (route->flags & LARGE)
        r->body.max = HTTP_LARGE_BODY_MAX;
    /* Waits for the disk, for a whole test, or for the archive. */
    r->is_slow = (route->flags & CHANGE) || ((route->flags & DISTANT) && a->o.archive) || ((route->flags & JOINED) && archived_has_part(a)) ||
                 archived_is_asked(a, r);
    return true;
}

bool routes_admit_waiting(struct api *a, struct request *r, struct response *p)
{
    const struct route *route = find(r, p);
    if (!route || !access_knows_host(a, r, p))
        return false;
    r->route = route;
    if (route->handle == health_live || route->handle == health_ready)
        return true;
    problem(p, 503, "the database is being made ready; /readyz says when it is");
    response_header(p, "Retry-After", "10");
    return false;
}

void routes_answer(struct api *a, struct request *r, struct response *p)
{
    const struct route *route = r->route;
    route->handle(a, r, p);
}

void routes_each(route_visitor *visit, void *user)
{
    for (size_t i = 0; i < COUNT(routes); i++)
        visit(user, routes[i].method, routes[i].pattern, routes[i].needs, routes[i].query);
}
