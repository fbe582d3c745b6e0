/* list: {"items":[…],"next":cursor or null}. A page may hold fewer items than its limit (it ends early at PAGE_BYTES); only
 * "next" says whether there is more. */
#pragma once
#include "api/http.h"
#include "core/json.h"
#include "store/query.h"

enum { PAGE_BYTES = 2 << 20 };

struct list {
    struct json_out w;
    size_t          count;
};
void list_begin(struct list *l, struct response *p);
bool list_has_room(const struct list *l); /* for one more item; always for the first */
void list_end(struct list *l, struct response *p, const struct page *page);
