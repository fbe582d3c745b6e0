/* test_smtp_server: the server on a loop of its own thread, a fake store behind it, real sockets on 127.0.0.1 before it. */
#include "core/log.h"
#include "fake_store.h"
#include "net/smtp_server.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

/* --- the house under test ------------------------------------------------------------------------------------------- */

struct house {
    uv_loop_t loop;
    uv_async_t stop;
    uv_thread_t thread;
    struct store *store;
    struct smtp_server *server;
    struct cidr networks[1];
    int port;
    int64_t grace_ms;
    atomic_int kept, refused;
    _Atomic(const char *) reason; /* of the last refusal */
    struct buf spoken;            /* transcripts, one a line; the loop's until it has ended */
    atomic_int conversations;
};

static void on_kept(void *user, const struct arrival *a)
{
    struct house *h = user;
    if (a->seq <= 0)
        abort();
    atomic_fetch_add(&h->kept, 1);
}

static void on_refused(void *user, const char *peer, const struct smtp_refusal *r)
{
    struct house *h = user;
    (void)peer;
    atomic_store(&h->reason, r->reason);
    atomic_fetch_add(&h->refused, 1);
}

static void on_spoke(void *user, const struct transcript *t)
{
    struct house *h = user;
    struct json_out w = json_begin(&h->spoken);
    json_object(&w, NULL);
    transcript_write(&w, t);
    json_end(&w);
    buf_putc(&h->spoken, '\n');
    atomic_fetch_add(&h->conversations, 1);
}

static void on_stopped(void *user)
{
    struct house *h = user;
    uv_close((uv_handle_t *)&h->stop, NULL);
}

static void on_stop(uv_async_t *async)
{
    struct house *h = async->data;
    smtp_server_stop(h->server, h->grace_ms, on_stopped, h);
}

static void run_loop(void *arg)
{
    struct house *h = arg;
    (void)uv_run(&h->loop, UV_RUN_DEFAULT);
}

static struct smtp_options usual(void)
{
    return (struct smtp_options){
        .address = "127.0.0.1",
        .hostname = "gate",
        .limits = { .message_bytes = 8U << 20,
                    .recipients = 10,
                    .command_bytes = 2048,
                    .errors = 20,
                    .junk_commands = 1000000 },
        .connections = 100,
        .connections_per_address = 100,
        .command_ms = 20000,
        .data_ms = 20000,
        .session_ms = 60000,
        .kept = on_kept,
        .refused = on_refused,
        .spoke = on_spoke,
    };
}

static void house_open(struct house *h, struct smtp_options o, const char *network)
{
    struct err e = { 0 };
    *h = (struct house){ .grace_ms = 5000 };
    buf_init(&h->spoken, 64 << 20);
    assert_int_equal(cidr_parse(network, &h->networks[0], &e), 0);
    o.allow_from = (struct cidr_list){ h->networks, 1 };
    o.user = h;
    h->store = fake_store_new();
    assert_int_equal(uv_loop_init(&h->loop), 0);
    assert_int_equal(uv_async_init(&h->loop, &h->stop, on_stop), 0);
    h->stop.data = h;
    if (smtp_server_start(&h->loop, h->store, &o, &h->server, &e) < 0)
        fail_msg("%s", e.text);
    h->port = smtp_server_port(h->server);
    assert_int_equal(uv_thread_create(&h->thread, run_loop, h), 0);
}

static void house_stop(struct house *h)
{
    (void)uv_async_send(&h->stop);
}

static void house_done(struct house *h)
{
    assert_int_equal(uv_loop_close(&h->loop), 0); /* every handle was closed */
    smtp_server_free(&h->server);
    assert_int_equal(fake_store_open_spools(h->store), 0);
    fake_store_free(&h->store);
    buf_done(&h->spoken);
}

static void house_close(struct house *h)
{
    assert_int_equal(uv_thread_join(&h->thread), 0);
    house_done(h);
}

static void house_end(struct house *h)
{
    house_stop(h);
    house_close(h);
}

/* --- a device --------------------------------------------------------------------------------------------------------- */

