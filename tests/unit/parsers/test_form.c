/* Names written after a maker's template: what fits, what is the camera's name, and that nothing is read beyond the end. */
#include "core/attr.h"
#include "parsers/form.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct row {
    const char *form, *text;
    const char *name; /* NULL: it does not fit */
} rows[] = {
    { "", "", "" }, { "", "a", NULL }, { "a", "", NULL }, { "Abc", "aBC", "" }, { "abc", "abcd", NULL }, { "#", "7", "" }, { "#", "77", NULL },
    { "#", "x", NULL }, { "%n", "20210911", "" }, { "%n", "", NULL }, { "%n-", "12-", "" }, { "%n-", "-", NULL }, { "%*", "", "" }, { "%*", "anything", "" },
    { "a%*b", "ab", "" }, { "a%*b", "a b b", "" }, { "a%*b", "a b c", NULL }, { "%N.%*", "Tor.jpg", "Tor" }, { "%N.%*", ".jpg", "" }, { "%N.%*", "Tor", NULL },
    { "%N_####.%*", "Hof_links_2021.jpg", "Hof_links" }, { "%N_####.%*", "Hof_20211.jpg", NULL },
    { "%N_##############_%n_trg.%*", "Hof_20211107180655_4_trg.jpg", "Hof" }, { "%N_##############_%n_trg.%*", "Hof_20211107180655_4_pre.jpg", NULL },
    { "%*Camera [%N]%*", "x Camera [Tor] y", "Tor" }, { "%*Camera [%N]%*", "Camera [] Camera [b]", "" }, { "%*Camera [%N]%*", "Camera [", NULL },
    { "%*:#################", "Alarm:20210911184030123", "" }, { "%*:#################", "Alarm:2021091118403012", NULL },
};

static void a_text_fits_its_form_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct form_name name = { NULL, 0 };
        size_t           n = strlen(rows[i].text);
        char            *exact = malloc(n ? n : 1); /* without a NUL: the sanitizer sees a step too far */
        assert_non_null(exact);
        memcpy(exact, rows[i].text, n);
        bool fits = form_fits(rows[i].form, exact, n, &name);
        if (fits != (rows[i].name != NULL))
            fail_msg("%s on %s", rows[i].form, rows[i].text);
        if (fits && (name.n != strlen(rows[i].name) || (name.n > 0 && memcmp(name.s, rows[i].name, name.n) != 0)))
            fail_msg("%s on %s: another name", rows[i].form, rows[i].text);
        free(exact);
    }
}

static void a_name_has_its_ceiling(void **state)
{
    (void)state;
    char             text[FORM_NAME_MAX + 2];
    struct form_name name;
    memset(text, 'a', sizeof text);
    text[FORM_NAME_MAX + 1] = '.';
    assert_false(form_fits("%N.", text, sizeof text, &name));
    assert_true(form_fits("%N.", text + 1, sizeof text - 1, &name));
    assert_int_equal(name.n, FORM_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_fits_its_form_or_not),
        cmocka_unit_test(a_name_has_its_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
