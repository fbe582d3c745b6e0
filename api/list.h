/* list: {"items":[…],"next":cursor or null}. A page may hold fewer items than its limit (it ends early at PAGE_BYTES); only
 * "next" says whether there is more. */
#pragma once
#include "api/context.h"
#include "core/json.h"
#include "store/query.h"

enum { PAGE_BYTES = 2 << 20 };

struct list {
    struct json_out w;
    size_t          count;
};
/* Whether the client has this list already (If-None-Match): then *p is 304. Sets the ETag in any case. To be asked before the list
 * is read. Any write to the database makes a new version: new events, marks, names, forgetting, erasing. What is not in the
 * database (health, an archive) must not be asked about here. */
bool list_is_known(struct api *a, const struct request *r, struct response *p);
void list_begin(struct list *l, struct response *p);
bool list_has_room(const struct list *l); /* for one more item; always for the first */
void list_end(struct list *l, struct response *p, const struct page *page);
void list_end_at(struct list *l, struct response *p, const char *next); /* a cursor, or NULL */