static int connect_from(const struct house *h, const char *source)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = { .tv_sec = 10 };
    struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)h->port) };
    (void)inet_pton(AF_INET, source, &from.sin_addr);
    (void)inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say_bytes(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, bytes, n, MSG_NOSIGNAL);
        assert_true(w > 0);
        bytes += w;
        n -= (size_t)w;
    }
}

static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

/* io_uring (libuv 1.45 and later) may interrupt a call of the thread that made the ring without any signal. */
static ssize_t hear_bytes(int fd, void *out, size_t size, int flags)
{
    ssize_t n;
    do
        n = recv(fd, out, size, flags);
    while (n < 0 && errno == EINTR);
    return n;
}

/* One line into out, without its end; false: the link was closed. */
static bool hear_line(int fd, char *out, size_t size)
{
    size_t n = 0;
    char c = 0;
    while (c != '\n' && n + 1 < size && hear_bytes(fd, &c, 1, 0) == 1)
        out[n++] = c;
    while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == '\r'))
        n--;
    out[n] = '\0';
    return c == '\n';
}

/* That many lines, whatever they say. */
static bool hear_lines(int fd, size_t wanted)
{
    char chunk[8192];
    ssize_t n = 0;
    while (wanted > 0 && (n = hear_bytes(fd, chunk, sizeof chunk, 0)) > 0)
        for (ssize_t i = 0; i < n; i++)
            wanted -= chunk[i] == '\n';
    return wanted == 0;
}

static void expect(int fd, const char *reply)
{
    char line[512];
    if (!hear_line(fd, line, sizeof line))
        fail_msg("expected %s, the link was closed", reply);
    if (strncmp(line, reply, strlen(reply)) != 0)
        fail_msg("expected %s, heard %s", reply, line);
}

static void expect_close(int fd)
{
    char line[512];
    if (hear_line(fd, line, sizeof line))
        fail_msg("expected the end, heard %s", line);
    (void)close(fd);
}

static bool has_news(int fd, int wait_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, wait_ms) == 1;
}

static void vanish(int fd)
{
    struct linger at_once = { .l_onoff = 1 };
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(fd);
}

static int greeted(const struct house *h)
{
    int fd = connect_from(h, "127.0.0.1");
    expect(fd, "220 gate ESMTP");
    return fd;
}

