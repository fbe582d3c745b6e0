/* settings: GET /api/v1/settings, POST /api/v1/settings/check. */
#include "api/context.h"

void settings_get(struct api *a, const struct request *r, struct response *p)
{
    (void)r;
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    a->o.settings(a->o.user, &w);
    json_null(&w, "next");
    json_end(&w);
    response_json(p);
}

/* The body is a whole appsettings.json, comments and all. */
void settings_check(struct api *a, const struct request *r, struct response *p)
{
    struct err      e;
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    if (a->o.check(a->o.user, r->body.len ? buf_str(&r->body) : "", r->body.len, &w, &e) < 0) {
        problem_of(p, &e);
    } else {
        json_end(&w);
        response_json(p);
    }
}
