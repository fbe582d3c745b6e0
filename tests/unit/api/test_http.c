/* http: requests in, answers out, over real sockets and the real libmicrohttpd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/http.h"
#include "api/problem.h"
#include "ask.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STREAMED = 300000 };

static struct http *http;
static int          port; /* of http; threads that ask read it while the test stops http */
static atomic_bool  is_held; /* while true, /slow does not answer */
static atomic_int   closed_streams;

static bool admit(void *user, struct request *r, struct response *p)
{
    (void)user;
    r->is_slow = strncmp(r->path, "/slow", 5) == 0;
    if (strcmp(r->path, "/refused") != 0)
        return true;
    problem(p, 403, "no");
    return false;
}

static ssize_t read_x(void *user, void *out, size_t n)
{
    size_t *left = user;
    size_t  take = n < *left ? n : *left;
    memset(out, 'x', take);
    *left -= take;
    return (ssize_t)take;
}

static ssize_t read_broken(void *user, void *out, size_t n)
{
    return read_x(user, out, n) > 0 ? 10 : -1;
}

static void close_x(void *user)
{
    free(user);
    atomic_fetch_add(&closed_streams, 1);
}

static void stream(struct response *p, ssize_t (*read)(void *, void *, size_t), int64_t length)
{
    size_t *left = malloc(sizeof *left);
    assert_non_null(left);
    *left = read == read_broken ? 1 : STREAMED;
    p->type = "application/octet-stream";
    p->stream = (struct stream){ .read = read, .close = close_x, .user = left, .length = length };
}

static void answer(void *user, struct request *r, struct response *p)
{
    (void)user;
    p->type = "text/plain";
    response_header(p, "X-Ours", "yes");
    response_header(p, "X-Evil", "a\r\nSet-Cookie: b");
    while (r->is_slow && atomic_load(&is_held))
        (void)nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    if (strcmp(r->path, "/known") == 0)
        stream(p, read_x, STREAMED);
    else if (strcmp(r->path, "/unknown") == 0)
        stream(p, read_x, -1);
    else if (strcmp(r->path, "/broken") == 0)
        stream(p, read_broken, -1);
    else if (strcmp(r->path, "/huge") == 0)
        for (int i = 0; i <= HTTP_ANSWER_MAX / 1024; i++)
            buf_printf(&p->body, "%1024d", i);
    else
        buf_printf(&p->body, "%s %s %zu %s|%s", r->method, r->path, r->body.len, r->is_query_bad ? "bad" : "good",
                   http_query(r, "a") ? http_query(r, "a") : "-");
}

static int start(void **state)
{
    (void)state;
    struct err          e;
    struct http_options o = { .address = "127.0.0.1", .admit = admit, .answer = answer };
    atomic_store(&is_held, false);
    atomic_store(&closed_streams, 0);
    int failed = http_start(&o, &http, &e);
    port = failed ? 0 : http_port(http);
    return failed;
}

static int stop(void **state)
{
    (void)state;
    http_stop(&http);
    return 0;
}

static struct buf answer_buf(void)
{
    struct buf b;
    buf_init(&b, 4 << 20);
    return b;
}

static void test_a_request_is_answered_with_its_parts(void **state)
{
    (void)state;
    char                         value[100];
    CLEANUP(buf_done) struct buf b = answer_buf();
    assert_int_equal(ask(http_port(http), "GET", "/a%20b?a=x%26y&c", NULL, NULL, &b), 200);
    assert_string_equal(ask_body(&b), "GET /a b 0 good|x&y");
    assert_string_equal(ask_header(&b, "X-Ours", value, sizeof value), "yes");
    assert_null(ask_header(&b, "Set-Cookie", value, sizeof value));
    assert_null(ask_header(&b, "X-Evil", value, sizeof value));
    assert_int_equal(ask(http_port(http), "POST", "/x", NULL, "12345", &b), 200);
    assert_string_equal(ask_body(&b), "POST /x 5 good|-");
}

static void test_a_bad_query_is_marked(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = answer_buf();
    assert_int_equal(ask(http_port(http), "GET", "/?a=%00b", NULL, NULL, &b), 200);
    assert_non_null(strstr(ask_body(&b), "bad"));
    assert_int_equal(ask(http_port(http), "GET", "/?a=%ff", NULL, NULL, &b), 200);
    assert_non_null(strstr(ask_body(&b), "bad"));
    assert_int_equal(ask(http_port(http), "GET", "/?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17", NULL, NULL, &b), 200);
    assert_non_null(strstr(ask_body(&b), "bad"));
}

static char *body_of(size_t n)
{
    char *body = malloc(n + 1);
    assert_non_null(body);
    memset(body, 'y', n);
    body[n] = '\0';
    return body;
}

static void test_a_body_has_a_ceiling(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        int    status;
    } rows[] = { { HTTP_BODY_MAX, 200 }, { HTTP_BODY_MAX + 1, 413 }, { 500000, 413 }, { 3 << 20, 413 } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_done) struct buf b = answer_buf();
        char                        *body = body_of(rows[i].n);
        int                          status = ask(http_port(http), "POST", "/x", NULL, body, &b);
        free(body);
        if (rows[i].n > 1 << 20 && status == 0) /* refused at once: the rest of our body may have reset the connection */
            continue;
        assert_int_equal(status, rows[i].status);
    }
}

