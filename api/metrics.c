/* metrics: GET /metrics, Prometheus' text format. */
#include "api/context.h"
#include "core/metrics.h"

void metrics_get(struct api *a, const struct request *r, struct response *p)
{
    (void)a, (void)r;
    metrics_render(&p->body);
    p->type = "text/plain; version=0.0.4; charset=utf-8";
    response_header(p, "Cache-Control", "no-store");
}
