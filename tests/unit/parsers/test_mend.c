/* Headers that devices break: mended in a copy of the same length, or left as they are. */
#include "core/attr.h"
#include "parsers/mend.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct row {
    const char *raw, *mended; /* NULL: nothing to mend */
} rows[] = {
    { "", NULL },
    { ";", NULL },
    { ";\n", NULL },
    { ";\nname=", NULL }, /* nothing behind it */
    { "a;\n name=x", NULL },
    { "a;\nnames=x", NULL },
    { "a\nname=x", NULL },
    { "a;\nname=x", "a; name=x" },
    { "a; \r\nName=x;\nCHARSET=y", "a;   Name=x; CHARSET=y" },
    { "a;\r\n\r\nboundary=x", NULL }, /* the body begins between */
    { "a;b;\nfilename=\"c\";", "a;b; filename=\"c\";" },
};

static void a_parameter_on_its_own_line_is_joined_to_the_line_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = strlen(rows[i].raw);
        char  *exact = malloc(n ? n : 1); /* without a NUL: the sanitizer sees a step too far */
        assert_non_null(exact);
        memcpy(exact, rows[i].raw, n);
        char *mended = mend_copy(exact, n);
        if ((mended != NULL) != (rows[i].mended != NULL))
            fail_msg("row %zu: %s", i, rows[i].raw);
        if (mended) {
            assert_int_equal(strlen(rows[i].mended), n);
            assert_memory_equal(mended, rows[i].mended, n);
            assert_memory_equal(exact, rows[i].raw, n);
        }
        free(mended);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_parameter_on_its_own_line_is_joined_to_the_line_before) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