static void start_data(int fd)
{
    say(fd, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    expect(fd, "250 2.1.0");
    expect(fd, "250 2.1.5");
    expect(fd, "354");
}

/* A message of that many bytes, every line different. */
static char *message(size_t bytes)
{
    char *text = malloc(bytes + 32);
    for (size_t n = 0, i = 0; n < bytes; i++)
        n += (size_t)snprintf(text + n, 32, "line %zu of a picture\r\n", i);
    text[bytes - 2] = '\r';
    text[bytes - 1] = '\n';
    return text;
}

static void send_message(int fd, const char *text, size_t bytes)
{
    start_data(fd);
    say_bytes(fd, text, bytes);
    say(fd, ".\r\n");
}

static void wait_until(int (*read)(struct store *s), struct store *s, int value)
{
    for (int i = 0; i < 1000 && read(s) != value; i++)
        (void)usleep(5000);
    assert_int_equal(read(s), value);
}

static void assert_kept(struct house *h, int n, const char *text, size_t bytes)
{
    const char *kept, *envelope;
    size_t length;
    wait_until(fake_store_kept, h->store, n + 1);
    fake_store_arrival(h->store, n, &kept, &length, &envelope);
    assert_int_equal(length, bytes);
    assert_memory_equal(kept, text, bytes);
}

/* --- the tests -------------------------------------------------------------------------------------------------------- */

static void test_a_small_mail_is_kept_with_its_envelope(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    send_message(fd, "hello\r\n", 7);
    expect(fd, "250 2.0.0 queued as 0");
    say(fd, "QUIT\r\n");
    expect(fd, "221");
    expect_close(fd);
    assert_kept(&h, 0, "hello\r\n", 7);
    const char *bytes, *envelope;
    size_t length;
    fake_store_arrival(h.store, 0, &bytes, &length, &envelope);
    assert_string_equal(
        envelope,
        "{\"listener\":\"smtp\",\"peer\":\"127.0.0.1\",\"helo\":\"\",\"login\":\"\",\"from\":\"a@b\",\"to\":[\"c@d\"]}");
    assert_int_equal(fake_store_jobs(h.store), 0);
    house_end(&h);
    assert_int_equal(h.kept, 1);
}

static void test_nothing_is_said_before_it_is_kept(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    fake_store_hold(h.store, true);
    int fd = greeted(&h);
    send_message(fd, "hello\r\n", 7);
    assert_false(has_news(fd, 100));
    fake_store_hold(h.store, false);
    expect(fd, "250 2.0.0 queued");
    (void)close(fd);
    house_end(&h);
}

static void test_a_mail_that_cannot_be_kept_is_refused_and_the_next_one_is_not(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        const char *reply;
    } cases[] = { { ERR_FULL, "452 4.3.1" }, { ERR_IO, "451 4.3.0" }, { ERR_BUSY, "451 4.3.0" } };
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    for (size_t i = 0; i < COUNT(cases); i++) {
        fake_store_fail(h.store, cases[i].code);
        send_message(fd, "hello\r\n", 7);
        expect(fd, cases[i].reply);
    }
    fake_store_fail(h.store, ERR_NONE);
    send_message(fd, "hello\r\n", 7);
    expect(fd, "250 2.0.0");
    (void)close(fd);
    house_end(&h);
    assert_int_equal(h.kept, 1);
    assert_int_equal(h.refused, 3);
    assert_string_equal(h.reason, "storage");
}

static void test_a_mail_with_pictures_is_one_job(void **state)
{
    (void)state;
    enum { BYTES = 200 * 1000 };
    char *text = message(BYTES);
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    send_message(fd, text, BYTES);
    expect(fd, "250 2.0.0");
    assert_int_equal(fake_store_jobs(h.store), 3); /* open, one write, sync */
    assert_kept(&h, 0, text, BYTES);
    (void)close(fd);
    house_end(&h);
    free(text);
}

static void test_on_a_slow_disk_a_mail_with_pictures_needs_no_file(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        bool is_file;
    } table[] = { { 200 * 1000, false }, { 1000 * 1000, false }, { 1300 * 1000, true } };
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    fake_store_is_slow(h.store, true);
    int fd = greeted(&h);
    for (int i = 0; i < (int)COUNT(table); i++) {
        char *text = message(table[i].bytes);
        int before = fake_store_jobs(h.store);
        send_message(fd, text, table[i].bytes);
        expect(fd, "250 2.0.0");
        assert_int_equal(fake_store_jobs(h.store) >= before + 3, table[i].is_file);
        assert_int_equal(fake_store_jobs(h.store) == before, !table[i].is_file);
        assert_kept(&h, i, text, table[i].bytes);
        free(text);
    }
    (void)close(fd);
    house_end(&h);
}

static void test_a_very_large_mail_goes_to_disk_as_it_comes(void **state)
{
    (void)state;
    enum { BYTES = 7 * 1000 * 1000 };
    char *text = message(BYTES);
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    for (int i = 0; i < 2; i++) {
        send_message(fd, text, BYTES);
        expect(fd, "250 2.0.0");
        assert_kept(&h, i, text, BYTES);
    }
    (void)close(fd);
    house_end(&h);
    free(text);
}

static void test_a_disk_that_fails_at_any_step_is_answered_and_leaves_no_file(void **state)
{
    (void)state;
    static const char *const steps[] = { "open", "write", "sync" };
    static const size_t sizes[] = { 200 * 1000, 3 * 1000 * 1000 };
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    for (size_t i = 0; i < COUNT(steps) * COUNT(sizes) * 2; i++) {
        size_t bytes = sizes[i % 2];
        bool is_full = i / 2 % 2;
        char *text = message(bytes);
        fake_store_fail_spool(h.store, steps[i / 4], is_full ? ERR_FULL : ERR_IO);
        send_message(fd, text, bytes);
        expect(fd, is_full ? "452 4.3.1" : "451 4.3.0");
        free(text);
    }
    fake_store_fail_spool(h.store, NULL, ERR_NONE);
    send_message(fd, "hello\r\n", 7);
    expect(fd, "250 2.0.0");
    (void)close(fd);
    house_end(&h);
    assert_int_equal(h.kept, 1);
}

