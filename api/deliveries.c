/* deliveries: GET /api/v1/deliveries and POST /api/v1/deliveries/{id}/retry. */
#include "api/context.h"
#include "api/list.h"
#include "api/params.h"
#include "core/id.h"

enum { NAME_MAX_BYTES = 200 };

static bool on_listed(void *user, const struct delivery_row *row)
{
    struct list *l = user;
    if (!list_has_room(l))
        return false;
    delivery_write(&l->w, NULL, row);
    l->count++;
    return true;
}

static int read_filter(const struct request *r, struct delivery_filter *f, struct err *e)
{
    *f = (struct delivery_filter){ .state = -1 };
    if (param_delivery_state(r, "state", &f->state, e) < 0 || param_id(r, "event", &f->event, e) < 0)
        return -1;
    return param_text(r, "recipient", NAME_MAX_BYTES, &f->recipient, e);
}

void deliveries_list(struct api *a, const struct request *r, struct response *p)
{
    struct delivery_filter f;
    struct page            page;
    struct store_reader   *reader = NULL;
    struct err             e;
    if (read_filter(r, &f, &e) < 0 || param_page(r, &page, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    if (list_is_known(a, r, p))
        return;
    if (api_reader(a, &reader, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct list l;
    list_begin(&l, p);
    int failed = query_deliveries(reader, &f, &page, on_listed, &l, &e);
    api_reader_back(a, &reader);
    if (failed)
        problem_of(p, &e);
    else
        list_end(&l, p, &page);
}

void deliveries_retry(struct api *a, const struct request *r, struct response *p)
{
    struct err e;
    int        done = id_is_valid(r->args[0]) ? a->o.retry(a->o.user, r->args[0], &e) : 0;
    if (done < 0) {
        problem_of(p, &e);
        return;
    }
    if (done == 0) {
        problem(p, 404, "there is no delivery %s that failed or is unknown", r->args[0]);
        return;
    }
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    json_s(&w, "id", r->args[0]);
    json_s(&w, "state", "waiting");
    json_end(&w);
    buf_putc(&p->body, '\n');
    p->status = 202;
    p->type = "application/json";
}
