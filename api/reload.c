/* reload: POST /api/v1/reload: the settings are read anew. 202 with what changes, before it happens; 422 with all mistakes, and nothing does. */
#include "api/context.h"

enum { DETAIL_MAX = 4096 }; /* of the audit: what changes, unless it is too much */

/* Before it is begun: afterwards there may be no time for it. */
static int note(struct api *a, const struct request *r, const struct buf *changes, struct err *e)
{
    const struct audit_entry by = { .who = r->who, .role = r->role, .what = "settings.reload", .detail = changes->len <= DETAIL_MAX ? buf_str(changes) : NULL };
    return audit_add(a->store, &by, e);
}

void reload_post(struct api *a, const struct request *r, struct response *p)
{
    struct err      e;
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    int good = a->o.reload_try(a->o.user, &w, &e);
    if (good == 0)
        problem_members(&w, 422, "the settings have mistakes: those before stay in force");
    json_end(&w);
    if (good < 0 || (good > 0 && note(a, r, &p->body, &e) < 0)) {
        problem_of(p, &e);
        return;
    }
    buf_putc(&p->body, '\n');
    p->status = good ? 202 : 422;
    p->type = good ? "application/json" : "application/problem+json";
    response_header(p, "Cache-Control", "no-store");
    if (good)
        a->o.reload(a->o.user);
}
