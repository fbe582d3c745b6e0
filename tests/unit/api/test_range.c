/* range: what a Range header asks for, as RFC 9110 section 14 has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/range.h"
#include "core/attr.h"

static const struct {
    const char       *header;
    int64_t           total;
    enum range_answer answer;
    int64_t           first, last;
} cases[] = {
    { NULL, 100, RANGE_WHOLE, 0, 0 },
    { "bytes=0-0", 100, RANGE_PART, 0, 0 },
    { "bytes=0-99", 100, RANGE_PART, 0, 99 },
    { "bytes=0-100", 100, RANGE_PART, 0, 99 },
    { "BYTES=10-", 100, RANGE_PART, 10, 99 },
    { "bytes=-10", 100, RANGE_PART, 90, 99 },
    { "bytes=-1000", 100, RANGE_PART, 0, 99 },
    { "bytes=99-", 100, RANGE_PART, 99, 99 },
    { "bytes=100-", 100, RANGE_NONE, 0, 0 },
    { "bytes=-0", 100, RANGE_NONE, 0, 0 },
    { "bytes=0-", 1, RANGE_PART, 0, 0 },
    { "bytes=999999999999999999-", 100, RANGE_NONE, 0, 0 },
    { "bytes=9999999999999999999-", 100, RANGE_WHOLE, 0, 0 }, /* beyond any file */
    { "bytes=5-3", 100, RANGE_WHOLE, 0, 0 },
    { "bytes=0-1,5-6", 100, RANGE_WHOLE, 0, 0 },
    { "bytes=", 100, RANGE_WHOLE, 0, 0 },
    { "bytes=-", 100, RANGE_WHOLE, 0, 0 },
    { "bytes=--5", 100, RANGE_WHOLE, 0, 0 },
    { "bytes=+1-2", 100, RANGE_WHOLE, 0, 0 },
    { "bytes=1-2 ", 100, RANGE_WHOLE, 0, 0 },
    { "pages=1-2", 100, RANGE_WHOLE, 0, 0 },
    { "bytes", 100, RANGE_WHOLE, 0, 0 },
};

static void test_a_range_is_read_as_the_rfc_has_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t first = 0, last = 0;
        if (range_read(cases[i].header, cases[i].total, &first, &last) != cases[i].answer || first != cases[i].first || last != cases[i].last)
            fail_msg("%s of %lld: %lld to %lld", cases[i].header, (long long)cases[i].total, (long long)first, (long long)last);
    }
}

static void test_a_range_of_another_version_is_of_no_use(void **state)
{
    (void)state;
    assert_true(range_is_of(NULL, "\"a\""));
    assert_true(range_is_of("\"a\"", "\"a\""));
    assert_false(range_is_of("W/\"a\"", "\"a\"")); /* a weak version may not be put together */
    assert_false(range_is_of("Sat, 21 Nov 2026 03:12:45 GMT", "\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_range_is_read_as_the_rfc_has_it),
        cmocka_unit_test(test_a_range_of_another_version_is_of_no_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