static void test_what_is_not_admitted_is_refused_before_its_body(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = answer_buf();
    assert_int_equal(ask(http_port(http), "POST", "/refused", "Expect: 100-continue\r\n", NULL, &b), 403);
    assert_non_null(strstr(ask_body(&b), "\"status\":403"));
}

static void test_a_stream_comes_whole_with_or_without_its_length(void **state)
{
    (void)state;
    char                         value[100];
    CLEANUP(buf_done) struct buf b = answer_buf();
    assert_int_equal(ask(http_port(http), "GET", "/known", NULL, NULL, &b), 200);
    assert_int_equal(strlen(ask_body(&b)), STREAMED);
    assert_string_equal(ask_header(&b, "Content-Length", value, sizeof value), "300000");
    assert_int_equal(ask(http_port(http), "GET", "/unknown", NULL, NULL, &b), 200);
    assert_true(strlen(ask_body(&b)) >= STREAMED); /* in chunks */
    assert_non_null(strstr(ask_body(&b), "\r\n0\r\n"));
    assert_int_equal(ask(http_port(http), "HEAD", "/known", NULL, NULL, &b), 200);
    assert_string_equal(ask_body(&b), "");
}

static void test_a_stream_that_breaks_cuts_the_connection(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = answer_buf();
    assert_int_equal(ask(http_port(http), "GET", "/broken", NULL, NULL, &b), 200);
    assert_null(strstr(ask_body(&b), "\r\n0\r\n"));
}

static void test_every_stream_is_closed(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = answer_buf();
    assert_int_equal(ask(http_port(http), "GET", "/known", NULL, NULL, &b), 200);
    int fd = ask_connect(http_port(http)); /* and one whose reader goes away */
    assert_true(fd >= 0);
    assert_true(write(fd, "GET /unknown HTTP/1.1\r\nHost: a\r\n\r\n", 35) == 35);
    (void)close(fd);
    http_stop(&http);
    int closed = atomic_load(&closed_streams);
    assert_true(closed == 1 || closed == 2); /* the second was perhaps not begun */
    assert_int_equal(start(NULL), 0);
}

static void test_an_answer_that_does_not_fit_is_an_error_not_a_part(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = answer_buf();
    assert_int_equal(ask(http_port(http), "GET", "/huge", NULL, NULL, &b), 503);
}

static void *ask_slow(void *user)
{
    int                         *status = user;
    CLEANUP(buf_done) struct buf b = answer_buf();
    *status = ask(port, "POST", "/slow", NULL, "{}", &b);
    return NULL;
}

static void test_slow_requests_delay_nobody_and_are_counted(void **state)
{
    (void)state;
    enum { SLOW = 6 };
    pthread_t                    threads[SLOW];
    int                          statuses[SLOW] = { 0 };
    CLEANUP(buf_done) struct buf b = answer_buf();
    atomic_store(&is_held, true);
    for (int i = 0; i < SLOW; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_slow, &statuses[i]), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(http_port(http), "GET", "/quick", NULL, NULL, &b), 200);
    (void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    atomic_store(&is_held, false);
    int answered = 0, refused = 0;
    for (int i = 0; i < SLOW; i++) {
        (void)pthread_join(threads[i], NULL);
        answered += statuses[i] == 200;
        refused += statuses[i] == 503;
    }
    assert_int_equal(answered + refused, SLOW);
    assert_true(answered >= 4);
    assert_true(refused >= 1);
}

static void test_a_stop_waits_for_the_slow_ones(void **state)
{
    (void)state;
    pthread_t thread;
    int       status = -1;
    atomic_store(&is_held, true);
    assert_int_equal(pthread_create(&thread, NULL, ask_slow, &status), 0);
    (void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    atomic_store(&is_held, false);
    http_stop(&http);
    (void)pthread_join(thread, NULL); /* before the next start, which sets port */
    assert_true(status == 200 || status == 0); /* answered, or cut by the stop: but nothing hangs and nothing is freed twice */
    assert_int_equal(start(NULL), 0);
}

static void test_a_port_in_use_is_an_error_with_its_name(void **state)
{
    (void)state;
    struct err          e;
    struct http        *second = NULL;
    struct http_options o = { .address = "127.0.0.1", .port = http_port(http), .admit = admit, .answer = answer };
    assert_int_equal(http_start(&o, &second, &e), -1);
    assert_non_null(strstr(e.text, "Address already in use"));
    o.address = "not-an-address";
    assert_int_equal(http_start(&o, &second, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_null(second);
}

#define WITH_HTTP(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HTTP(test_a_request_is_answered_with_its_parts),
        WITH_HTTP(test_a_bad_query_is_marked),
        WITH_HTTP(test_a_body_has_a_ceiling),
        WITH_HTTP(test_what_is_not_admitted_is_refused_before_its_body),
        WITH_HTTP(test_a_stream_comes_whole_with_or_without_its_length),
        WITH_HTTP(test_a_stream_that_breaks_cuts_the_connection),
        WITH_HTTP(test_every_stream_is_closed),
        WITH_HTTP(test_an_answer_that_does_not_fit_is_an_error_not_a_part),
        WITH_HTTP(test_slow_requests_delay_nobody_and_are_counted),
        WITH_HTTP(test_a_stop_waits_for_the_slow_ones),
        WITH_HTTP(test_a_port_in_use_is_an_error_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
