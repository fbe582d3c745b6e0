/* range: "bytes=0-99", "bytes=100-", "bytes=-100". */
#include "api/range.h"
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { DIGITS_MAX = 18 };

/* The number at *at and behind it; -1: none there. */
static int64_t take_number(const char **at)
{
    size_t digits = strspn(*at, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX)
        return -1;
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + ((*at)[i] - '0');
    *at += digits;
    return value;
}

enum range_answer range_read(const char *header, int64_t total, int64_t *first_out, int64_t *last_out)
{
    static const char unit[] = "bytes=";
    if (!header || strncasecmp(header, unit, sizeof unit - 1) != 0)
        return RANGE_WHOLE;
    const char *at = header + sizeof unit - 1;
    int64_t     first = take_number(&at);
    if (*at++ != '-')
        return RANGE_WHOLE;
    int64_t last = take_number(&at);
    if (*at != '\0' || (first < 0 && last < 0) || (first >= 0 && last >= 0 && last < first))
        return RANGE_WHOLE; /* none that we know: as if it had not been sent */
    if (first < 0) { /* the last so many */
        if (last == 0)
            return RANGE_NONE;
        first = last < total ? total - last : 0;
        last = total - 1;
    }
    if (first >= total)
        return RANGE_NONE;
    *first_out = first;
    *last_out = last < 0 || last >= total ? total - 1 : last;
    return RANGE_PART;
}

bool range_is_of(const char *if_range, const char *etag)
{
    return !if_range || strcmp(if_range, etag) == 0;
}
