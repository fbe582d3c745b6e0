/* route: the rules of telling. */
#include "service/route.h"
#include <regex.h>
#include <string.h>
#include <strings.h>

enum { EXCEPT_TEXT_MAX = 4096 };

/* --- Except ------------------------------------------------------------------------------------------------- */

static void regex_done(regex_t **r)
{
    if (*r)
        regfree(*r);
    *r = NULL;
}

/* \d is what people write; POSIX has no such class. */
static int translate(const char *pattern, struct buf *out, struct err *e)
{
    if (strlen(pattern) > ROUTE_EXCEPT_MAX)
        return err_set(e, ERR_LIMIT, "longer than %d bytes", ROUTE_EXCEPT_MAX);
    for (const char *p = pattern; *p; p++) {
        bool is_escape = *p == '\\' && p[1] != '\0';
        if (is_escape && p[1] >= '1' && p[1] <= '9')
            return err_set(e, ERR_INPUT, "back references are not supported");
        if (is_escape && p[1] == 'd')
            buf_puts(out, "[0-9]");
        else
            buf_put(out, p, is_escape ? 2 : 1);
        p += is_escape;
    }
    return out->failed ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

static int compile(const char *pattern, regex_t *out, struct err *e)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, ROUTE_EXCEPT_MAX * (size_t)5);
    if (translate(pattern, &text, e) < 0)
        return -1;
    int code = regcomp(out, buf_str(&text), REG_EXTENDED | REG_NOSUB);
    if (code == 0)
        return 0;
    char why[100];
    (void)regerror(code, out, why, sizeof why);
    return err_set(e, ERR_INPUT, "%s", why);
}

int route_check_except(const char *pattern, struct err *e)
{
    regex_t compiled;
    if (compile(pattern, &compiled, e) < 0)
        return -1;
    regfree(&compiled);
    return 0;
}

/* Compiled at each use: routes with Except are few, and so nothing has to be freed with the settings. */
static bool is_excepted(const struct route *r, const struct event *ev)
{
    if (!r->except || !ev->text)
        return false;
    regex_t compiled;
    if (compile(r->except, &compiled, NULL) < 0)
        return false;
    CLEANUP(regex_done) regex_t *owned = &compiled;
    char                         text[EXCEPT_TEXT_MAX + 1];
    size_t                       n = strnlen(ev->text, EXCEPT_TEXT_MAX);
    memcpy(text, ev->text, n);
    text[n] = '\0';
    return regexec(owned, text, 0, NULL, 0) == 0;
}

/* --- which routes apply ------------------------------------------------------------------------------------- */

static bool is_of_kind(const struct route *r, const struct event *ev)
{
    for (size_t i = 0; i < r->kind_count; i++)
        if (kind_matches(r->kinds[i], ev->kind))
            return true;
    return r->kind_count == 0;
}

/* "*" at the end fits any rest; names compare without regard to case. */
static bool name_matches(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);
    if (n > 0 && pattern[n - 1] == '*')
        return strncasecmp(pattern, name, n - 1) == 0;
    return strcasecmp(pattern, name) == 0;
}

static bool is_of_device(const struct route *r, const struct event *ev)
{
    for (size_t i = 0; i < r->device_count; i++)
        if (name_matches(r->devices[i], ev->device_id) || name_matches(r->devices[i], ev->device_name))
            return true;
    return r->device_count == 0;
}

static bool is_mailed_to(const struct route *r, const struct envelope *env)
{
    for (size_t i = 0; i < r->to_count; i++)
        if (env && envelope_is_for(env, r->to[i]))
            return true;
    return r->to_count == 0;
}

static bool applies(const struct route *r, const struct event *ev, const struct envelope *env)
{
    return ev->severity >= r->min_severity && is_of_kind(r, ev) && is_of_device(r, ev) && is_mailed_to(r, env) && !is_excepted(r, ev);
}

/* --- who ---------------------------------------------------------------------------------------------------- */

struct tellings {
    struct told *items;
    size_t       count;
};

static void tell(struct tellings *t, const struct recipient *who, const char *title, int priority)
{
    size_t i = 0;
    while (i < t->count && t->items[i].recipient != who)
        i++;
    if (i == ROUTE_TOLD_MAX)
        return;
    if (i == t->count)
        t->items[t->count++] = (struct told){ .recipient = who, .priority = -1 };
    if (!t->items[i].title)
        t->items[i].title = title;
    if (t->items[i].priority < 0)
        t->items[i].priority = priority;
}

static void tell_everybody(const struct people *p, struct tellings *t)
{
    for (size_t i = 0; i < p->recipient_count; i++)
        tell(t, &p->recipients[i], NULL, -1);
}

/* Not by "*", which fits them all. */
static bool names_device(const struct route *r, const struct event *ev)
{
    for (size_t i = 0; i < r->device_count; i++)
        if (strcmp(r->devices[i], "*") != 0 &&
            (name_matches(r->devices[i], ev->device_id) || name_matches(r->devices[i], ev->device_name)))
            return true;
    return false;
}

enum routes { USUAL_ROUTES, OTHERWISE_ROUTES, ROUTES_OF_DEVICE };

static bool is_among(const struct route *r, const struct event *ev, enum routes which)
{
    if (which == ROUTES_OF_DEVICE)
        return !r->is_otherwise && names_device(r, ev);
    return r->is_otherwise == (which == OTHERWISE_ROUTES);
}

