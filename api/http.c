/* http: libmicrohttpd with few threads, limits of connections, memory and time, and bodies read into a buf with a ceiling.
 *
 * Life of a request: on_uri makes it → on_request with the headers (admit) → with pieces of the body → once more at its end
 * (answer) → on_end frees it. A slow request is suspended while its own thread makes the answer, then on_request is called again.
 * libmicrohttpd takes an answer only with the headers or after the body: what is refused in between is read and thrown away. */
#include "api/http.h"
#include "api/flow.h"
#include "api/https.h"
#include "api/problem.h"
#include "core/listen.h"
#include "core/log.h"
#include "core/turn.h"
#include "core/utf8.h"
#include "core/wait.h"
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    THREADS = 3,
    THREAD_STACK = 512 * 1024,
    CONNECTION_MEMORY = 24 * 1024,
    SLOW_MAX = 4,
    BODY_SKIPPED_MAX = 1 << 20, /* of a body that is too large: read to its end, so that the client reads our answer */
    PART_MS = 2 * 1000, /* at the end, for answers under way to be taken */
};

struct http {
    struct http_options o;
    struct MHD_Daemon  *daemon;
    int                 port, socket;
    pthread_mutex_t     lock;
    pthread_cond_t      is_idle;
    int                 slow_running; /* guarded by lock */
    int                 open;         /* guarded by lock: requests that are not answered to the end, streams apart */
    bool                is_stopping;  /* guarded by lock */
    struct flows       *flows;        /* the open streams; their lock is taken inside ours */
};

enum stage { STAGE_NEW, STAGE_BODY, STAGE_WAITING, STAGE_ANSWERED };

struct exchange {
    struct request  request;
    struct response response;
    struct http    *http;
    enum stage      stage;
    bool            is_counted; /* in http's open */
    size_t          skipped;    /* bytes of the body thrown away */
};

/* --- answers ------------------------------------------------------------------------------------------------- */

static bool is_header_text(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return false;
    return true;
}

void response_header(struct response *p, const char *name, const char *value)
{
    if (p->header_count == HTTP_HEADERS_MAX || !is_header_text(value))
        return;
    char *copy = strdup(value);
    if (!copy)
        return;
    p->header_texts[p->header_count] = copy;
    p->headers[p->header_count++] = (struct http_pair){ name, copy };
}

bool response_has_header(const struct response *p, const char *name)
{
    for (size_t i = 0; i < p->header_count; i++)
        if (strcmp(p->headers[i].name, name) == 0)
            return true;
    return false;
}

void response_json(struct response *p)
{
    buf_putc(&p->body, '\n');
    p->type = "application/json";
    if (!response_has_header(p, "ETag") && !response_has_header(p, "Cache-Control"))
        response_header(p, "Cache-Control", "no-store");
}

static void response_init(struct response *p)
{
    *p = (struct response){ .status = 200 };
    buf_init(&p->body, HTTP_ANSWER_MAX);
}

static void response_done(struct response *p)
{
    buf_done(&p->body);
    if (p->stream.close)
        p->stream.close(p->stream.user);
    for (size_t i = 0; i < p->header_count; i++)
        free(p->header_texts[i]);
    response_init(p);
}

static struct MHD_Response *buffered(struct buf *body)
{
    size_t n = body->len;
    char  *bytes = n ? buf_take(body) : NULL;
    struct MHD_Response *m = bytes ? MHD_create_response_from_buffer(n, bytes, MHD_RESPMEM_MUST_FREE)
                                   : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!m)
        free(bytes);
    return m;
}

static void log_answer(const struct exchange *x)
{
    log_line(LOG_DEBUG, "api.answer", LOG_S("method", x->request.method), LOG_S("path", x->request.path),
             LOG_I("status", x->response.status));
}

