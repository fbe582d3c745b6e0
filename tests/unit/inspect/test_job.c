/* The frames between postern and postern-inspect. */
#include "inspect/job.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static int        pair[2];
static struct buf frame, json;

static int set_up(void **state)
{
    (void)state;
    buf_init(&frame, JOB_FRAME_MAX + 64 * 1024);
    buf_init(&json, JOB_FRAME_MAX);
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&frame);
    buf_done(&json);
    (void)close(pair[0]);
    (void)close(pair[1]);
    return 0;
}

static void a_frame_arrives_with_its_descriptor(void **state)
{
    (void)state;
    struct err e;
    int        sent = memfd_create("x", MFD_CLOEXEC), got = -1;
    char       text[3] = "";
    assert_int_equal(write(sent, "ok", 2), 2);
    job_write_request(&json, "{\"peer\":\"192.0.2.1\"}", NULL, 5, NULL, 0);
    assert_int_equal(job_send(pair[0], &json, sent, &e), 0);
    assert_int_equal(job_receive(pair[1], &frame, 1000, &got, &e), 1);
    size_t      n;
    const char *body = job_text(&frame, &n);
    assert_string_equal(body, "{\"received_ms\":5,\"envelope\":{\"peer\":\"192.0.2.1\"}}");
    assert_int_equal(n, strlen(body));
    assert_int_equal(pread(got, text, 2, 0), 2);
    assert_string_equal(text, "ok");
    (void)close(sent);
    (void)close(got);
}

static void a_frame_that_comes_byte_by_byte_is_whole_in_the_end(void **state)
{
    (void)state;
    struct err     e;
    const uint32_t length = 2;
    char           bytes[6];
    memcpy(bytes, &length, 4);
    memcpy(bytes + 4, "{}", 2);
    for (int i = 0; i < 6; i++) {
        if (i > 0)
            assert_int_equal(job_receive(pair[1], &frame, 0, NULL, &e), -1);
        assert_int_equal(write(pair[0], bytes + i, 1), 1);
    }
    assert_int_equal(job_receive(pair[1], &frame, 1000, NULL, &e), 1);
}

static void frames_that_come_together_are_taken_one_by_one(void **state)
{
    (void)state;
    struct err e;
    size_t     n;
    for (int64_t i = 1; i <= 3; i++) {
        buf_clear(&json);
        job_write_request(&json, "{}", NULL, i, i == 2 ? "raw\0mail" : NULL, i == 2 ? 8 : 0);
        assert_int_equal(job_send(pair[0], &json, -1, &e), 0);
    }
    for (int i = 1; i <= 3; i++) {
        char expected[64];
        int  length = snprintf(expected, sizeof expected, "{\"received_ms\":%d,\"envelope\":{}}", i);
        assert_int_equal(job_receive(pair[1], &frame, 1000, NULL, &e), 1);
        const char *text = job_text(&frame, &n);
        assert_int_equal(n, length);
        assert_memory_equal(text, expected, n);
        const char *raw = job_raw(&frame, &n);
        assert_int_equal(n, i == 2 ? 8 : 0);
        assert_true(i == 2 ? memcmp(raw, "raw\0mail", 8) == 0 : raw == NULL);
        job_next(&frame);
    }
    assert_int_equal(frame.len, 0);
}

static void waiting_ends_and_the_end_is_seen(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(job_receive(pair[1], &frame, 1, NULL, &e), -1);
    assert_int_equal(e.code, ERR_TIMEOUT);
    (void)close(pair[0]);
    assert_int_equal(job_receive(pair[1], &frame, 1000, NULL, &e), 0);
    pair[0] = dup(pair[1]);
}

static void a_frame_beyond_the_ceiling_is_refused(void **state)
{
    (void)state;
    struct err     e;
    const uint32_t length = JOB_FRAME_MAX + 1;
    assert_int_equal(write(pair[0], &length, sizeof length), sizeof length);
    assert_int_equal(job_receive(pair[1], &frame, 1000, NULL, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_int_equal(job_send(pair[0], &json, -1, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
}

static void an_answer_comes_back_as_it_went(void **state)
{
    (void)state;
    struct err        e;
    struct arena      arena;
    struct job_answer answer;
    arena_init(&arena, 1 << 16);
    struct events      sent = { .arena = &arena, .parser = "camera" }, got = { .arena = &arena };
    const struct media jpeg = { 1, "image/jpeg", "a.jpg", 30, 100, 40, ENCODING_BASE64 };
    struct event      *ev = events_add(&sent, "camera.person");
    ev->text = "Person";
    ev->media = &jpeg;
    ev->media_count = 1;
    ev->happened_ms = 1000;
    job_write_answer(&json, "subject", &sent, true);
    assert_int_equal(job_send(pair[0], &json, -1, &e), 0);
    assert_int_equal(job_receive(pair[1], &frame, 1000, NULL, &e), 1);
    assert_int_equal(job_read_answer(&frame, &got, &answer, &e), 0);
    assert_null(answer.error);
    assert_true(answer.is_last);
    assert_string_equal(answer.parser, "camera");
    assert_string_equal(answer.subject, "subject");
    assert_int_equal(got.count, 1);
    assert_string_equal(got.items[0].kind, "camera.person");
    assert_true(got.items[0].media[0].offset == 100 && got.items[0].media[0].encoding == ENCODING_BASE64);
    arena_done(&arena);
}

static void an_answer_of_a_captured_reader_is_only_data(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "", "{", "[]", "7", "{\"events\":7}", "{\"events\":[7]}", "{\"events\":[{}]}", "{\"events\":[{\"kind\":\"no.kind\"}]}",
        "{\"events\":[{\"kind\":\"alarm.fire\",\"happened_at\":\"never\"}]}", "{\"error\":\"no\"}", "{\"events\":[{\"kind\":\"alarm.fire\",\"media\":[1,{}]}]}",
    };
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct arena      arena;
        struct job_answer answer = { .error = NULL };
        struct err        e;
        arena_init(&arena, 1 << 16);
        struct events  events = { .arena = &arena };
        const uint32_t length = (uint32_t)strlen(bodies[i]);
        buf_clear(&frame);
        buf_put(&frame, &length, sizeof length);
        buf_puts(&frame, bodies[i]);
        int r = job_read_answer(&frame, &events, &answer, &e);
        assert_true(r < 0 || answer.error || events.count <= 1);
        arena_done(&arena);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_frame_arrives_with_its_descriptor),
        T(a_frame_that_comes_byte_by_byte_is_whole_in_the_end),
        T(frames_that_come_together_are_taken_one_by_one),
        T(waiting_ends_and_the_end_is_seen),
        T(a_frame_beyond_the_ceiling_is_refused),
        T(an_answer_comes_back_as_it_went),
        T(an_answer_of_a_captured_reader_is_only_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