static void test_a_large_mail_the_store_refuses_is_the_stores_to_remove(void **state)
{
    (void)state;
    enum { BYTES = 200 * 1000 };
    char *text = message(BYTES);
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    fake_store_fail(h.store, ERR_FULL);
    int fd = greeted(&h);
    send_message(fd, text, BYTES);
    expect(fd, "452 4.3.1");
    assert_int_equal(fake_store_abandoned(h.store), 1);
    (void)close(fd);
    house_end(&h);
    free(text);
}

static void test_a_mail_over_the_limit_leaves_no_file(void **state)
{
    (void)state;
    enum { BYTES = 9 * 1000 * 1000 };
    char *text = message(BYTES);
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    send_message(fd, text, BYTES);
    expect(fd, "552 5.3.4");
    send_message(fd, "hello\r\n", 7);
    expect(fd, "250 2.0.0");
    (void)close(fd);
    house_end(&h);
    assert_int_equal(h.refused, 1);
    assert_string_equal(h.reason, "size");
    free(text);
}

static void test_a_mail_without_end_hears_why_before_the_link_is_cut(void **state)
{
    (void)state;
    char *text = message(100 * 1000);
    struct smtp_options o = usual();
    struct house h;
    o.limits.message_bytes = 100 * 1000;
    house_open(&h, o, "127.0.0.0/8");
    int fd = greeted(&h);
    start_data(fd);
    for (int i = 0; i < 5; i++)
        (void)send(fd, text, 100 * 1000, MSG_NOSIGNAL);
    expect(fd, "552 5.3.4");
    expect_close(fd);
    house_end(&h);
    free(text);
}

static void test_a_device_that_drops_the_link_after_the_final_dot_has_succeeded(void **state)
{
    (void)state;
    static const size_t sizes[] = { 7, 200 * 1000 };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *text = message(sizes[i] < 100 ? 100 : sizes[i]);
        size_t bytes = sizes[i] < 100 ? 100 : sizes[i];
        struct house h;
        house_open(&h, usual(), "127.0.0.0/8");
        fake_store_hold(h.store, true);
        int fd = greeted(&h);
        send_message(fd, text, bytes);
        assert_false(has_news(fd, 50)); /* so that all of it has been read */
        vanish(fd);
        (void)usleep(20000);
        fake_store_hold(h.store, false);
        assert_kept(&h, 0, text, bytes);
        house_end(&h);
        assert_int_equal(h.kept, 1);
        free(text);
    }
}

static void test_a_device_that_drops_the_link_before_it_leaves_nothing(void **state)
{
    (void)state;
    enum { BYTES = 3 * 1000 * 1000 };
    char *text = message(BYTES);
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    start_data(fd);
    say_bytes(fd, text, BYTES);
    vanish(fd);
    fd = greeted(&h);
    start_data(fd);
    say(fd, "half a line");
    (void)close(fd);
    wait_until(fake_store_open_spools, h.store, 0);
    house_end(&h);
    assert_int_equal(h.kept, 0);
    free(text);
}

static void test_a_device_that_says_all_at_once_and_no_more_hears_all_replies(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    fake_store_hold(h.store, true);
    int fd = connect_from(&h, "127.0.0.1");
    say(fd, "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n1\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT "
            "TO:<c@d>\r\nDATA\r\n2\r\n.\r\nNOOP\r\n");
    (void)shutdown(fd, SHUT_WR);
    expect(fd, "220");
    char line[256];
    while (hear_line(fd, line, sizeof line) && strncmp(line, "250-", 4) == 0)
        ;
    for (int i = 0; i < 2; i++) {
        expect(fd, "250 2.1.0");
        expect(fd, "250 2.1.5");
        expect(fd, "354");
        fake_store_hold(h.store, false);
        expect(fd, "250 2.0.0 queued");
    }
    expect(fd, "250 2.0.0 ok");
    expect_close(fd);
    assert_kept(&h, 1, "2\r\n", 3);
    house_end(&h);
}

