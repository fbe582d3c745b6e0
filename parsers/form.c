/* form: a glob with digits and one capture. */
#include "parsers/form.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
}

/* %N and %*: as little as lets the rest fit. No form has more than three of them, so the recursion is as deep. */
static bool fits_some(const char *rest, const char *at, const char *end, bool is_name, struct form_name *name)
{
    const char *from = at;
    for (;; at++) {
        if (form_fits(rest, at, (size_t)(end - at), name)) {
            if (is_name)
                *name = (struct form_name){ from, (size_t)(at - from) };
            return true;
        }
        if (at == end || (is_name && at - from == FORM_NAME_MAX))
            return false;
    }
}

bool form_fits(const char *form, const char *text, size_t n, struct form_name *name_out)
{
    const char *end = text + n;
    for (; *form; form++) {
        if (form[0] == '%' && form[1] == '*' && !form[2])
            return true;
        if (form[0] == '%' && (form[1] == '*' || form[1] == 'N'))
            return fits_some(form + 2, text, end, form[1] == 'N', name_out);
        bool is_digits = form[0] == '%' && form[1] == 'n';
        if (text == end || ((is_digits || *form == '#') ? !is_digit(*text) : lower(*form) != lower(*text)))
            return false;
        text++;
        if (!is_digits)
            continue;
        while (text < end && is_digit(*text))
            text++;
        form++;
    }
    return text == end;
}
