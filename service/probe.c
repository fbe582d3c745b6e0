/* probe: one blocking request per account; only the command line does this. */
#include "service/probe.h"
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { SCRATCH_MAX = 256 * 1024, REPLY_MAX = 64 * 1024, LIST_MAX = 4 * 1024 * 1024, SECONDS = 15 };

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct buf *body = user;
    return buf_add(body, bytes, size * count, NULL) == 0 ? size * count : 0;
}

static struct curl_slist *headers_of(const struct request *r)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < COUNT(r->headers) && r->headers[i]; i++)
        list = curl_slist_append(list, r->headers[i]);
    return list;
}

static void set_request(CURL *c, const struct request *r, struct curl_slist *headers, struct buf *body)
{
    (void)curl_easy_setopt(c, CURLOPT_URL, r->url);
    if (strcmp(r->method, "HEAD") == 0) /* as a custom request it would wait for a body */
        (void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else
        (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)SECONDS);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(c, CURLOPT_USERNAME, r->user);
    (void)curl_easy_setopt(c, CURLOPT_PASSWORD, r->password);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
    if (r->body.len > 0) {
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, buf_str(&r->body));
    }
}

/* A complete answer and 0; else -1 and why in line. */
static int fetch(const struct request *r, struct buf *body, int *status_out, char *line, size_t size)
{
    CURL *c = curl_easy_init();
    if (!c)
        return -1;
    struct curl_slist *headers = headers_of(r);
    set_request(c, r, headers, body);
    CURLcode code = curl_easy_perform(c);
    long     status = 0;
    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    *status_out = (int)status;
    if (code != CURLE_OK)
        (void)snprintf(line, size, "%s", curl_easy_strerror(code));
    return code == CURLE_OK ? 0 : -1;
}

typedef int build_question(const struct account *a, struct arena *scratch, struct request *out, struct err *e);

/* Builds the question and gets the answer's body. */
static int ask(const struct account *a, build_question *build, struct buf *body, int *status_out, char *line, size_t size)
{
    CLEANUP(arena_done) struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    struct request r = { .method = "GET" };
    struct err     e;
    int            result = build(a, &scratch, &r, &e);
    if (result < 0)
        (void)snprintf(line, size, "%s", e.text);
    else
        result = fetch(&r, body, status_out, line, size);
    request_done(&r);
    return result;
}

int probe_account(const struct account *a, char *line, size_t size)
{
    (void)snprintf(line, size, "%s", a->provider->is_local ? "needs no connection" : "cannot be tried without sending something");
    if (!a->provider->probe)
        return 0;
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, REPLY_MAX);
    int status = 0;
    if (ask(a, a->provider->probe, &body, &status, line, size) < 0)
        return -1;
    struct reply reply = { .status = status, .body = buf_str(&body), .length = body.len, .retry_after_ms = -1 };
    return a->provider->probe_read(a, &reply, line, size);
}

int probe_list(const struct account *a, struct buf *out, struct err *e)
{
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, LIST_MAX);
    char line[240] = "";
    int  status = 0;
    if (!a->provider->list)
        return err_set(e, ERR_STATE, "%s has no list of addresses", a->provider->title);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int result = ask(a, a->provider->list, &body, &status, line, sizeof line);
    curl_global_cleanup();
    if (result < 0)
        return err_set(e, ERR_IO, "%s", line);
    struct reply reply = { .status = status, .body = buf_str(&body), .length = body.len, .retry_after_ms = -1 };
    return a->provider->list_read(a, &reply, out) == 0 ? 0 : err_set(e, ERR_INPUT, "refused: HTTP %d", status);
}

size_t probe_accounts(const struct people *people)
{
    size_t failed = 0;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t i = 0; i < people->account_count; i++) {
        char line[240] = "";
        int  result = probe_account(&people->accounts[i], line, sizeof line);
        failed += result < 0;
        (void)printf("%-7s %s (%s): %s\n", result < 0 ? "FAILED" : "ok", people->accounts[i].name, people->accounts[i].provider->name, line);
    }
    curl_global_cleanup();
    return failed;
}
