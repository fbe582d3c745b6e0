/* test_pattern: what owners write as regular expressions, and that no such thing can hold a mail up. */
#include "core/attr.h"
#include "parsers/pattern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/* A release build on this machine needs 40 ms and a little; sanitizers make the steps between two looks at the clock longer. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LONGEST_MS = 100 };
#else
enum { LONGEST_MS = 50 };
#endif
enum { BUDGET_MS = 40 };

static struct pattern *compile(const char *text)
{
    struct pattern *p = NULL;
    struct err      e;
    if (pattern_compile(text, &p, &e) < 0)
        fail_msg("%s: %s", text, e.text);
    return p;
}

static enum pattern_result match(const char *text, const char *subject, size_t n, struct pattern_hit *hit)
{
    struct pattern       *p = compile(text);
    struct pattern_budget budget = { .left_ns = (int64_t)BUDGET_MS * 1000000 };
    enum pattern_result   r = pattern_match(p, subject, n, &budget, hit);
    pattern_free(&p);
    assert_null(p);
    return r;
}

static void named_groups_come_out_as_bytes(void **state)
{
    (void)state;
    const char           *subject = "x K\xC3\xBC" "che 12";
    struct pattern       *p = compile("(?<name>\\w+) (?<zone>\\d+)(?<none>!)?$");
    struct pattern_budget budget = { .left_ns = 1000000000 };
    struct pattern_hit    hit;
    assert_int_equal(pattern_match(p, subject, strlen(subject), &budget, &hit), PATTERN_HITS);
    assert_int_equal(hit.count, 2);
    assert_string_equal(hit.groups[0].name, "name");
    assert_memory_equal(subject + hit.groups[0].from, "K\xC3\xBC" "che", 6);
    assert_int_equal(hit.groups[1].to - hit.groups[1].from, 2);
    assert_int_equal(pattern_match(p, "x", 1, &budget, &hit), PATTERN_MISSES);
    pattern_free(&p);
}

static void a_name_in_two_branches_is_the_one_that_took_part(void **state)
{
    (void)state;
    struct pattern_hit hit;
    assert_int_equal(match("(?J)A(?<zone>\\d)|B(?<zone>\\d)", "B7", 2, &hit), PATTERN_HITS);
    assert_int_equal(hit.count, 1);
    assert_int_equal(hit.groups[0].from, 1);
}

static void what_is_no_pattern_is_refused_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {
        { "(a", "at byte 2" }, { "a)", "at byte 1" }, { "[a", "at byte" }, { "(?<1>a)", "at byte" }, { "a{2,1}", "at byte" },
        { "\\", "at byte" },   { "(?<a>b)(?<a>c)", "at byte" }, { "\\C", "at byte" }, { "\xFF", "at byte" }, { "(?<=a+)b", "at byte" },
        { "((((a{1,999}){1,999}){1,999}){1,999})", "at byte" },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct pattern *p = NULL;
        struct err      e = { .code = ERR_NONE, .text = "" };
        if (pattern_compile(wrong[i].text, &p, &e) == 0)
            fail_msg("%s is taken", wrong[i].text);
        assert_int_equal(e.code, ERR_INPUT);
        if (!strstr(e.text, wrong[i].says))
            fail_msg("%s: %s", wrong[i].text, e.text);
        assert_null(p);
    }
}

