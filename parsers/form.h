/* form: names that makers write after a template, as their manuals show it: "%N_##############_%n_trg.%*". */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* What stood for %N; n is 0 where there was none. Borrowed from the text. */
struct form_name {
    const char *s;
    size_t      n;
};
enum { FORM_NAME_MAX = 100 };

/* Whether the n bytes at text are of this form: '#' is one digit, %n one or more, %N a name of at most FORM_NAME_MAX bytes
 * (the shortest that fits), %* anything; letters without regard to case. */
bool form_fits(const char *form, const char *text, size_t n, struct form_name *name_out);
