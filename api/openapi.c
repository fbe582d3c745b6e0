/* openapi: GET /api/v1/openapi.json, and GET /api/v1/version. */
#include "api/openapi.h"
#include "api/context.h"
#include "api/openapi_json.h"
#include "api/raw.h"

const char *openapi_text(size_t *n_out)
{
    *n_out = sizeof document;
    return (const char *)document;
}

void openapi_get(struct api *a, const struct request *r, struct response *p)
{
    (void)a;
    if (raw_is_known(r, DOCUMENT_SUM, p))
        return;
    size_t      n;
    const char *text = openapi_text(&n);
    buf_put(&p->body, text, n);
    buf_putc(&p->body, '\n');
    p->type = "application/json";
}

void version_get(struct api *a, const struct request *r, struct response *p)
{
    (void)r;
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    json_s(&w, "version", POSTERN_VERSION);
    json_s(&w, "site", a->o.site);
    json_end(&w);
    response_json(p);
}
