/* params: reading the query string; a wrong value is always an answer that names it. */
#include "api/params.h"
#include "core/clock.h"
#include "core/id.h"
#include "core/kind.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_USUAL = 50, TIME_TEXT = 64 };

static int wrong(const char *name, const char *value, const char *expected, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: \"%.60s\" is not %s", name, value, expected);
}

int param_number(const struct request *r, const char *name, int64_t min, int64_t max, int64_t *out, struct err *e)
{
    const char *text = http_query(r, name);
    if (!text)
        return 0;
    char *end = NULL;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    bool is_plain = *text >= '0' && *text <= '9' && *end == '\0';
    if (!is_plain || errno != 0 || v < min || v > max)
        return err_set(e, ERR_INPUT, "%s: \"%.40s\" is not a number from %lld to %lld", name, text, (long long)min, (long long)max);
    *out = v;
    return 0;
}

/* In a query "+" means a blank: 03:12:45+01:00 comes as "03:12:45 01:00" from whoever did not encode it. */
int param_time(const struct request *r, const char *name, int64_t *ms_out, struct err *e)
{
    const char *text = http_query(r, name);
    if (!text)
        return 0;
    char   copy[TIME_TEXT];
    size_t n = strlen(text);
    if (n < sizeof copy) {
        memcpy(copy, text, n + 1);
        char *plus = n > 6 && copy[n - 6] == ' ' ? &copy[n - 6] : NULL;
        if (plus)
            *plus = '+';
        if (clock_parse_rfc3339(copy, ms_out) == 0)
            return 0;
    }
    return wrong(name, text, "a time like 2026-11-21T03:12:45Z", e);
}

int param_kind(const struct request *r, const char *name, const char **out, struct err *e)
{
    const char *text = http_query(r, name);
    if (!text)
        return 0;
    for (unsigned i = 0; kind_at(i); i++)
        if (kind_matches(text, kind_at(i))) {
            *out = text;
            return 0;
        }
    return wrong(name, text, "a kind like alarm.tamper or alarm.*", e);
}

int param_severity(const struct request *r, const char *name, int *out, struct err *e)
{
    const char   *text = http_query(r, name);
    enum severity severity;
    if (!text)
        return 0;
    if (severity_parse(text, &severity) < 0)
        return wrong(name, text, "info, warning or alarm", e);
    *out = (int)severity;
    return 0;
}

int param_mark(const struct request *r, const char *name, enum mark *out, struct err *e)
{
    const char *text = http_query(r, name);
    if (!text)
        return 0;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return wrong(name, text, "true or false", e);
    *out = strcmp(text, "true") == 0 ? MARK_YES : MARK_NO;
    return 0;
}

int param_order(const struct request *r, const char *name, bool *is_ascending_out, struct err *e)
{
    const char *text = http_query(r, name);
    if (!text)
        return 0;
    if (strcmp(text, "asc") != 0 && strcmp(text, "desc") != 0)
        return wrong(name, text, "asc or desc", e);
    *is_ascending_out = strcmp(text, "asc") == 0;
    return 0;
}

int param_text(const struct request *r, const char *name, size_t max, const char **out, struct err *e)
{
    const char *text = http_query(r, name);
    if (!text)
        return 0;
    if (*text == '\0' || strlen(text) > max)
        return err_set(e, ERR_INPUT, "%s: from 1 to %zu bytes", name, max);
    *out = text;
    return 0;
}

int param_delivery_state(const struct request *r, const char *name, int *out, struct err *e)
{
    const char *text = http_query(r, name);
    if (!text)
        return 0;
    for (int s = DELIVERY_WAITING; s <= DELIVERY_FAILED; s++)
        if (strcmp(delivery_state_name((enum delivery_state)s), text) == 0) {
            *out = s;
            return 0;
        }
    return wrong(name, text, "waiting, sending, sent, unknown or failed", e);
}

int param_id(const struct request *r, const char *name, const char **out, struct err *e)
{
    const char *text = http_query(r, name);
    if (!text)
        return 0;
    if (!id_is_valid(text))
        return wrong(name, text, "an id", e);
    *out = text;
    return 0;
}

int param_page(const struct request *r, struct page *out, struct err *e)
{
    int64_t limit = PAGE_USUAL;
    *out = (struct page){ 0 };
    if (param_number(r, "limit", 1, QUERY_PAGE_MAX, &limit, e) < 0)
        return -1;
    if (param_number(r, "cursor", 1, INT64_MAX, &out->cursor, e) < 0)
        return err_set(e, ERR_INPUT, "cursor: only what \"next\" of the page before said");
    out->limit = (int)limit;
    return 0;
}