static void test_a_stranger_hears_which_setting_would_let_him_in(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "10.0.0.0/8");
    for (int i = 0; i < 3; i++) {
        int fd = connect_from(&h, "127.0.0.1");
        expect(fd, "554 5.7.1 127.0.0.1 may not send here, see Smtp:AllowFrom");
        expect_close(fd);
    }
    house_end(&h);
}

static void test_an_address_may_open_so_many_connections(void **state)
{
    (void)state;
    struct smtp_options o = usual();
    struct house h;
    o.connections_per_address = 2;
    house_open(&h, o, "127.0.0.0/8");
    int a = greeted(&h), b = greeted(&h);
    int c = connect_from(&h, "127.0.0.1");
    expect(c, "421 4.7.0 too many connections from 127.0.0.1, see Smtp:MaxConnectionsPerAddress");
    expect_close(c);
    int other = connect_from(&h, "127.0.0.2");
    expect(other, "220");
    say(a, "QUIT\r\n");
    expect(a, "221");
    expect_close(a);
    c = greeted(&h);
    (void)close(b);
    (void)close(c);
    (void)close(other);
    house_end(&h);
}

static void test_an_address_with_all_the_places_gives_one_up_for_another(void **state)
{
    (void)state;
    struct smtp_options o = usual();
    struct house h;
    o.connections = 3;
    house_open(&h, o, "127.0.0.0/8");
    int busy = greeted(&h), idle = greeted(&h), later = greeted(&h);
    start_data(busy);
    say(later, "NOOP\r\n");
    expect(later, "250");
    int full = connect_from(&h, "127.0.0.1");
    expect(full, "421 4.7.0 too many connections, 127.0.0.1, see Smtp:MaxConnections");
    expect_close(full);
    int other = connect_from(&h, "127.0.0.2");
    expect(other, "220");
    expect(idle, "421 4.7.0");
    expect_close(idle);
    int third = connect_from(&h, "127.0.0.3"); /* 127.0.0.1 has two, and one of them has no mail under way */
    expect(third, "220");
    expect(later, "421 4.7.0");
    expect_close(later);
    int fourth = connect_from(&h, "127.0.0.4"); /* nobody has more than one now */
    expect(fourth, "421 4.7.0");
    expect_close(fourth);
    say(busy, "x\r\n.\r\n");
    expect(busy, "250 2.0.0 queued");
    (void)close(busy);
    (void)close(other);
    (void)close(third);
    house_end(&h);
}

static void test_deadlines_end_what_does_not_go_on(void **state)
{
    (void)state;
    struct smtp_options o = usual();
    struct house h;
    o.command_ms = 200;
    o.data_ms = 300;
    house_open(&h, o, "127.0.0.0/8");
    int silent = greeted(&h), slow = greeted(&h), stalled = greeted(&h);
    start_data(stalled);
    say(stalled, "text\n.\n");
    for (int i = 0; i < 10 && !has_news(slow, 50); i++)
        say(slow, "N"); /* bytes, but never a command */
    expect(slow, "421 4.4.2");
    expect_close(slow);
    expect(silent, "421 4.4.2");
    expect_close(silent);
    expect(stalled, "421 4.4.2");
    expect_close(stalled);
    house_end(&h);
    assert_string_equal(h.reason, "timeout");
}

static void test_a_conversation_has_an_end(void **state)
{
    (void)state;
    struct smtp_options o = usual();
    struct house h;
    o.session_ms = 200;
    house_open(&h, o, "127.0.0.0/8");
    int fd = greeted(&h);
    for (int i = 0; i < 100 && !has_news(fd, 20); i++) {
        say(fd, "NOOP\r\n");
        char line[100];
        (void)hear_line(fd, line, sizeof line);
        if (strncmp(line, "421", 3) == 0)
            break;
    }
    (void)close(fd);
    house_end(&h);
}

