/* context: what the handlers of one API share. Everything here is set before the first request and never changes, but what
 * the lock guards. */
#pragma once
#include "api/api.h"
#include "api/http.h"
#include "api/keyring.h"
#include "api/problem.h"
#include "api/wrong.h"
#include <pthread.h>

enum { READERS_KEPT = 4 /* no fewer than there are threads */, READERS_REST_MS = 30000 };

struct api {
    struct api_options   o; /* its strings are the copies below */
    char                *address, *token, *site, *public_url;
    struct store        *store;
    struct http         *http;
    struct keyring      *keyring;
    bool                 is_loopback; /* no token needed, but a known Host */
    pthread_mutex_t      lock;
    struct store_reader *readers[READERS_KEPT]; /* guarded by lock: those nobody uses now */
    size_t               reader_count;
    int64_t              reader_used_ms; /* guarded by lock */
    struct hub          *hub;         /* behind the live streams                                      */
    struct sheets       *sheets;      /* what these share                                             */
    int                  exports;     /* guarded by lock: under way now                                */
    uint64_t             start;       /* differs from start to start: part of every list's version    */
    struct wrong         wrong; /* guarded by lock */
    int64_t              refused, refused_said_ms; /* guarded by lock: since the last line about it, and when that was */
};

/* A read-only connection for one request; give it back as soon as the answer is in memory. */
int  api_reader(struct api *a, struct store_reader **out, struct err *e) MUST_CHECK;
void api_reader_back(struct api *a, struct store_reader **r);
void api_readers_rest(struct api *a); /* every second or so: closes them once nobody has asked for a while */

/* One handler of a route: r is admitted, its query has no names but the route's. Fills *p. */
typedef void api_handler(struct api *a, const struct request *r, struct response *p);
api_handler events_list, events_one, events_ndjson, events_csv, events_atom, media_get, arrivals_one, arrivals_raw, deliveries_list, deliveries_retry, reparse_get, reparse_post, import_get, import_post, test_post, devices_list, devices_one, devices_patch, devices_sessions,
    accounts_list, accounts_test, accounts_pause, accounts_resume, recipients_list, settings_get, settings_check, reload_post,
    tokens_list, tokens_add, tokens_revoke, health_live, health_ready, metrics_get, openapi_get, version_get,
    events_patch, events_ack, events_erase, events_erase_one, erasures_get, audit_get, stats_get, stream_get;
