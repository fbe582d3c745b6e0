/* health: GET /livez and /readyz. Whoever asks hears the state's one word; the reasons, which name accounts and disks, are for
 * those with a token (or on loopback, asked with ?verbose). */
#include "api/context.h"
#include <string.h>

static void say_word(struct response *p, const char *word)
{
    buf_puts(&p->body, word);
    buf_putc(&p->body, '\n');
    p->type = "text/plain; charset=utf-8";
}

void health_live(struct api *a, const struct request *r, struct response *p)
{
    (void)a, (void)r;
    response_header(p, "Cache-Control", "no-store");
    say_word(p, "ok");
}

static void say_reasons(struct api *a, struct response *p)
{
    struct json_out w = json_begin(&p->body);
    (void)a->o.health(a->o.user, &w, NULL);
    buf_putc(&p->body, '\n');
    p->type = "application/json";
}

void health_ready(struct api *a, const struct request *r, struct response *p)
{
    const char *state = a->o.health(a->o.user, NULL, NULL);
    p->status = strcmp(state, "ok") == 0 || strcmp(state, "degraded") == 0 ? 200 : 503;
    response_header(p, "Cache-Control", "no-store");
    if (r->is_trusted || (a->is_loopback && http_query(r, "verbose")))
        say_reasons(a, p);
    else
        say_word(p, state);
}