static void count_in(struct exchange *x)
{
    x->is_counted = true;
    (void)pthread_mutex_lock(&x->http->lock);
    x->http->open++;
    (void)pthread_mutex_unlock(&x->http->lock);
}

static void count_out(struct exchange *x)
{
    if (!x->is_counted)
        return;
    x->is_counted = false;
    (void)pthread_mutex_lock(&x->http->lock);
    x->http->open--;
    (void)pthread_cond_signal(&x->http->is_idle);
    (void)pthread_mutex_unlock(&x->http->lock);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct exchange *x)
{
    struct response *p = &x->response;
    if (p->body.failed && !p->stream.read)
        problem(p, 503, "the answer did not fit into memory");
    log_answer(x);
    if (p->stream.read)
        count_out(x); /* it may have no end */
    struct MHD_Response *m = p->stream.read ? flow_answer(x->http->flows, connection, &p->stream) : buffered(&p->body);
    if (!m)
        return MHD_NO;
    if (p->type)
        (void)MHD_add_response_header(m, "Content-Type", p->type);
    for (size_t i = 0; i < p->header_count; i++)
        (void)MHD_add_response_header(m, p->headers[i].name, p->headers[i].value);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)p->status, m);
    MHD_destroy_response(m);
    x->stage = STAGE_ANSWERED;
    return result;
}

/* --- requests ------------------------------------------------------------------------------------------------ */

const char *http_query(const struct request *r, const char *name)
{
    for (size_t i = 0; i < r->query_count; i++)
        if (strcmp(r->query[i].name, name) == 0)
            return r->query[i].value;
    return NULL;
}

const char *http_header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result add_pair(void *user, enum MHD_ValueKind kind, const char *key, size_t key_size, const char *value,
                                size_t value_size)
{
    (void)kind;
    struct request *r = user;
    value = value ? value : "";
    if (r->query_count == HTTP_PAIRS_MAX || strlen(key) != key_size || strlen(value) != value_size
        || !utf8_is_valid(value, value_size)) {
        r->is_query_bad = true;
        return MHD_NO;
    }
    r->query[r->query_count++] = (struct http_pair){ key, value };
    return MHD_YES;
}

static void read_peer(struct MHD_Connection *connection, char *out, size_t size)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr          *peer = info ? info->client_addr : NULL;
    const void *address = !peer                          ? NULL
                          : peer->sa_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr
                                                        : (const void *)&((const struct sockaddr_in *)(const void *)peer)->sin_addr;
    if (!address || !inet_ntop(peer->sa_family, address, out, (socklen_t)size))
        out[0] = '\0';
}

/* libmicrohttpd makes its threads itself: each steps back with its first request. */
static void step_back(void)
{
    static _Thread_local bool has_stepped_back;
    if (!has_stepped_back)
        turn_take(TURN_READER);
    has_stepped_back = true;
}

/* Made with the request line; what it returns is *state in the callbacks that follow. */
static void *on_uri(void *user, const char *uri, struct MHD_Connection *connection)
{
    step_back();
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->http = user;
    x->request.connection = connection;
    x->request.uri_length = strlen(uri);
    read_peer(connection, x->request.peer, sizeof x->request.peer);
    buf_init(&x->request.body, HTTP_BODY_MAX);
    response_init(&x->response);
    count_in(x);
    return x;
}

static void on_end(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
    (void)user, (void)connection, (void)code;
    struct exchange *x = *state;
    if (!x)
        return;
    count_out(x);
    response_done(&x->response);
    buf_done(&x->request.body);
    free(x);
    *state = NULL;
}

static bool is_body_announced_too_large(const struct request *r)
{
    const char *length = http_header(r, "Content-Length");
    return length && strtoull(length, NULL, 10) > BODY_SKIPPED_MAX;
}

