/* How parsers_read chooses: best score, next on failure, never nothing. The table here is the test's own. */
#include "../../../parsers/table.c" /* its static functions, with a table we can name below */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct parser_site site = { "alarm", "status", "en" };
static const char *const        recipients[] = { "gate@h" };
static const struct envelope    envelope = { "smtp", "192.0.2.1", "", "", "", recipients, 1 };

static void walk(const struct mail *m, const char *order[8], size_t *n)
{
    unsigned             tried = 0;
    const struct parser *p;
    *n = 0;
    while ((p = next_best(m, &tried)))
        order[(*n)++] = p->name;
}

static void parsers_are_asked_from_the_best_score_down(void **state)
{
    (void)state;
    const char  *order[8];
    size_t       n;
    struct media jpeg = { .n = 1, .type = "image/jpeg", .name = "" };
    struct mail  m = { .site = &site, .envelope = &envelope, .subject = "", .text = "Zone:8 Ost 1, Sabotage Alarm", .header_from = "", .mailer = "",
                         .media = &jpeg, .media_count = 1 };
    walk(&m, order, &n);
    assert_int_equal(n, 3);
    assert_string_equal(order[0], "lupusec");
    assert_string_equal(order[1], "camera");
    assert_string_equal(order[2], "plain");
    m.text = "hello";
    walk(&m, order, &n);
    assert_int_equal(n, 2);
    assert_string_equal(order[0], "camera");
}

static void what_parsers_leave_open_is_filled_in(void **state)
{
    (void)state;
    struct arena  arena;
    struct err    e;
    arena_init(&arena, 1 << 16);
    struct events events = { .arena = &arena };
    struct media  pdf = { .n = 1, .type = "application/pdf", .name = "" };
    struct mail   m = { .site = &site, .envelope = &envelope, .subject = "s", .text = "t", .header_from = "", .mailer = "", .media = &pdf, .media_count = 1,
                        .date_ms = 1795227165000, .received_ms = 1795227165000 };
    assert_int_equal(parsers_read(&m, &events, &e), 0);
    assert_string_equal(events.items[0].device_id, "gate");
    assert_string_equal(events.items[0].device_name, "gate");
    assert_int_equal(events.items[0].media_count, 1);
    assert_true(events.items[0].happened_ms == m.date_ms);
    m.received_ms = m.date_ms - 2 * 86400000;
    events.count = 0;
    assert_int_equal(parsers_read(&m, &events, &e), 0);
    assert_true(events.items[0].happened_ms == 0);
    arena_done(&arena);
}

static void without_room_for_an_event_it_says_so(void **state)
{
    (void)state;
    struct arena  arena;
    struct err    e;
    arena_init(&arena, 10);
    struct events events = { .arena = &arena };
    struct mail   m = { .site = &site, .envelope = &envelope, .subject = "", .text = "t", .header_from = "", .mailer = "" };
    assert_int_equal(parsers_read(&m, &events, &e), -1);
    assert_int_equal(e.code, ERR_NOMEM);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsers_are_asked_from_the_best_score_down),
        cmocka_unit_test(what_parsers_leave_open_is_filled_in),
        cmocka_unit_test(without_room_for_an_event_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
