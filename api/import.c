/* import: POST /api/v1/import lets the gateway take the job that `postern import` left in its data folder (409: one is running; 404: there
 * is none), GET tells how far it is. What is to be read is no part of the request: a token from afar opens no file here. */
#include "api/context.h"
#include "store/audit.h"

static void answer(struct api *a, struct response *p)
{
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    a->o.import_progress(a->o.user, &w);
    json_end(&w);
    response_json(p);
}

/* No body, or an object that asks for nothing. */
static int read_body(const struct request *r, struct err *e)
{
    if (r->body.len == 0)
        return 0;
    CLEANUP(json_free) struct json *body = json_parse(buf_str(&r->body), r->body.len, e);
    if (body && json_type(body) == JSON_OBJECT && json_count(body) == 0)
        return 0;
    return err_set(e, ERR_INPUT, "the body must be {}: what to import is told to `postern import`");
}

void import_post(struct api *a, const struct request *r, struct response *p)
{
    struct err               e;
    const struct audit_entry entry = { .who = r->who, .role = r->role, .what = "import.begin" };
    if (read_body(r, &e) < 0 || a->o.import_begin(a->o.user, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    (void)!audit_add(a->store, &entry, &e);
    answer(a, p);
    p->status = 202;
}

void import_get(struct api *a, const struct request *r, struct response *p)
{
    (void)r;
    answer(a, p);
}