static enum MHD_Result on_headers(struct MHD_Connection *connection, struct exchange *x, const char *method, const char *path)
{
    struct http *h = x->http;
    x->stage = STAGE_BODY;
    x->request.method = method;
    x->request.path = path;
    (void)MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, add_pair, &x->request);
    if (!h->o.admit(h->o.user, &x->request, &x->response))
        return send_answer(connection, x);
    if (is_body_announced_too_large(&x->request)) {
        problem(&x->response, 413, "a body may have %zu bytes", x->request.body.max);
        return send_answer(connection, x);
    }
    return MHD_YES;
}

static enum MHD_Result on_body(struct exchange *x, const char *bytes, size_t *n)
{
    struct err e;
    if (x->skipped > 0 || buf_add(&x->request.body, bytes, *n, &e) < 0) {
        x->skipped += *n;
        if (x->skipped > BODY_SKIPPED_MAX)
            return MHD_NO;
    }
    *n = 0;
    return MHD_YES;
}

/* --- slow requests -------------------------------------------------------------------------------------------- */

static bool slow_begins(struct http *h)
{
    pthread_mutex_lock(&h->lock);
    bool is_room = !h->is_stopping && h->slow_running < SLOW_MAX;
    h->slow_running += is_room;
    pthread_mutex_unlock(&h->lock);
    return is_room;
}

/* The last touch of h by a slow thread: http_stop() may go on from here. */
static void slow_ends(struct http *h)
{
    pthread_mutex_lock(&h->lock);
    flows_wake(h->flows);
    if (--h->slow_running == 0)
        pthread_cond_signal(&h->is_idle);
    pthread_mutex_unlock(&h->lock);
}

struct errand {
    struct http *http;
    void (*run)(void *user);
    void *user;
};

static void *errand_run(void *user)
{
    struct errand e = *(struct errand *)user;
    free(user);
    e.run(e.user);
    slow_ends(e.http);
    return NULL;
}

static int start_detached(void *(*run)(void *), void *user)
{
    pthread_t      thread;
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return -1;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, THREAD_STACK);
    int failed = pthread_create(&thread, &attr, run, user);
    (void)pthread_attr_destroy(&attr);
    return failed ? -1 : 0;
}

int http_slowly(struct http *h, void (*run)(void *user), void *user)
{
    struct errand *e = malloc(sizeof *e);
    if (!e || !slow_begins(h)) {
        free(e);
        return -1;
    }
    *e = (struct errand){ .http = h, .run = run, .user = user };
    if (start_detached(errand_run, e) == 0)
        return 0;
    free(e);
    slow_ends(h);
    return -1;
}

static void answer_and_resume(void *user)
{
    struct exchange *x = user;
    x->http->o.answer(x->http->o.user, &x->request, &x->response);
    MHD_resume_connection(x->request.connection);
}

/* Suspended first: the thread may be done before http_slowly() returns. */
static enum MHD_Result answer_slowly(struct MHD_Connection *connection, struct exchange *x)
{
    x->stage = STAGE_WAITING;
    MHD_suspend_connection(connection);
    if (http_slowly(x->http, answer_and_resume, x) < 0) {
        problem(&x->response, 503, "%d requests of this kind are under way", SLOW_MAX);
        MHD_resume_connection(connection);
    }
    return MHD_YES;
}

static enum MHD_Result on_complete(struct MHD_Connection *connection, struct exchange *x)
{
    if (x->stage == STAGE_WAITING) /* resumed */
        return send_answer(connection, x);
    if (x->skipped > 0) {
        problem(&x->response, 413, "a body may have %zu bytes", x->request.body.max);
        return send_answer(connection, x);
    }
    if (x->request.is_slow)
        return answer_slowly(connection, x);
    x->http->o.answer(x->http->o.user, &x->request, &x->response);
    return send_answer(connection, x);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *bytes, size_t *n, void **state)
{
    (void)user, (void)version;
    struct exchange *x = *state;
    if (!x)
        return MHD_NO;
    if (x->stage == STAGE_NEW)
        return on_headers(connection, x, method, path);
    return *n > 0 ? on_body(x, bytes, n) : on_complete(connection, x);
}

