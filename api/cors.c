/* cors: the few headers (fetch.spec.whatwg.org). */
#include "api/cors.h"
#include "api/guard.h"
#include <string.h>

bool cors_is_named(const struct api *a, const struct request *r)
{
    return guard_is_listed_origin(http_header(r, "Origin"), a->o.cors_origins);
}

static void answer_preflight(struct response *p)
{
    p->status = 204;
    response_header(p, "Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE");
    response_header(p, "Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, Last-Event-ID, Range");
    response_header(p, "Access-Control-Max-Age", "600");
}

bool cors_answers(const struct api *a, const struct request *r, struct response *p)
{
    if (!a->o.cors_origins || !a->o.cors_origins[0])
        return false;
    response_header(p, "Vary", "Origin");
    if (!cors_is_named(a, r))
        return false;
    response_header(p, "Access-Control-Allow-Origin", http_header(r, "Origin"));
    response_header(p, "Access-Control-Expose-Headers", "ETag, Content-Range, Retry-After");
    if (strcmp(r->method, "OPTIONS") != 0 || !http_header(r, "Access-Control-Request-Method"))
        return false;
    answer_preflight(p);
    return true;
}
