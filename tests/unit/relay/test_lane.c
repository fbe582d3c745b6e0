/* bucket, lane, verdict, mask: the pure half of the relay. Time is an argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/lane.h"
#include "service/mask.h"
#include "service/verdict.h"
#include <string.h>

static void test_bucket_gives_a_burst_and_then_the_rate(void **state)
{
    (void)state;
    struct bucket b = bucket_make(6, 5, 1000);
    int           taken = 0;
    while (bucket_take(&b, 1000))
        taken++;
    assert_int_equal(taken, 5);
    assert_in_range(bucket_ready_ms(&b, 1000), 1000 + 9990, 1000 + 10010);
    assert_false(bucket_has(&b, 1000 + 9900));
    for (int64_t now = 10900; now <= 1000 + 600000; now += 100)
        taken += bucket_take(&b, now);
    assert_in_range(taken, 5 + 59, 5 + 60);
    assert_int_equal(bucket_ready_ms(&b, 100000000), 100000000);
}

static void test_bucket_ignores_time_that_goes_back(void **state)
{
    (void)state;
    struct bucket b = bucket_make(60, 1, 5000);
    assert_true(bucket_take(&b, 5000));
    assert_false(bucket_take(&b, 0));
    assert_true(bucket_take(&b, 6001));
}

static void test_bucket_without_a_rate_has_no_limit(void **state)
{
    (void)state;
    struct bucket b = bucket_make(0, 1, 0);
    for (int i = 0; i < 1000; i++)
        assert_true(bucket_take(&b, 0));
}

static struct lane lane(void)
{
    return lane_make(0, 1, 0);
}

static void expect_step(struct lane *l, int64_t now, enum lane_step step, enum severity s, int64_t wake)
{
    enum severity got = SEVERITY_INFO;
    int64_t       got_wake;
    assert_int_equal(lane_choose(l, now, &got, &got_wake), step);
    if (step != LANE_REST)
        assert_int_equal(got, s);
    else
        assert_int_equal(got_wake, wake);
}

static void test_lane_sends_the_most_severe_first(void **state)
{
    (void)state;
    struct lane l = lane();
    expect_step(&l, 0, LANE_REST, 0, LANE_NEVER);
    l.is_waiting[SEVERITY_INFO] = l.is_waiting[SEVERITY_WARNING] = true;
    expect_step(&l, 0, LANE_NEW, SEVERITY_WARNING, 0);
    l.is_waiting[SEVERITY_ALARM] = true;
    expect_step(&l, 0, LANE_NEW, SEVERITY_ALARM, 0);
}

static void test_lane_has_one_message_on_its_way(void **state)
{
    (void)state;
    struct lane l = lane();
    l.is_busy = l.is_waiting[SEVERITY_ALARM] = true;
    expect_step(&l, 0, LANE_REST, 0, LANE_NEVER);
    assert_false(lane_is_free(&l, SEVERITY_ALARM, 0));
}

static void test_lane_lets_an_alarm_pass_the_back_off_of_an_info(void **state)
{
    (void)state;
    struct lane l = lane();
    l.due_ms[SEVERITY_INFO] = 300000;
    l.is_waiting[SEVERITY_INFO] = true;
    expect_step(&l, 1000, LANE_REST, 0, 300000);
    assert_true(lane_is_free(&l, SEVERITY_ALARM, 1000));
    assert_false(lane_is_free(&l, SEVERITY_INFO, 1000));
    l.is_waiting[SEVERITY_ALARM] = true;
    expect_step(&l, 1000, LANE_NEW, SEVERITY_ALARM, 0);
    assert_false(lane_is_free(&l, SEVERITY_INFO, 1000)); /* an info does not overtake the alarm that waits */
}

static void test_lane_tries_an_open_message_again_before_it_begins_one_of_its_kind(void **state)
{
    (void)state;
    struct lane l = lane();
    l.due_ms[SEVERITY_ALARM] = 5000;
    l.is_waiting[SEVERITY_ALARM] = true;
    expect_step(&l, 4999, LANE_REST, 0, 5000);
    expect_step(&l, 5000, LANE_AGAIN, SEVERITY_ALARM, 0);
}

static void test_lane_waits_for_a_token_and_for_the_far_side(void **state)
{
    (void)state;
    struct lane l = lane_make(60, 1, 0);
    l.is_waiting[SEVERITY_ALARM] = true;
    assert_true(bucket_take(&l.bucket, 0));
    enum severity s;
    int64_t       wake;
    assert_int_equal(lane_choose(&l, 0, &s, &wake), LANE_REST);
    assert_in_range(wake, 999, 1001);
    l.shut_until_ms = 20000;
    expect_step(&l, 5000, LANE_REST, 0, 20000);
    expect_step(&l, 20000, LANE_NEW, SEVERITY_ALARM, 0);
    assert_false(lane_is_free(&l, SEVERITY_ALARM, 19999));
}