/* --- start and stop ------------------------------------------------------------------------------------------- */

static void on_mhd_message(void *user, const char *format, va_list args)
{
    (void)user;
    char text[200];
    (void)vsnprintf(text, sizeof text, format, args);
    log_line(LOG_DEBUG, "api.http", LOG_S("text", text));
}

/* What TLS adds to the daemon: the certificate of https.c, nothing older than TLS 1.2. */
static void tls_options(bool is_tls, struct MHD_OptionItem out[3])
{
    size_t n = 0;
    if (is_tls) {
        out[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)https_callback() };
        out[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, UNCONST(char, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2") };
    }
    out[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}

static void http_free(struct http *h)
{
    flows_free(h->flows);
    pthread_cond_destroy(&h->is_idle);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static void settle(struct http_options *o)
{
    o->connections = o->connections ? o->connections : 120;
    o->connections_per_address = o->connections_per_address ? o->connections_per_address : 60; /* a reverse proxy is one address */
    o->idle_seconds = o->idle_seconds ? o->idle_seconds : 30;
}

static void give_back(const struct http_options *o, int fd)
{
    if (fd != o->socket)
        (void)close(fd);
}

int http_start(const struct http_options *o, struct http **out, struct err *e)
{
    int fd = o->socket > 0 ? o->socket : -1;
    if (fd < 0 && listen_on(o->address, o->port, &fd, e) < 0)
        return -1;
    struct http  *h = calloc(1, sizeof *h);
    struct flows *flows = flows_new();
    if (!h || !flows) {
        free(h);
        flows_free(flows);
        give_back(o, fd);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    h->o = *o;
    h->flows = flows;
    h->port = listen_port(fd);
    h->socket = fd;
    settle(&h->o);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->is_idle, NULL);
    struct MHD_OptionItem tls[3];
    tls_options(o->is_tls, tls);
    h->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (o->is_tls ? (unsigned)MHD_USE_TLS : 0), 0, NULL, NULL, on_request, h,
        MHD_OPTION_EXTERNAL_LOGGER, on_mhd_message, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)THREADS, MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK, MHD_OPTION_CONNECTION_LIMIT, (unsigned)h->o.connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)h->o.connections_per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)h->o.idle_seconds, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
        MHD_OPTION_NOTIFY_COMPLETED, on_end, h, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!h->daemon) {
        http_free(h);
        give_back(o, fd);
        return err_set(e, ERR_IO, "libmicrohttpd did not start");
    }
    *out = h;
    return 0;
}

void http_wake(struct http *h)
{
    flows_wake(h->flows);
}

int http_look_after_streams(struct http *h, int64_t now_ms)
{
    return flows_look_after(h->flows, now_ms);
}

int http_port(const struct http *h)
{
    return h->port;
}

int http_socket(const struct http *h)
{
    return h->socket;
}

/* With the lock. Whoever asks to begin again hears so before we go; but a client that reads nothing does not hold us. */
static void wait_for_answers(struct http *h)
{
    while (h->slow_running > 0)
        (void)pthread_cond_wait(&h->is_idle, &h->lock);
    int64_t until_us = wait_deadline_us(PART_MS);
    while (h->open > 0 && wait_until(&h->is_idle, &h->lock, until_us))
        continue;
}

void http_stop(struct http **hp)
{
    struct http *h = TAKE(*hp);
    if (!h)
        return;
    int fd = MHD_quiesce_daemon(h->daemon); /* takes no more connections; the socket is ours again */
    pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    flows_stop(h->flows); /* libmicrohttpd cannot stop while a connection is suspended; none sleeps again */
    wait_for_answers(h);
    pthread_mutex_unlock(&h->lock);
    MHD_stop_daemon(h->daemon);
    if (fd >= 0)
        (void)close(fd);
    http_free(h);
}
