/* client: libcurl, one handle. */
#include "service/client.h"
#include "service/token.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 32 << 20 };

struct client {
    CURL              *curl;
    struct curl_slist *headers;
    char               base[160];
};

static const char *host_to_ask(const char *bound)
{
    bool is_everywhere = bound[0] == '\0' || strcmp(bound, "0.0.0.0") == 0;
    return is_everywhere ? "127.0.0.1" : strcmp(bound, "::") == 0 ? "::1" : bound;
}

static bool find_token(const struct settings *s, char *out, size_t size)
{
    struct err  e;
    const char *given = getenv("POSTERN_TOKEN");
    if (!given || !given[0] || strlen(given) >= size)
        return token_read(s->store_folder, s->api_token, out, size, &e) == 0;
    (void)snprintf(out, size, "%s", given);
    return true;
}

/* Without a token the question is asked all the same: on loopback none is needed. */
static int add_headers(struct client *c, const struct settings *s)
{
    char token[TOKEN_BYTES], line[TOKEN_BYTES + 32];
    c->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (c->headers && find_token(s, token, sizeof token)) {
        (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
        struct curl_slist *more = curl_slist_append(c->headers, line);
        return more ? 0 : -1;
    }
    return c->headers ? 0 : -1;
}

int client_new(const struct settings *s, struct client **out, struct err *e)
{
    if (s->api_port == 0)
        return err_set(e, ERR_INPUT, "Api:Port is 0: any free port, which nobody outside the gateway knows");
    CLEANUP(client_free) struct client *c = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory");
    const char *host = host_to_ask(s->api_address);
    (void)snprintf(c->base, sizeof c->base, strchr(host, ':') ? "http%s://[%s]:%d" : "http%s://%s:%d", s->api_certificate[0] ? "s" : "", host,
                   (int)s->api_port);
    c->curl = curl_easy_init();
    if (!c->curl || add_headers(c, s) < 0)
        return err_set(e, ERR_NOMEM, "out of memory");
    *out = TAKE(c);
    return 0;
}

void client_free(struct client **cp)
{
    struct client *c = TAKE(*cp);
    if (!c)
        return;
    curl_slist_free_all(c->headers);
    curl_easy_cleanup(c->curl);
    free(c);
}

static size_t on_write(char *bytes, size_t size, size_t n, void *user)
{
    struct err e;
    return buf_add(user, bytes, size * n, &e) < 0 ? 0 : size * n;
}

/* method NULL: GET, or POST of a body. */
static int ask(struct client *c, const char *method, const char *path, const char *body, int64_t timeout_ms, int *status_out,
               struct buf *answer, struct err *e)
{
    char url[4096], said[CURL_ERROR_SIZE] = "";
    (void)snprintf(url, sizeof url, "%s%s", c->base, path);
    curl_easy_reset(c->curl);
    (void)curl_easy_setopt(c->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYPEER, 0L); /* it is an address of this machine: nobody stands between */
    (void)curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    (void)curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_write);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, said);
    if (method)
        (void)curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    if (body) { /* libcurl repeats a POST by itself on a connection that was used before */
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(c->curl, CURLOPT_FRESH_CONNECT, 1L);
        (void)curl_easy_setopt(c->curl, CURLOPT_FORBID_REUSE, 1L);
    }
    buf_clear(answer);
    CURLcode rc = curl_easy_perform(c->curl);
    if (rc != CURLE_OK)
        return err_set(e, rc == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO, "no answer from %s (is the gateway running?): %s",
                       c->base, said[0] ? said : curl_easy_strerror(rc));
    long status = 0;
    (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    *status_out = (int)status;
    return 0;
}

int client_ask(struct client *c, const char *path, const char *body, int64_t timeout_ms, int *status_out, struct buf *answer,
               struct err *e)
{
    return ask(c, NULL, path, body, timeout_ms, status_out, answer, e);
}

/* What an error status says. */
static int refuse(const struct buf *answer, struct err *e)
{
    struct err                     wrong;
    CLEANUP(json_free) struct json *root = json_parse(buf_str(answer), answer->len, &wrong);
    return err_set(e, ERR_STATE, "%s", json_str(root, "detail", "the gateway refused"));
}

/* method NULL: GET or POST. */
static struct json *ask_json(struct client *c, const char *method, const char *path, const char *body, int64_t timeout_ms, struct err *e)
{
    CLEANUP(buf_done) struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    int status = 0;
    if (ask(c, method, path, body, timeout_ms, &status, &answer, e) < 0)
        return NULL;
    if (status < 400)
        return json_parse(buf_str(&answer), answer.len, e);
    (void)refuse(&answer, e);
    return NULL;
}

struct json *client_json(struct client *c, const char *path, const char *body, int64_t timeout_ms, struct err *e)
{
    return ask_json(c, NULL, path, body, timeout_ms, e);
}

struct json *client_patch(struct client *c, const char *path, const char *body, int64_t timeout_ms, struct err *e)
{
    return ask_json(c, "PATCH", path, body, timeout_ms, e);
}

struct json *client_delete_json(struct client *c, const char *path, int64_t timeout_ms, struct err *e)
{
    return ask_json(c, "DELETE", path, NULL, timeout_ms, e);
}

int client_delete(struct client *c, const char *path, int64_t timeout_ms, struct err *e)
{
    CLEANUP(buf_done) struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    int status = 0;
    if (ask(c, "DELETE", path, NULL, timeout_ms, &status, &answer, e) < 0)
        return -1;
    return status < 400 ? 0 : refuse(&answer, e);
}
