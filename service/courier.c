/* courier: the one file of the relay that knows libcurl. */
#include "service/courier.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UPLOAD_BYTES_PER_MS = 50 }; /* a slow line: a request with pictures may take that much longer */

struct errand {
    struct errand   *next;
    CURL              *easy;
    struct curl_slist *headers;
    struct buf         request, reply;
    bool               may_have_written; /* the connection stood and the request was about to leave */
    bool               is_too_long;
    char               error[CURL_ERROR_SIZE];
    courier_fn       *done;
    void              *user;
};

struct courier {
    CURLM                 *multi;
    struct courier_limits limits;
    struct errand       *list;
    size_t                 count;
};

static void init_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

int courier_open(const struct courier_limits *limits, struct courier **out, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_curl);
    struct courier *t = calloc(1, sizeof *t);
    if (t)
        t->multi = curl_multi_init();
    if (!t || !t->multi) {
        free(t);
        return err_set(e, ERR_NOMEM, "libcurl does not start");
    }
    t->limits = *limits;
    *out = t;
    return 0;
}

static void free_errand(struct errand *x)
{
    if (x->easy)
        curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    buf_done(&x->request);
    buf_done(&x->reply);
    free(x);
}

/* Takes it out of the list and of libcurl's hands. */
static void unlink_errand(struct courier *t, struct errand *x)
{
    struct errand **at = &t->list;
    while (*at && *at != x)
        at = &(*at)->next;
    if (*at) {
        *at = x->next;
        t->count--;
    }
    (void)curl_multi_remove_handle(t->multi, x->easy);
}

void courier_close(struct courier **t)
{
    if (!*t)
        return;
    while ((*t)->list) {
        struct errand *x = (*t)->list;
        unlink_errand(*t, x);
        free_errand(x);
    }
    (void)curl_multi_cleanup((*t)->multi);
    free(*t);
    *t = NULL;
}

size_t courier_count(const struct courier *t)
{
    return t->count;
}

/* --- one request -------------------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct errand *x = user;
    if (buf_add(&x->reply, bytes, size * count, NULL) == 0)
        return size * count;
    x->is_too_long = true;
    return 0;
}

/* libcurl calls it when the connection (with TLS) stands, before the first byte of the request. */
static int on_prereq(void *user, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    ((struct errand *)user)->may_have_written = true;
    return CURL_PREREQFUNC_OK;
}

static int add_header(struct errand *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->headers, line);
    if (!longer)
        return -1;
    x->headers = longer;
    return 0;
}

static int add_headers(struct errand *x, const struct request *r)
{
    if (add_header(x, "Expect:") < 0)
        return -1;
    for (size_t i = 0; i < COUNT(r->headers) && r->headers[i]; i++)
        if (add_header(x, r->headers[i]) < 0)
            return -1;
    return 0;
}

#define SET(option, value) (curl_easy_setopt(x->easy, (option), (value)) != CURLE_OK)

static bool set_what(struct errand *x, const struct request *r)
{
    bool failed = SET(CURLOPT_URL, r->url) || SET(CURLOPT_HTTPHEADER, x->headers) || SET(CURLOPT_USERAGENT, "postern");
    if (r->user)
        failed = failed || SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) || SET(CURLOPT_USERNAME, r->user) ||
                 SET(CURLOPT_PASSWORD, r->password ? r->password : "");
    if (strcmp(r->method, "GET") == 0)
        return failed || SET(CURLOPT_HTTPGET, 1L);
    return failed || SET(CURLOPT_POST, 1L) || SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->request.len) ||
           SET(CURLOPT_POSTFIELDS, buf_str(&x->request)) || SET(CURLOPT_CUSTOMREQUEST, r->method);
}

static bool set_how(struct errand *x, const struct courier_limits *limits)
{
    return SET(CURLOPT_NOSIGNAL, 1L) || SET(CURLOPT_PROTOCOLS_STR, "http,https") || SET(CURLOPT_FOLLOWLOCATION, 0L) ||
           SET(CURLOPT_FRESH_CONNECT, 1L) || SET(CURLOPT_FORBID_REUSE, 1L) ||
           SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
           SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(limits->connect_seconds * 1000)) ||
           SET(CURLOPT_TIMEOUT_MS, (long)(limits->request_seconds * 1000) + (long)(x->request.len / UPLOAD_BYTES_PER_MS)) || SET(CURLOPT_ERRORBUFFER, x->error) ||
           SET(CURLOPT_SSL_VERIFYPEER, 1L) || SET(CURLOPT_SSL_VERIFYHOST, 2L) || SET(CURLOPT_NETRC, 0L) ||
           SET(CURLOPT_WRITEFUNCTION, on_body) || SET(CURLOPT_WRITEDATA, x) || SET(CURLOPT_PREREQFUNCTION, on_prereq) ||
           SET(CURLOPT_PREREQDATA, x) || SET(CURLOPT_PRIVATE, x);
}

int courier_send(struct courier *t, struct request *request, courier_fn *done, void *user, struct err *e)
{
    struct errand *x = calloc(1, sizeof *x);
    if (!x)
        return err_set(e, ERR_NOMEM, "out of memory");
    x->done = done;
    x->user = user;
    x->request = request->body;
    buf_init(&request->body, 0);
    buf_init(&x->reply, (size_t)t->limits.reply_max);
    x->easy = curl_easy_init();
    if (!x->easy || add_headers(x, request) < 0 || set_how(x, &t->limits) || set_what(x, request) ||
        curl_multi_add_handle(t->multi, x->easy) != CURLM_OK) {
        free_errand(x);
        return err_set(e, ERR_NOMEM, "the request could not be set up");
    }
    x->next = t->list;
    t->list = x;
    t->count++;
    return 0;
}

/* --- its end ------------------------------------------------------------------------------------------------ */

static int64_t retry_after_ms(CURL *easy)
{
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds <= 0)
        return -1;
    return (seconds > 86400 ? 86400 : (int64_t)seconds) * 1000;
}

static void end_errand(struct courier *t, struct errand *x, CURLcode code)
{
    struct courier_answer end = { .is_untouched = !x->may_have_written, .reply = { .retry_after_ms = -1 } };
    long                status = 0;
    (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    end.is_complete = code == CURLE_OK && status > 0;
    if (end.is_complete)
        end.reply = (struct reply){
            .status = (int)status,
            .body = buf_str(&x->reply),
            .length = x->reply.len,
            .retry_after_ms = retry_after_ms(x->easy),
        };
    else
        (void)snprintf(end.why, sizeof end.why, "%s",
                       x->is_too_long ? "the answer is too long" : x->error[0] ? x->error : curl_easy_strerror(code));
    unlink_errand(t, x);
    x->done(x->user, &end);
    free_errand(x);
}

static void collect_ends(struct courier *t)
{
    int      left;
    CURLMsg *m;
    while ((m = curl_multi_info_read(t->multi, &left))) {
        char *owner = NULL;
        if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &owner) != CURLE_OK || !owner)
            continue;
        end_errand(t, (struct errand *)(void *)owner, m->data.result);
    }
}

void courier_run(struct courier *t, int64_t wait_ms)
{
    int running;
    (void)curl_multi_perform(t->multi, &running);
    collect_ends(t);
    if (wait_ms > 0)
        (void)curl_multi_poll(t->multi, NULL, 0, (int)wait_ms, NULL);
    (void)curl_multi_perform(t->multi, &running);
    collect_ends(t);
}

void courier_wake(struct courier *t)
{
    (void)curl_multi_wakeup(t->multi);
}
