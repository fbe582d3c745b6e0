/* flow: answers on their way that are not in memory (struct stream), each a response of libmicrohttpd's that asks for its bytes.
 * Asleep (STREAM_WAIT) its connection is suspended: it costs neither thread nor processor. */
#pragma once
#include "api/http.h"

struct MHD_Connection;
struct MHD_Response;

struct flows; /* the open ones of a server; any thread */
struct flows *flows_new(void); /* NULL: out of memory */
void          flows_free(struct flows *f); /* none is open; NULL is allowed */

/* Takes what *from owns, on every path. NULL: out of memory. */
struct MHD_Response *flow_answer(struct flows *all, struct MHD_Connection *connection, struct stream *from);

void flows_wake(struct flows *all); /* those asleep are asked again */
void flows_stop(struct flows *all); /* all are cut as soon as they are asked again, and none sleeps any more */
/* Cuts streams whose clients take nothing, and those asleep whose clients have gone. How many are open. */
int  flows_look_after(struct flows *all, int64_t now_ms);
