/* api: start, stop, and the few database connections that all requests share. */
#include "api/api.h"
#include "api/context.h"
#include "api/guard.h"
#include "api/hub.h"
#include "api/routes.h"
#include "api/sheet.h"
#include "core/clock.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { STREAMS_MAX = 200 };

static bool on_admit(void *user, struct request *r, struct response *p)
{
    return routes_admit(user, r, p);
}

/* Without a database, so without tokens: nothing but the state's one word. */
static bool on_admit_waiting(void *user, struct request *r, struct response *p)
{
    return routes_admit_waiting(user, r, p);
}

static void on_answer(void *user, struct request *r, struct response *p)
{
    routes_answer(user, r, p);
}

int api_reader(struct api *a, struct store_reader **out, struct err *e)
{
    struct store_reader *r = NULL;
    (void)pthread_mutex_lock(&a->lock);
    if (a->reader_count > 0)
        r = a->readers[--a->reader_count];
    (void)pthread_mutex_unlock(&a->lock);
    if (!r)
        return store_history_open(a->store, out, e);
    *out = r;
    return 0;
}

void api_reader_back(struct api *a, struct store_reader **rp)
{
    struct store_reader *r = TAKE(*rp);
    if (!r)
        return;
    (void)pthread_mutex_lock(&a->lock);
    bool is_kept = a->reader_count < READERS_KEPT;
    if (is_kept)
        a->readers[a->reader_count++] = r;
    a->reader_used_ms = clock_mono_ms();
    (void)pthread_mutex_unlock(&a->lock);
    if (!is_kept)
        store_reader_close(&r);
}

void api_readers_rest(struct api *a)
{
    struct store_reader *idle[READERS_KEPT];
    size_t               count = 0;
    (void)pthread_mutex_lock(&a->lock);
    if (clock_mono_ms() - a->reader_used_ms >= READERS_REST_MS)
        while (a->reader_count > 0)
            idle[count++] = a->readers[--a->reader_count];
    (void)pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < count; i++)
        store_reader_close(&idle[i]);
    if (count > 0)
        (void)malloc_trim(0);
}

static void api_free(struct api **ap)
{
    struct api *a = TAKE(*ap);
    if (!a)
        return;
    while (a->reader_count > 0)
        store_reader_close(&a->readers[--a->reader_count]);
    keyring_close(&a->keyring);
    hub_free(&a->hub);
    sheets_free(&a->sheets);
    (void)pthread_mutex_destroy(&a->lock);
    free(a->address);
    free(a->token);
    free(a->site);
    free(a->public_url);
    free(a);
}

static int copy_options(struct api *a, const struct api_options *o, struct err *e)
{
    a->address = strdup(o->address ? o->address : "");
    a->token = strdup(o->token ? o->token : "");
    a->site = strdup(o->site ? o->site : "");
    a->public_url = strdup(o->public_url ? o->public_url : "");
    if (!a->address || !a->token || !a->site || !a->public_url)
        return err_set(e, ERR_NOMEM, "out of memory");
    a->o = *o;
    a->o.address = a->address;
    a->o.token = a->token;
    a->o.site = a->site;
    a->o.public_url = a->public_url;
    return 0;
}

static int api_new(struct store *s, const struct api_options *o, struct api **out, struct err *e)
{
    CLEANUP(api_free) struct api *a = calloc(1, sizeof *a);
    if (!a)
        return err_set(e, ERR_NOMEM, "out of memory");
    (void)pthread_mutex_init(&a->lock, NULL);
    if (!(a->sheets = sheets_new()))
        return err_set(e, ERR_NOMEM, "out of memory");
    a->store = s;
    if (getrandom(&a->start, sizeof a->start, 0) != sizeof a->start)
        a->start = (uint64_t)clock_wall_ms();
    if (copy_options(a, o, e) < 0)
        return -1;
    a->is_loopback = guard_is_loopback(a->o.address);
    *out = TAKE(a);
    return 0;
}

/* Live streams last; the rest of the interface keeps a quarter of the connections. */
static int streams_max(const struct api_options *o)
{
    int streams = o->streams ? o->streams : STREAMS_MAX;
    int most = o->connections - o->connections / 4;
    return o->connections > 0 && streams > most ? most : streams;
}

static int start_threads(struct api *a, const struct api_options *o, struct err *e)
{
    struct http_options http = {
        .address = a->o.address, .port = o->port, .socket = o->socket, .connections = o->connections, .connections_per_address = o->connections_per_address,
        .idle_seconds = o->idle_seconds, .is_tls = o->is_tls, .user = a, .admit = o->is_waiting ? on_admit_waiting : on_admit, .answer = on_answer,
    };
    struct hub_options hub = { .store = a->store, .api = a, .streams_max = streams_max(o), .user = o->user, .health = o->health };
    if (hub_new(&hub, &a->hub, e) < 0 || http_start(&http, &a->http, e) < 0)
        return -1;
    if (o->is_waiting || hub_start(a->hub, a->http, e) == 0) /* no streams while the database is not ready */
        return 0;
    http_stop(&a->http);
    return -1;
}

int api_start(struct store *s, const struct api_options *o, struct api **out, struct err *e)
{
    CLEANUP(api_free) struct api *a = NULL;
    if (api_new(s, o, &a, e) < 0)
        return -1;
    if (!o->is_waiting && keyring_open(s, a->o.token, o->is_token_chosen, &a->keyring, e) < 0)
        return -1;
    if (!o->is_waiting && !a->is_loopback && keyring_is_empty(a->keyring))
        return err_set(e, ERR_STATE, "the API is open to other machines (Api:Address \"%s\") and has no token", a->o.address);
    if (start_threads(a, o, e) < 0)
        return -1;
    *out = TAKE(a);
    return 0;
}

int api_port(const struct api *a)
{
    return http_port(a->http);
}

int api_socket(const struct api *a)
{
    return http_socket(a->http);
}

void api_stop(struct api **ap)
{
    if (!*ap)
        return;
    hub_stop((*ap)->hub);
    http_stop(&(*ap)->http);
    api_free(ap);
}