static void test_replies_that_are_not_read_stop_the_device_not_us(void **state)
{
    (void)state;
    enum { COMMANDS = 200000, LENGTH = 6 };
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int rude = greeted(&h), good = greeted(&h);
    char *text = malloc(COMMANDS * LENGTH);
    for (size_t i = 0; i < COMMANDS; i++)
        memcpy(text + i * LENGTH, "HELP\r\n", LENGTH);
    size_t sent = 0;
    for (int i = 0; i < 200 && sent < COMMANDS * LENGTH; i++) {
        ssize_t n = send(rude, text + sent, COMMANDS * LENGTH - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        (void)usleep(500);
    }
    send_message(good, "hello\r\n", 7);
    expect(good, "250 2.0.0 queued");
    assert_true(hear_lines(rude, sent / LENGTH));
    (void)close(rude);
    (void)close(good);
    house_end(&h);
    free(text);
}

static void test_stopping_lets_a_mail_finish_and_sends_the_idle_away(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    fake_store_hold(h.store, true);
    int idle = greeted(&h), committing = greeted(&h), sending = greeted(&h), mute = greeted(&h);
    send_message(committing, "one\r\n", 5);
    start_data(sending);
    assert_false(has_news(committing, 50));
    house_stop(&h);
    expect(idle, "421 4.3.2");
    expect_close(idle);
    expect(mute, "421 4.3.2");
    expect_close(mute);
    say(sending, "two\r\n.\r\n");
    assert_false(has_news(sending, 50));
    fake_store_hold(h.store, false);
    expect(committing, "250 2.0.0 queued");
    expect(committing, "421 4.3.2");
    expect_close(committing);
    expect(sending, "250 2.0.0 queued");
    expect(sending, "421 4.3.2");
    expect_close(sending);
    wait_until(fake_store_kept, h.store, 2);
    house_close(&h);
}

static void test_stopping_waits_no_longer_than_it_was_told(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    h.grace_ms = 100;
    int sending = greeted(&h);
    start_data(sending);
    house_end(&h);
    expect(sending, "421 4.3.2");
    (void)close(sending);
}

static void test_without_descriptors_open_conversations_go_on_and_new_ones_wait(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    int spare = dup(fd); /* the lowest free descriptor … */
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)h.port) };
    (void)inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    none = (struct rlimit){ .rlim_cur = (rlim_t)spare, .rlim_max = before.rlim_max }; /* … and from there on there are none */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(connect(waiting, (struct sockaddr *)&to, sizeof to), 0);
    bool is_let_in = has_news(waiting, 150);
    send_message(fd, "hello\r\n", 7);
    expect(fd, "250 2.0.0 queued");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(is_let_in);
    expect(waiting, "220");
    (void)close(fd);
    (void)close(spare);
    (void)close(waiting);
    house_end(&h);
}

static void *send_many(void *arg)
{
    enum { BYTES = 100 * 1000 };
    const struct house *h = arg;
    char *text = message(BYTES);
    for (int i = 0; i < 10; i++) {
        int fd = greeted(h);
        for (int k = 0; k < 5; k++) {
            size_t bytes = k == 2 ? BYTES : 1000;
            send_message(fd, text + BYTES - bytes, bytes);
            expect(fd, "250 2.0.0 queued");
        }
        (void)close(fd);
    }
    free(text);
    return NULL;
}

static void test_many_devices_at_once_lose_nothing(void **state)
{
    (void)state;
    enum { DEVICES = 8 };
    struct house h;
    pthread_t devices[DEVICES];
    house_open(&h, usual(), "127.0.0.0/8");
    for (int i = 0; i < DEVICES; i++)
        assert_int_equal(pthread_create(&devices[i], NULL, send_many, &h), 0);
    for (int i = 0; i < DEVICES; i++)
        (void)pthread_join(devices[i], NULL);
    assert_int_equal(fake_store_kept(h.store), DEVICES * 50);
    house_end(&h);
    assert_int_equal(h.kept, DEVICES * 50);
}