static void test_backoff_doubles_and_stays_under_its_ceiling(void **state)
{
    (void)state;
    static const struct {
        int           attempts;
        enum severity s;
        int64_t       wish, least, most;
    } rows[] = {
        { 1, SEVERITY_INFO, -1, 3750, 5000 },       { 2, SEVERITY_INFO, -1, 7500, 10000 },
        { 4, SEVERITY_ALARM, -1, 30000, 40000 },    { 5, SEVERITY_ALARM, -1, 45000, 60000 },
        { 1000, SEVERITY_ALARM, -1, 45000, 60000 }, { 1000, SEVERITY_WARNING, -1, 225000, 300000 },
        { 1, SEVERITY_ALARM, 20000, 20000, 20000 }, { 8, SEVERITY_INFO, 20000, 225000, 300000 },
        { 1, SEVERITY_ALARM, INT64_MAX, 3600000, 3600000 },
    };
    static const uint32_t chances[] = { 0, 1, 0x7fffffff, 0xffffffff };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t k = 0; k < COUNT(chances); k++)
            assert_in_range(lane_backoff_ms(rows[i].attempts, rows[i].s, rows[i].wish, chances[k]), rows[i].least, rows[i].most);
}

static void test_verdict_follows_law_five(void **state)
{
    (void)state;
    static const struct provider once = { .name = "once" }, idempotent = { .name = "again", .is_idempotent = true };
    static const struct account  sms = { .provider = &once, .is_resent_when_unknown = true }, shy = { .provider = &once },
                                hook = { .provider = &idempotent, .is_resent_when_unknown = true };
    static const struct {
        const struct account *a;
        enum verdict          v;
        enum fault            f;
        bool                  was_twice;
        enum message_state    state;
        bool                  maybe_twice, next_way, shut;
    } rows[] = {
        { &sms, VERDICT_SENT, FAULT_NONE, false, MESSAGE_SENT, false, false, false },
        { &sms, VERDICT_SENT, FAULT_NONE, true, MESSAGE_SENT, true, false, false },
        { &sms, VERDICT_RETRY, FAULT_NONE, false, MESSAGE_WAITING, false, false, false },
        { &sms, VERDICT_RETRY, FAULT_NONE, true, MESSAGE_WAITING, true, false, false },
        { &sms, VERDICT_REJECTED, FAULT_MESSAGE, false, MESSAGE_FAILED, false, false, false },
        { &sms, VERDICT_REJECTED, FAULT_ADDRESS, false, MESSAGE_WAITING, false, true, false },
        { &sms, VERDICT_REJECTED, FAULT_ACCOUNT, false, MESSAGE_WAITING, false, true, true },
        { &sms, VERDICT_UNKNOWN, FAULT_NONE, false, MESSAGE_WAITING, true, false, false },
        { &sms, VERDICT_UNKNOWN, FAULT_NONE, true, MESSAGE_UNKNOWN, true, false, false },
        { &shy, VERDICT_UNKNOWN, FAULT_NONE, false, MESSAGE_UNKNOWN, false, false, false },
        { &hook, VERDICT_UNKNOWN, FAULT_NONE, false, MESSAGE_WAITING, false, false, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct outcome o = { .verdict = rows[i].v, .fault = rows[i].f, .wait_ms = -1 };
        struct decision      d = verdict_decide(rows[i].a, &o, SEVERITY_ALARM, 1, rows[i].was_twice, 0);
        if (d.state != rows[i].state || d.maybe_twice != rows[i].maybe_twice || d.is_next_way_now != rows[i].next_way ||
            d.shuts_account != rows[i].shut)
            fail_msg("row %zu", i);
    }
}

static void test_mask_hides_the_middle_of_an_address(void **state)
{
    (void)state;
    char out[MASK_MAX];
    assert_string_equal(mask_address(out, "+491700000001"), "+49…001");
    assert_string_equal(mask_address(out, "4711"), "4711");
    assert_string_equal(mask_address(out, ""), "");
    assert_string_equal(mask_address(out, "äääääääääääö"), "ä…ö");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_gives_a_burst_and_then_the_rate),
        cmocka_unit_test(test_bucket_ignores_time_that_goes_back),
        cmocka_unit_test(test_bucket_without_a_rate_has_no_limit),
        cmocka_unit_test(test_lane_sends_the_most_severe_first),
        cmocka_unit_test(test_lane_has_one_message_on_its_way),
        cmocka_unit_test(test_lane_lets_an_alarm_pass_the_back_off_of_an_info),
        cmocka_unit_test(test_lane_tries_an_open_message_again_before_it_begins_one_of_its_kind),
        cmocka_unit_test(test_lane_waits_for_a_token_and_for_the_far_side),
        cmocka_unit_test(test_backoff_doubles_and_stays_under_its_ceiling),
        cmocka_unit_test(test_verdict_follows_law_five),
        cmocka_unit_test(test_mask_hides_the_middle_of_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