static bool tell_by_routes(const struct people *p, const struct event *ev, const struct envelope *env, enum routes which,
                           struct tellings *t)
{
    bool has_applied = false;
    for (size_t i = 0; i < p->route_count; i++) {
        const struct route *r = &p->routes[i];
        if (!is_among(r, ev, which) || !applies(r, ev, env))
            continue;
        has_applied = true;
        for (size_t k = 0; k < r->tell_count; k++)
            tell(t, r->tell[k], r->title, r->priority);
    }
    return has_applied;
}

/* The device's own recipients, where it names any and no route names it. false: the routes decide. */
static bool tell_by_device(const struct people *p, const struct event *ev, const struct envelope *env, struct tellings *t)
{
    size_t i = 0;
    while (i < p->device_tell_count && strcmp(p->device_tells[i].device, ev->device_id) != 0)
        i++;
    if (i == p->device_tell_count)
        return false;
    if (tell_by_routes(p, ev, env, ROUTES_OF_DEVICE, t))
        return true;
    for (size_t k = 0; k < p->device_tells[i].tell_count; k++)
        tell(t, p->device_tells[i].tell[k], NULL, -1);
    return true;
}

/* --- the same person through two accounts --------------------------------------------------------------------- */

static bool is_same_url(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    while (n > 0 && a[n - 1] == '/')
        n--;
    while (m > 0 && b[m - 1] == '/')
        m--;
    return n == m && strncmp(a, b, n) == 0;
}

/* Of two accounts of one provider: the same server and the same keys. */
static bool is_same_access(const struct account *a, const struct account *b)
{
    if (a->provider != b->provider)
        return false;
    for (size_t i = 0; i < ACCOUNT_FIELDS && a->provider->fields[i].name; i++) {
        const char *one = a->field[i] ? a->field[i] : "", *other = b->field[i] ? b->field[i] : "";
        bool        is_url = strcmp(a->provider->fields[i].name, "Url") == 0;
        if (is_url ? !is_same_url(one, other) : a->provider->fields[i].is_secret && strcmp(one, other) != 0)
            return false;
    }
    return true;
}

/* A phone number is one phone whoever carries the SMS; any other address is one within its account's access. */
static bool is_same_target(const struct way *a, const struct way *b)
{
    if (strcmp(a->address, b->address) != 0)
        return false;
    return a->account == b->account || (a->account->provider->is_sms && b->account->provider->is_sms) ||
           is_same_access(a->account, b->account);
}

static bool has_target(const struct recipient *who, const struct way *w)
{
    for (size_t i = 0; i < who->way_count; i++)
        if (is_same_target(&who->ways[i], w))
            return true;
    return false;
}

/* Whether who is told through kept whatever happens. Through one and the same account the outbox sees to it, and both have
 * their delivery. */
static bool is_covered(const struct recipient *who, const struct recipient *kept)
{
    if (who->way_count == 0 || kept->way_count == 0 || who->ways[0].account == kept->ways[0].account ||
        !is_same_target(&who->ways[0], &kept->ways[0]))
        return false;
    for (size_t i = 0; i < who->way_count; i++)
        if (!has_target(kept, &who->ways[i]))
            return false;
    return true;
}

/* An address that two accounts reach (a LupuServ block beside accounts of one's own) is told once. */
static void drop_doubles(struct tellings *t)
{
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = t->count; k-- > 0;) {
            if (k == i || !is_covered(t->items[k].recipient, t->items[i].recipient))
                continue;
            for (size_t n = k; n + 1 < t->count; n++)
                t->items[n] = t->items[n + 1];
            t->count--;
            i -= k < i;
        }
    }
}

static void tell_only(const struct people *p, const char *only, struct tellings *t)
{
    for (size_t i = 0; i < p->recipient_count; i++)
        if (strcmp(p->recipients[i].name, only) == 0)
            tell(t, &p->recipients[i], NULL, -1);
}

size_t route_everybody(const struct people *p, struct told told[ROUTE_TOLD_MAX])
{
    struct tellings t = { .items = told };
    tell_everybody(p, &t);
    drop_doubles(&t);
    return t.count;
}

size_t route_event(const struct people *p, const struct event *ev, const struct envelope *env, bool is_for_all, const char *only,
                   struct told told[ROUTE_TOLD_MAX])
{
    struct tellings t = { .items = told };
    if (only)
        tell_only(p, only, &t);
    else if (!tell_by_device(p, ev, env, &t) && !tell_by_routes(p, ev, env, USUAL_ROUTES, &t) &&
             !tell_by_routes(p, ev, env, OTHERWISE_ROUTES, &t) &&
             (ev->severity > SEVERITY_INFO || p->is_nobody_told || is_for_all))
        tell_everybody(p, &t);
    drop_doubles(&t);
    return t.count;
}

enum severity route_severity(const struct event *ev, const struct envelope *env, const char *alarm_user)
{
    bool is_unread = strcmp(ev->kind, "unknown") == 0 || strcmp(ev->kind, "unreadable") == 0;
    if (is_unread && alarm_user && alarm_user[0] && env && envelope_is_for(env, alarm_user))
        return SEVERITY_ALARM;
    return ev->severity;
}