static bool is_panel(void *user, const unsigned char address[16])
{
    (void)user;
    return address[15] == 7;
}

/* Two mails of five bytes wait for the disk: that is all the gate allows, but to a panel. */
static void meet_the_gate(struct smtp_gate_limits gate)
{
    struct house h;
    struct smtp_options o = usual();
    o.gate = gate;
    o.is_panel = is_panel;
    house_open(&h, o, "127.0.0.0/8");
    fake_store_hold(h.store, true);
    int waiting[2], fd;
    for (int i = 0; i < 2; i++) {
        waiting[i] = greeted(&h);
        send_message(waiting[i], "one\r\n", 5);
    }
    (void)usleep(100 * 1000);
    fd = greeted(&h);
    say(fd, "MAIL FROM:<a@b>\r\n");
    expect(fd, "421 4.3.2");
    expect_close(fd);
    assert_string_equal(atomic_load(&h.reason), "overload");
    fd = connect_from(&h, "127.0.0.7");
    expect(fd, "220");
    start_data(fd);
    (void)close(fd);
    fake_store_hold(h.store, false);
    for (int i = 0; i < 2; i++) {
        expect(waiting[i], "250");
        (void)close(waiting[i]);
    }
    house_end(&h);
}

static void test_mails_that_wait_for_the_disk_are_so_many_and_a_panels_more(void **state)
{
    (void)state;
    meet_the_gate((struct smtp_gate_limits){ .mails = 2 });
}

static void test_mails_that_wait_for_the_disk_take_so_much_memory_and_a_panels_more(void **state)
{
    (void)state;
    meet_the_gate((struct smtp_gate_limits){ .bytes = 10 });
}

static bool was_spoken(const struct house *h, const char *words)
{
    return strstr(buf_str(&h->spoken), words);
}

static void test_what_was_spoken_is_told_with_its_end_and_without_its_secrets(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    (void)close(greeted(&h)); /* a probe: nothing was said */
    int fd = greeted(&h);
    say(fd, "EHLO cam\r\nAUTH PLAIN AGNhbQBzZWNyZXQ=\r\nMAIL FROM:<cam@house>\r\nRCPT TO:<gate@house>\r\nDATA\r\nZone\r\n.\r\nQUIT\r\n");
    while (hear_lines(fd, 1))
        ;
    (void)close(fd);
    fd = greeted(&h);
    say(fd, "MAIL FROM:<big@house> SIZE=99999999\r\n");
    expect(fd, "552 5.3.4");
    vanish(fd);
    for (int i = 0; i < 1000 && atomic_load(&h.conversations) < 2; i++)
        (void)usleep(5000);
    house_stop(&h);
    (void)uv_thread_join(&h.thread);
    assert_int_equal(atomic_load(&h.conversations), 2);
    assert_true(was_spoken(&h, "\"S\":\"220 gate ESMTP Postern\""));
    assert_true(was_spoken(&h, "\"C\":\"EHLO cam\""));
    assert_true(was_spoken(&h, "\"C\":\"AUTH PLAIN ***\""));
    assert_true(was_spoken(&h, "\"login\":\"cam\""));
    assert_true(was_spoken(&h, "\"N\":\"a message of 6 bytes\""));
    assert_true(was_spoken(&h, "\"ended\":\"quit\""));
    assert_true(was_spoken(&h, "\"ended\":\"left\""));
    assert_true(was_spoken(&h, "\"setting\":\"Smtp:MaxMessage\""));
    assert_true(was_spoken(&h, "\"from\":\"big@house\""));
    assert_false(was_spoken(&h, "AGNhbQBzZWNyZXQ"));
    house_done(&h);
}

