/* reparse: POST /api/v1/reparse {"since","device"} begins to read the mails of the past again (409: it is doing so), GET tells how far
 * it is. */
#include "api/context.h"
#include "core/clock.h"
#include <string.h>

static void answer(struct api *a, struct response *p)
{
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    a->o.reparse_progress(a->o.user, &w);
    json_end(&w);
    response_json(p);
}

static int read_body(const struct json *body, int64_t *since_ms, const char **device, struct err *e)
{
    if (json_type(body) != JSON_OBJECT)
        return err_set(e, ERR_INPUT, "the body must be an object: {\"since\": \"2026-11-21T00:00:00Z\", \"device\": \"gate\"}, both may be left out");
    for (const struct json *m = json_first(body); m; m = json_next(m)) {
        bool is_since = strcmp(json_key(m), "since") == 0;
        if (!is_since && strcmp(json_key(m), "device") != 0)
            return err_set(e, ERR_INPUT, "%.40s: the body may hold \"since\" and \"device\"", json_key(m));
        if (!json_text(m))
            return err_set(e, ERR_INPUT, "%s: a text is expected", json_key(m));
        if (is_since && clock_parse_rfc3339(json_text(m), since_ms) < 0)
            return err_set(e, ERR_INPUT, "since: a time like 2026-11-21T00:00:00Z is expected");
        if (!is_since)
            *device = json_text(m);
    }
    return 0;
}

void reparse_post(struct api *a, const struct request *r, struct response *p)
{
    struct err                     e;
    int64_t                        since_ms = 0;
    const char                    *device = NULL;
    CLEANUP(json_free) struct json *body = json_parse(r->body.len ? buf_str(&r->body) : "{}", r->body.len ? r->body.len : 2, &e);
    if (!body || read_body(body, &since_ms, &device, &e) < 0 || a->o.reparse(a->o.user, since_ms, device, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    answer(a, p);
    p->status = 202;
}

void reparse_get(struct api *a, const struct request *r, struct response *p)
{
    (void)r;
    answer(a, p);
}
