/* retention_settings: first the kinds in their order, then the severities, then pictures. */
#include "service/retention_settings.h"
#include "core/kind.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = "Store:Retention:Kinds";

enum { ITEM_BYTES = 120 };

static bool is_kind(const char *pattern)
{
    for (unsigned i = 0; kind_at(i); i++)
        if (kind_matches(pattern, kind_at(i)))
            return true;
    return false;
}

/* "14/1000/0" as days, count and bytes; what is left out is 0. */
static bool read_bounds(const char *text, struct keep_rule *rule)
{
    int64_t values[3] = { 0 };
    for (size_t i = 0; i < COUNT(values); i++) {
        char *end = NULL;
        errno = 0;
        values[i] = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;
        if (values[i] < 0 || errno != 0 || (*end != '\0' && *end != '/'))
            return false;
        if (*end == '\0')
            break;
        if (i + 1 == COUNT(values))
            return false;
        text = end + 1;
    }
    rule->days = values[0] <= 36500 ? (int)values[0] : -1;
    rule->count = values[1];
    rule->bytes = values[2];
    return rule->days >= 0;
}

/* One "camera.*=14/1000"; false: it is none, and was said. */
static bool read_kind(char *item, struct keep_rule *rule, struct mistakes *m)
{
    char *equals = strchr(item, '=');
    if (equals)
        *equals = '\0';
    *rule = (struct keep_rule){ .what = KEEP_EVENTS, .severity = -1 };
    if (equals && is_kind(item) && strlen(item) < sizeof rule->kind && read_bounds(equals + 1, rule)) {
        (void)snprintf(rule->kind, sizeof rule->kind, "%s", item);
        return true;
    }
    if (m)
        mistake_add(m, path, "\"%s%s%s\" is not a kind and its bounds, like camera.*=14 or camera.motion=14/1000/500000000 (days/number/bytes)",
                    item, equals ? "=" : "", equals ? equals + 1 : "");
    return false;
}

static size_t read_kinds(const char *text, struct keep_rule *out, struct mistakes *m)
{
    size_t n = 0;
    while (text && *(text += strspn(text, ", \t\r\n"))) {
        char   item[ITEM_BYTES];
        size_t length = strcspn(text, ", \t\r\n");
        (void)snprintf(item, sizeof item, "%.*s", (int)(length < ITEM_BYTES ? length : ITEM_BYTES - 1), text);
        text += length;
        if (n < KEEP_KINDS_MAX)
            n += read_kind(item, &out[n], m);
        else if (m)
            mistake_add(m, path, "\"%s\": no more than %d kinds have bounds of their own", item, KEEP_KINDS_MAX);
    }
    return n;
}

static size_t add(struct keep_rule *out, const struct retention_bounds *b, int severity)
{
    *out = (struct keep_rule){ .what = severity < 0 ? KEEP_PICTURES : KEEP_EVENTS, .severity = severity, .days = (int)b->days, .count = b->count,
                               .bytes = b->bytes };
    return 1;
}

size_t retention_settings_rules(const struct retention_settings *r, struct keep_rule *out, struct mistakes *m)
{
    size_t n = read_kinds(r->kinds, out, m);
    for (int severity = SEVERITY_INFO; severity <= SEVERITY_ALARM; severity++)
        n += add(&out[n], &r->of_severity[severity], severity);
    return n + add(&out[n], &r->pictures, -1);
}