static void test_tls_at_a_plain_port_is_told_as_what_it_is(void **state)
{
    (void)state;
    struct house h;
    house_open(&h, usual(), "127.0.0.0/8");
    int fd = greeted(&h);
    say_bytes(fd, "\x16\x03\x01\x00\x05\n\n\n\n\n", 10);
    expect_close(fd);
    for (int i = 0; i < 1000 && atomic_load(&h.conversations) < 1; i++)
        (void)usleep(5000);
    house_stop(&h);
    (void)uv_thread_join(&h.thread);
    assert_true(was_spoken(&h, "begins with TLS"));
    assert_true(was_spoken(&h, "\"setting\":\"Smtp:TlsPort\""));
    house_done(&h);
}

static void test_a_port_that_is_taken_is_said(void **state)
{
    (void)state;
    struct house h;
    struct smtp_options o = usual();
    struct smtp_server *second = NULL;
    struct err e;
    uv_loop_t loop;
    house_open(&h, o, "127.0.0.0/8");
    o.port = h.port;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(smtp_server_start(&loop, h.store, &o, &second, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, "in use"));
    o.address = "camera.example";
    assert_int_equal(smtp_server_start(&loop, h.store, &o, &second, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    house_end(&h);
}

static void test_an_empty_address_is_every_address(void **state)
{
    (void)state;
    struct house h;
    struct smtp_options o = usual();
    o.address = "";
    house_open(&h, o, "127.0.0.0/8");
    int fd = greeted(&h);
    (void)close(fd);
    house_end(&h);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    log_setup(LOG_ERROR, LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_small_mail_is_kept_with_its_envelope),
        cmocka_unit_test(test_nothing_is_said_before_it_is_kept),
        cmocka_unit_test(test_a_mail_that_cannot_be_kept_is_refused_and_the_next_one_is_not),
        cmocka_unit_test(test_a_mail_with_pictures_is_one_job),
        cmocka_unit_test(test_on_a_slow_disk_a_mail_with_pictures_needs_no_file),
        cmocka_unit_test(test_a_very_large_mail_goes_to_disk_as_it_comes),
        cmocka_unit_test(test_a_disk_that_fails_at_any_step_is_answered_and_leaves_no_file),
        cmocka_unit_test(test_a_large_mail_the_store_refuses_is_the_stores_to_remove),
        cmocka_unit_test(test_a_mail_over_the_limit_leaves_no_file),
        cmocka_unit_test(test_a_mail_without_end_hears_why_before_the_link_is_cut),
        cmocka_unit_test(test_a_device_that_drops_the_link_after_the_final_dot_has_succeeded),
        cmocka_unit_test(test_a_device_that_drops_the_link_before_it_leaves_nothing),
        cmocka_unit_test(test_a_device_that_says_all_at_once_and_no_more_hears_all_replies),
        cmocka_unit_test(test_a_stranger_hears_which_setting_would_let_him_in),
        cmocka_unit_test(test_an_address_may_open_so_many_connections),
        cmocka_unit_test(test_an_address_with_all_the_places_gives_one_up_for_another),
        cmocka_unit_test(test_deadlines_end_what_does_not_go_on),
        cmocka_unit_test(test_a_conversation_has_an_end),
        cmocka_unit_test(test_replies_that_are_not_read_stop_the_device_not_us),
        cmocka_unit_test(test_stopping_lets_a_mail_finish_and_sends_the_idle_away),
        cmocka_unit_test(test_stopping_waits_no_longer_than_it_was_told),
        cmocka_unit_test(test_without_descriptors_open_conversations_go_on_and_new_ones_wait),
        cmocka_unit_test(test_many_devices_at_once_lose_nothing),
        cmocka_unit_test(test_mails_that_wait_for_the_disk_are_so_many_and_a_panels_more),
        cmocka_unit_test(test_mails_that_wait_for_the_disk_take_so_much_memory_and_a_panels_more),
        cmocka_unit_test(test_what_was_spoken_is_told_with_its_end_and_without_its_secrets),
        cmocka_unit_test(test_tls_at_a_plain_port_is_told_as_what_it_is),
        cmocka_unit_test(test_a_port_that_is_taken_is_said),
        cmocka_unit_test(test_an_empty_address_is_every_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
