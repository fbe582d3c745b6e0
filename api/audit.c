/* audit: GET /api/v1/audit: who did what and when. */
#include "api/context.h"
#include "api/list.h"
#include "api/params.h"
#include "store/audit_list.h"

static bool on_row(void *user, const struct audit_row *row)
{
    struct list *l = user;
    if (!list_has_room(l))
        return false;
    json_object(&l->w, NULL);
    json_time(&l->w, "at", row->at_ms);
    json_s(&l->w, "who", row->who);
    json_s_opt(&l->w, "role", row->role);
    json_s(&l->w, "what", row->what);
    json_s_opt(&l->w, "object", row->object);
    if (row->detail)
        json_raw(&l->w, "detail", row->detail);
    json_end(&l->w);
    l->count++;
    return true;
}

void audit_get(struct api *a, const struct request *r, struct response *p)
{
    struct page          page;
    struct store_reader *reader = NULL;
    struct err           e;
    if (param_page(r, &page, &e) < 0 || api_reader(a, &reader, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct list l;
    list_begin(&l, p);
    int failed = query_audit(reader, &page, on_row, &l, &e);
    api_reader_back(a, &reader);
    if (failed)
        problem_of(p, &e);
    else
        list_end(&l, p, &page);
}
