/* list: the frame around the items of a page. */
#include "api/list.h"
#include "api/raw.h"
#include <inttypes.h>
#include <stdio.h>

enum { LIST_USUAL = 16 * 1024 };

bool list_is_known(struct api *a, const struct request *r, struct response *p)
{
    char etag[48];
    (void)snprintf(etag, sizeof etag, "%" PRIx64 "-%" PRIx64, a->start, store_commits(a->store));
    return raw_is_known(r, etag, p);
}

void list_begin(struct list *l, struct response *p)
{
    struct err unused;
    (void)!buf_reserve(&p->body, LIST_USUAL, &unused); /* else it would grow a dozen times */
    *l = (struct list){ .w = json_begin(&p->body) };
    json_object(&l->w, NULL);
    json_array(&l->w, "items");
}

bool list_has_room(const struct list *l)
{
    return l->count == 0 || l->w.out->len < PAGE_BYTES;
}

void list_end(struct list *l, struct response *p, const struct page *page)
{
    char cursor[24];
    (void)snprintf(cursor, sizeof cursor, "%" PRId64, page->next);
    list_end_at(l, p, page->next ? cursor : NULL);
}

void list_end_at(struct list *l, struct response *p, const char *next)
{
    json_end(&l->w);
    json_s(&l->w, "next", next);
    json_end(&l->w);
    response_json(p);
}
