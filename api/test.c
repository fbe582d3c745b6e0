/* test: POST /api/v1/test {"to","kind"}: a drill through our own listener; the answer comes when it is told, or after 30 s. */
#include "api/context.h"
#include "core/kind.h"
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

/* A member that is absent or a string of at most NAME_MAX_BYTES. */
static int read_name(const struct json *body, const char *key, const char **out, struct err *e)
{
    const struct json *v = json_get(body, key);
    if (!v || json_type(v) == JSON_NULL)
        return 0;
    const char *text = json_text(v);
    if (!text || *text == '\0' || strlen(text) > NAME_MAX_BYTES)
        return err_set(e, ERR_INPUT, "%s: a text of 1 to %d bytes", key, NAME_MAX_BYTES);
    *out = text;
    return 0;
}

static int read_body(const struct json *body, const char **to, const char **kind, struct err *e)
{
    if (json_type(body) != JSON_OBJECT)
        return err_set(e, ERR_INPUT, "the body must be an object: {\"to\": \"anna\", \"kind\": \"alarm.burglary\"}, both may be left out");
    for (const struct json *m = json_first(body); m; m = json_next(m))
        if (strcmp(json_key(m), "to") != 0 && strcmp(json_key(m), "kind") != 0)
            return err_set(e, ERR_INPUT, "%.40s: the body may hold \"to\" and \"kind\"", json_key(m));
    if (read_name(body, "to", to, e) < 0 || read_name(body, "kind", kind, e) < 0)
        return -1;
    if (*kind && !kind_is_known(*kind))
        return err_set(e, ERR_INPUT, "kind: there is no kind \"%s\"", *kind);
    return 0;
}

void test_post(struct api *a, const struct request *r, struct response *p)
{
    struct err                     e;
    const char                    *to = NULL, *kind = NULL;
    CLEANUP(json_free) struct json *body = json_parse(r->body.len ? buf_str(&r->body) : "{}", r->body.len ? r->body.len : 2, &e);
    if (!body || read_body(body, &to, &kind, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    if (a->o.test(a->o.user, to, kind, &w, &e) < 0) {
        if (e.code == ERR_IO) /* the listener refused, not we */
            problem(p, 502, "%s", e.text);
        else
            problem_of(p, &e);
        return;
    }
    json_end(&w);
    response_json(p);
}
