/* hub: the one thread behind all live streams: it waits for the writer and the clock, keeps what health is now, and wakes the streams;
 * each then reads for itself what is new. While no stream is open it looks once a second whether one is. */
#pragma once
#include "core/json.h"
#include "store/store.h"

struct api;
struct http;
struct hub;

struct hub_options {
    struct store *store;
    struct api   *api;
    int           streams_max;
    void         *user;
    const char *(*health)(void *user, struct json_out *w, const char *key); /* as api.h has it; NULL: none */
};
int  hub_new(const struct hub_options *o, struct hub **out, struct err *e) MUST_CHECK;
int  hub_start(struct hub *h, struct http *http, struct err *e) MUST_CHECK;
void hub_stop(struct hub *h); /* before http_stop */
void hub_free(struct hub **h);

/* One of Api:MaxStreams; false: there is none. */
bool hub_enter(struct hub *h);
bool hub_leave(struct hub *h); /* whether it was the last */

/* Health as JSON into out, if it is another than *version says (0: never seen); *version moves. */
bool hub_health(struct hub *h, uint64_t *version, struct buf *out);
