/* health: reasons come and go, down wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/health.h"
#include <string.h>

static const char *page(struct buf *b)
{
    buf_clear(b);
    struct json_out w = json_begin(b);
    (void)health_state(&w, NULL);
    return buf_str(b);
}

static void test_reasons_come_and_go(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 4096);
    assert_string_equal(page(&b), "{\"state\":\"ok\",\"reasons\":[]}");
    health_set(HEALTH_ACCOUNT, "sms", "no credit");
    health_set(HEALTH_ACCOUNT, "tg", "blocked");
    health_set(HEALTH_ACCOUNT, "sms", "still no credit");
    assert_string_equal(page(&b), "{\"state\":\"degraded\",\"reasons\":[{\"reason\":\"account:sms\",\"detail\":\"still no credit\"},"
                                  "{\"reason\":\"account:tg\",\"detail\":\"blocked\"}]}");
    health_set(HEALTH_ACCOUNT, "sms", NULL);
    health_set(HEALTH_CLOCK, NULL, NULL);
    assert_string_equal(page(&b), "{\"state\":\"degraded\",\"reasons\":[{\"reason\":\"account:tg\",\"detail\":\"blocked\"}]}");
    health_set(HEALTH_ACCOUNT, "tg", NULL);
    assert_string_equal(health_state(NULL, NULL), "ok");
}

static void test_down_wins_over_degraded(void **state)
{
    (void)state;
    health_set(HEALTH_DISK, NULL, "full");
    health_set_down("cannot be kept");
    assert_string_equal(health_state(NULL, NULL), "down");
    health_set_down(NULL);
    assert_string_equal(health_state(NULL, NULL), "degraded");
    health_set(HEALTH_DISK, NULL, NULL);
    assert_string_equal(health_state(NULL, NULL), "ok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons_come_and_go),
        cmocka_unit_test(test_down_wins_over_degraded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