static void ceilings_hold(void **state)
{
    (void)state;
    char            text[PATTERN_BYTES_MAX + 2];
    struct pattern *p = NULL;
    struct err      e;
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(pattern_compile(text, &p, &e), -1);
    text[sizeof text - 2] = '\0';
    assert_int_equal(pattern_compile(text, &p, &e), 0);
    pattern_free(&p);
    size_t n = 0;
    for (int i = 0; i <= PATTERN_GROUPS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "(?<g%d>a)", i);
    assert_int_equal(pattern_compile(text, &p, &e), -1);
    assert_non_null(strstr(e.text, "named groups"));
}

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Nested repeats, backreferences, walks over the whole subject from every place, recursion. */
static const char *const runaways[] = {
    "(a+)+$", "(a*)*b", "(a|aa)+$", "(a|a)*$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "([a-z]+\\s?)*!$", "(a+)(\\1)+b", "(.*)\\1\\1b",
    "(a+)\\1\\1\\1!", "[a-z]+\\d", "\\w+@", "(?:a?){200}a{200}b", "(.*)(.*)(.*)(.*)(.*)(.*)x{3}q", "(?<n>a|(?&n)(?&n))+b", "((a+)b?)+c",
    "(?=(a+)+$)b", "(?:(?=a)a+)+b", "a*a*a*a*a*a*b", "(\\w+)*\\d{3}", ".*.*=.*", "(?s).*?.*?.*?.*?zz", "(?:\\p{L}+(?:\\b)?)+\\d", "^(?:.?){500}b",
    "(?R)?a(?R)?b", "(a(?R)?)+c", "(?i)(\xC3\xA4|A|a)+\xC3\xB6", "(?:a|b|ab)*c", "(?<!b)a+(?<!a)$",
};

static void no_pattern_takes_longer_than_it_may(void **state)
{
    (void)state;
    enum { SUBJECT = 64 * 1024 };
    static char        subject[SUBJECT + 1];
    static const char *const ends[] = { "!", "a", "1", "\xC3\xA4" };
    double             longest = 0;
    for (size_t i = 0; i < COUNT(runaways); i++)
        for (size_t end = 0; end < COUNT(ends); end++)
            for (size_t n = 16; n <= SUBJECT; n *= 16) {
                memset(subject, 'a', n);
                memcpy(subject + n - strlen(ends[end]), ends[end], strlen(ends[end]));
                struct pattern_hit hit;
                double             before = now_ms();
                (void)match(runaways[i], subject, n, &hit);
                double took = now_ms() - before;
                longest = took > longest ? took : longest;
                if (took > (double)LONGEST_MS)
                    fail_msg("%s with %zu bytes: %.1f ms", runaways[i], n, took);
            }
    print_message("longest %.1f ms\n", longest);
}

static void a_runaway_gives_up_and_a_spent_budget_stays_spent(void **state)
{
    (void)state;
    struct pattern_hit hit;
    char               subject[61];
    memset(subject, 'a', 60);
    subject[59] = '!';
    assert_int_equal(match("(a+)+$", subject, 60, &hit), PATTERN_GIVES_UP);
    struct pattern       *p = compile("a");
    struct pattern_budget budget = { .left_ns = 0 };
    assert_int_equal(pattern_match(p, "a", 1, &budget, &hit), PATTERN_GIVES_UP);
    pattern_free(&p);
}

static void of_a_long_subject_the_beginning_is_looked_at(void **state)
{
    (void)state;
    static char        subject[PATTERN_SUBJECT_MAX + 8];
    struct pattern_hit hit;
    memset(subject, '.', sizeof subject);
    memcpy(subject + PATTERN_SUBJECT_MAX - 4, "gate", 4);
    assert_int_equal(match("gate", subject, sizeof subject, &hit), PATTERN_HITS);
    assert_int_equal(match("gate$", subject, sizeof subject, &hit), PATTERN_MISSES);
    memcpy(subject + PATTERN_SUBJECT_MAX - 4, "....gate", 8);
    assert_int_equal(match("gate", subject, sizeof subject, &hit), PATTERN_MISSES);
}

static void bytes_that_are_no_utf8_do_not_fit(void **state)
{
    (void)state;
    struct pattern_hit hit;
    assert_int_equal(match("a", "a\xFF", 2, &hit), PATTERN_MISSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_groups_come_out_as_bytes),
        cmocka_unit_test(a_name_in_two_branches_is_the_one_that_took_part),
        cmocka_unit_test(what_is_no_pattern_is_refused_with_the_place),
        cmocka_unit_test(ceilings_hold),
        cmocka_unit_test(no_pattern_takes_longer_than_it_may),
        cmocka_unit_test(a_runaway_gives_up_and_a_spent_budget_stays_spent),
        cmocka_unit_test(of_a_long_subject_the_beginning_is_looked_at),
        cmocka_unit_test(bytes_that_are_no_utf8_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
