/* axis: texts are the owner's own, so its mails are known by what the maker fixes: the serial number (its MAC address), the word
 * AXIS, the default name of a picture. Facts: docs/devices/axis.md, samples: tests/data/axis/. */
#include "parsers/form.h"
#include "parsers/lexicon.h"
#include <string.h>

/* The first six digits of every serial number: the maker's MAC addresses. */
static const char *const makers_digits[] = { "00408C", "ACCC8E", "B8A44F", "E82725" };
enum { SERIAL_DIGITS = 12 };

static bool has_serial(const char *text)
{
    for (size_t i = 0; i < COUNT(makers_digits); i++)
        for (const char *at = text; (at = strcasestr(at, makers_digits[i])); at++)
            if (strspn(at, "0123456789abcdefABCDEF") == SERIAL_DIGITS)
                return true;
    return false;
}

/* image%y-%m-%d_%H-%M-%S-%f_#s.jpg is the default. */
static bool has_axis_file(const struct mail *m)
{
    struct form_name none;
    for (size_t i = 0; i < m->media_count; i++)
        if (has_serial(m->media[i].name) || form_fits("image##-##-##_##-##-##-%n_%*", m->media[i].name, strlen(m->media[i].name), &none))
            return true;
    return false;
}

static int score(const struct mail *m)
{
    char folded[LEXICON_FOLDED];
    if (has_axis_file(m) || has_serial(m->subject) || has_serial(m->text))
        return 75;
    lexicon_fold(m, folded);
    return strstr(folded, " axis ") && (lexicon_has_picture(m) || lexicon_is_sure(folded)) ? 65 : 0;
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    char        folded[LEXICON_FOLDED];
    struct when when;
    lexicon_fold(m, folded);
    struct event *ev = lexicon_event(m, NULL, folded, out, e);
    if (!ev)
        return -1;
    bool is_told = when_find(m->text, WHEN_DAY_FIRST, &when) || when_find(m->subject, WHEN_DAY_FIRST, &when) || lexicon_picture_time(m, &when);
    if (is_told && when_tell(ev, m, &when, out->arena) < 0)
        return err_set(e, ERR_NOMEM, "no room for the time");
    return 0;
}

const struct parser parser_axis = { "axis", score, parse };
