/* archived_query: the history's filters as the archive is asked, with strings of their own, and where the page before ended: a question that
 * goes on after its request. Its pages may take seconds: never on HTTP's own threads. */
#pragma once
#include "api/context.h"
#include "store/mongo.h"
#include "store/query.h"

struct archived_query;
/* beyond: an id, or NULL: from the newest (or oldest) on. */
int  archived_query_new(const struct api *a, const struct event_filter *f, const char *beyond, bool is_oldest_first, struct archived_query **out,
                        struct err *e) MUST_CHECK;
void archived_query_free(struct archived_query **q);
const struct mongo_filter *archived_query_filter(const struct archived_query *q);

typedef bool archived_event(void *user, const char *id, const char *json); /* false: no more of this page, the next begins with this one */
/* At most so many more: 1: there may be more, 0: that was the last, -1. After the last, and without an archive, there are none. */
int archived_query_page(struct api *a, struct archived_query *q, int limit, archived_event *on_event, void *user, struct err *e) MUST_CHECK;
