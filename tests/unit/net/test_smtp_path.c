/* test_smtp_path: addresses and parameters as devices write them. */
#include "net/smtp_path.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_an_address_is_found_however_it_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *arg, *address, *parameters; /* address NULL: refused */
    } cases[] = {
        { "FROM:<a@b>", "a@b", "" },
        { "from:<a@b> SIZE=3 BODY=8BITMIME", "a@b", "SIZE=3 BODY=8BITMIME" },
        { "FROM: <a@b>", "a@b", "" },                        /* a blank behind the colon    */
        { "FROM :\t<  a@b  >  ", "a@b", "" },                /* … before it, and trailing ones */
        { "FROM:a@b", "a@b", "" },                           /* no brackets                 */
        { "FROM: a@b SIZE=3", "a@b", "SIZE=3" },
        { "FROM:a@b. ", "a@b", "" },                         /* a trailing dot              */
        { "FROM:<a@b.example.>", "a@b.example", "" },
        { "FROM:<a@b>.", "a@b", "." },
        { "FROM <a@b>", "a@b", "" },                         /* no colon                    */
        { "FROM<a@b>", "a@b", "" },
        { "FROM:<a@b", "a@b", "" },                          /* a bracket that stays open   */
        { "FROM:<'a@b'>", "a@b", "" },                       /* quotes inside               */
        { "FROM:<\"a@b\">", "a@b", "" },
        { "FROM:'a@b'", "a@b", "" },
        { "FROM:<\"a b\"@c>", "\"a b\"@c", "" },             /* a quoted local part stays   */
        { "FROM:<\"a>\\\"b\"@c> X", "\"a>\\\"b\"@c", "X" },
        { "FROM:<\"\">", "\"\"", "" },
        { "FROM:Cam 1 <a@b>", "a@b", "" },                   /* a name in front             */
        { "FROM:<@x,@y:a@b>", "a@b", "" },                   /* a source route              */
        { "FROM:<@x>", "@x", "" },
        { "FROM:<>", "", "" },                               /* the null sender             */
        { "FROM:<> AUTH=<>", "", "AUTH=<>" },
        { "FROM: ", "", "" },
        { "FROM:<a@[192.168.1.5]>", "a@[192.168.1.5]", "" }, /* address literals            */
        { "FROM:<a@192.168.1.5>", "a@192.168.1.5", "" },
        { "FROM:a@192.168.1.5", "a@192.168.1.5", "" },
        { "FROM:<a@[IPv6:fd00::1]>", "a@[IPv6:fd00::1]", "" },
        { "FROM:<postmaster>", "postmaster", "" },
        { "FROM:<stra\xc3\x9f" "e@b>", "stra\xc3\x9f" "e@b", "" },
        { "FROM:a@b AUTH=<c@d>", "a@b", "AUTH=<c@d>" },      /* a bracket of a parameter    */
        { "FROM:<.>", ".", "" },
        { "a@b", NULL, NULL },
        { "FROM", NULL, NULL },
        { "FROM a@b", NULL, NULL },
        { "TO:<a@b>", NULL, NULL },
        { "FROM:<a\x01@b>", NULL, NULL },
        { "FROM:<a\x7f@b>", NULL, NULL },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[128];
        struct smtp_path path = { 0 };
        (void)snprintf(line, sizeof line, "%s", cases[i].arg);
        int found = smtp_path_read(line, "FROM", &path);
        if (found != (cases[i].address ? 0 : -1) || (found == 0 && strcmp(path.address, cases[i].address) != 0))
            print_message("case: %s gave %s\n", cases[i].arg, found == 0 ? path.address : "nothing");
        assert_int_equal(found, cases[i].address ? 0 : -1);
        if (found < 0)
            continue;
        assert_string_equal(path.address, cases[i].address);
        assert_string_equal(path.parameters, cases[i].parameters);
    }
}

static int read_long(size_t n)
{
    char line[SMTP_PATH_MAX + 16];
    struct smtp_path path;
    (void)snprintf(line, sizeof line, "TO:<%0*d>", (int)n, 1);
    return smtp_path_read(line, "TO", &path);
}

static void test_an_address_has_a_ceiling(void **state)
{
    (void)state;
    assert_int_equal(read_long(SMTP_PATH_MAX), 0);
    assert_int_equal(read_long(SMTP_PATH_MAX + 1), -1);
}

static void test_parameters_come_one_by_one(void **state)
{
    (void)state;
    char line[] = "  SIZE=3\tSMTPUTF8  =x ENVID=a=b ";
    static const char *const expected[][2] = { { "SIZE", "3" }, { "SMTPUTF8", "" }, { "", "x" }, { "ENVID", "a=b" } };
    char *rest = line;
    const char *name, *value;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(smtp_parameter_next(&rest, &name, &value), 1);
        assert_string_equal(name, expected[i][0]);
        assert_string_equal(value, expected[i][1]);
    }
    assert_int_equal(smtp_parameter_next(&rest, &name, &value), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_found_however_it_is_written),
        cmocka_unit_test(test_an_address_has_a_ceiling),
        cmocka_unit_test(test_parameters_come_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
