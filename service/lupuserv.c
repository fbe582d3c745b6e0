/* lupuserv: a tree becomes a larger tree. Mails to AlarmUser go by SMS to all Recipients and to Gotify's Alarm channel; to
 * StatusUser to the Status channel, and by SMS if critical; all others to the System channel, or where that is not set by SMS, folded to
 * one an hour. Source: the LupuServ sources and example files named in docs/devices/lupusec.md. */
#include "service/lupuserv.h"
#include "providers/phone.h"
#include <string.h>
#include <strings.h>

static const char *const known[] = {
    "Service:Port", "Service:Gateway", "Service:From", "Service:Recipients", "Service:StatusUser", "Service:AlarmUser",
    "Service:DatabaseName", "Service:CM:ApiKey", "Service:CM:Url", "Service:ClickSend:Username", "Service:ClickSend:Token",
    "Service:ClickSend:Url", "Service:CentralStation:Address", "Service:CentralStation:Username", "Service:CentralStation:Password",
    "Service:Gotify:Url", "ConnectionStrings:Events",
};
static const char *const channel_keys[] = { "Url", "AppToken", "Title", "Priority", "IsEnabled", "ExclusionPattern" };
static const char *const channels[] = { "Status", "Alarm", "System", "Sensors" };

bool lupuserv_knows(const char *path)
{
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcasecmp(known[i], path) == 0)
            return true;
    if (strncasecmp(path, "Service:Gotify:", 15) != 0)
        return false;
    const char *rest = path + 15, *colon = strchr(rest, ':');
    for (size_t c = 0; colon && c < COUNT(channels); c++)
        for (size_t k = 0; k < COUNT(channel_keys); k++)
            if (strlen(channels[c]) == (size_t)(colon - rest) && strncasecmp(rest, channels[c], (size_t)(colon - rest)) == 0 &&
                strcasecmp(colon + 1, channel_keys[k]) == 0)
                return true;
    return false;
}

bool lupuserv_is_used(const struct conf *root)
{
    return conf_at(root, "Service:Gateway") || conf_at(root, "Service:Recipients") || conf_at(root, "Service:Gotify") ||
           conf_at(root, "Service:ClickSend") || conf_at(root, "Service:CM");
}

/* What is being built; `is_full` is asked once at the end. */
struct work {
    struct conf     *root;
    struct arena    *arena;
    struct mistakes *mistakes;
    bool             is_full;
    bool             has_sms, has_channel[COUNT(channels)];
};

/* The child of this name, made if it is not there. A value never changes: what the owner wrote himself wins. */
static struct conf *put(struct work *w, struct conf *parent, const char *key, const char *text)
{
    struct conf *c = parent ? conf_child(parent, key, w->arena) : NULL;
    if (!c) {
        w->is_full = true;
        return NULL;
    }
    if (text && c->type == CONF_NULL) {
        c->type = CONF_TEXT;
        c->text = text;
        c->source = "Service";
    }
    if (!text && c->type == CONF_NULL)
        c->type = CONF_BLOCK;
    return c;
}

static struct conf *put_list(struct work *w, struct conf *parent, const char *key)
{
    struct conf *c = put(w, parent, key, NULL);
    if (c && !c->first)
        c->type = CONF_LIST;
    return c;
}

static void push(struct work *w, struct conf *list, const char *text)
{
    size_t n = 0;
    for (const struct conf *c = list ? list->first : NULL; c; c = c->next)
        n++;
    const char *index = arena_printf(w->arena, "%zu", n);
    if (!index)
        w->is_full = true;
    else
        (void)put(w, list, index, text);
}

/* The setting's text; NULL where it is absent, empty or still a placeholder (a mistake). */
static const char *need(struct work *w, const char *path)
{
    const char *text = conf_text(conf_at(w->root, path), NULL);
    if (text && conf_is_placeholder(text))
        mistake_add(w->mistakes, path, "still a placeholder: %s", text);
    else if (!text || !*text)
        mistake_add(w->mistakes, path, "missing");
    else
        return text;
    return NULL;
}

/* --- SMS ------------------------------------------------------------------------------------------------------- */

static const struct gateway {
    const char *name, *provider;
    struct {
        const char *from, *to;
    } fields[3];
} gateways[] = {
    { "ClickSend", "clicksend", { { "Service:ClickSend:Username", "Username" }, { "Service:ClickSend:Token", "Token" } } },
    { "CM", "cm", { { "Service:CM:ApiKey", "ApiKey" } } },
};

static const struct gateway *find_gateway(struct work *w)
{
    const char *name = conf_text(conf_at(w->root, "Service:Gateway"), "CM"); /* LupuServ's first gateway is its default */
    for (size_t i = 0; i < COUNT(gateways); i++)
        if (strcasecmp(gateways[i].name, name) == 0)
            return &gateways[i];
    mistake_add(w->mistakes, "Service:Gateway", "\"%s\" is neither CM nor ClickSend", name);
    return NULL;
}

/* The sender that the SMS shall have. LupuServ never sent it to ClickSend as one, so an old file may hold what no service takes:
 * then ClickSend uses a number of its own, and CM, which needs a sender, LupuServ's default. NULL: none. */
static const char *sender(struct work *w, const struct gateway *g)
{
    const char *from = conf_text(conf_at(w->root, "Service:From"), "Lupusec");
    const char *instead = strcmp(g->provider, "clicksend") == 0 ? NULL : "Lupusec";
    struct err  e;
    if (!*from)
        return instead;
    if (!conf_is_placeholder(from) && phone_check_sender(from, &e) == 0)
        return from;
    mistake_add(w->mistakes, "Service:From", "%s; SMS go out %s%s", conf_is_placeholder(from) ? "still a placeholder" : e.text,
                instead ? "as " : "without it", instead ? instead : "");
    return instead;
}

static struct conf *put_sms_account(struct work *w, const struct gateway *g, const char *name, const char *from)
{
    struct conf *account = put(w, put(w, w->root, "Accounts", NULL), name, NULL);
    (void)put(w, account, "Provider", g->provider);
    if (from)
        (void)put(w, account, "From", from);
    for (size_t i = 0; i < COUNT(g->fields) && g->fields[i].from; i++)
        (void)put(w, account, g->fields[i].to, conf_text(conf_at(w->root, g->fields[i].from), ""));
    const char *url_path = arena_printf(w->arena, "Service:%s:Url", g->name);
    const char *url = url_path ? conf_text(conf_at(w->root, url_path), NULL) : NULL;
    if (url)
        (void)put(w, account, "Url", url);
    return account;
}

static bool is_listed(const struct conf *list, const char *text)
{
    for (const struct conf *c = list ? list->first : NULL; c; c = c->next)
        if (strcmp(conf_text(c, ""), text) == 0)
            return true;
    return false;
}

/* A number that is there twice (+49… and 0049…) is one recipient. */
static void put_sms_recipient(struct work *w, const char *name, const char *account, const char *number)
{
    const char  *way = arena_printf(w->arena, "%s:%s", account, number);
    struct conf *list = put_list(w, put(w, w->root, "Recipients", NULL), name);
    if (!way || !is_listed(list, way))
        push(w, list, way);
}

/* The first number from c on that can be called; NULL: no more. */
static const struct conf *number_at(const struct conf *c)
{
    while (c && (conf_is_placeholder(conf_text(c, "")) || phone_check(conf_text(c, ""), NULL) < 0))
        c = c->next;
    return c;
}

static const struct conf *first_number(const struct work *w)
{
    const struct conf *list = conf_at(w->root, "Service:Recipients");
    return list ? number_at(list->first) : NULL;
}

static void say_bad_numbers(struct work *w)
{
    const struct conf *list = conf_at(w->root, "Service:Recipients");
    for (const struct conf *c = list ? list->first : NULL; c; c = c->next) {
        struct err e;
        if (conf_is_placeholder(conf_text(c, "")))
            mistake_add(w->mistakes, c->path, "still a placeholder: %s", c->text);
        else if (phone_check(conf_text(c, ""), &e) < 0)
            mistake_add(w->mistakes, c->path, "%s", e.text);
    }
}

static void translate_sms(struct work *w)
{
    const struct conf    *list = conf_at(w->root, "Service:Recipients");
    const struct gateway *g = list && list->first ? find_gateway(w) : NULL;
    if (!g)
        return;
    say_bad_numbers(w);
    w->has_sms = first_number(w) != NULL;
    for (size_t i = 0; i < COUNT(g->fields) && g->fields[i].from; i++)
        w->has_sms = need(w, g->fields[i].from) && w->has_sms;
    if (!w->has_sms)
        return;
    const char *from = sender(w, g);
    (void)put_sms_account(w, g, "lupuserv-sms", from);
    struct conf *hourly = put_sms_account(w, g, "lupuserv-sms-hourly", from);
    (void)put(w, hourly, "Rate", "0.01667");
    (void)put(w, hourly, "Burst", "1");
    for (const struct conf *c = first_number(w); c; c = number_at(c->next)) {
        const char *number = phone_canonical(c->text, w->arena);
        put_sms_recipient(w, number, "lupuserv-sms", number);
        put_sms_recipient(w, arena_printf(w->arena, "%s hourly", number), "lupuserv-sms-hourly", number);
    }
}

/* --- Gotify ---------------------------------------------------------------------------------------------------- */

static const char *channel_text(struct work *w, const char *channel, const char *key)
{
    const char *path = arena_printf(w->arena, "Service:Gotify:%s:%s", channel, key);
    return path ? conf_text(conf_at(w->root, path), NULL) : NULL;
}

static bool is_channel_usable(struct work *w, const char *channel, const char *url, const char *token)
{
    const char *enabled = channel_text(w, channel, "IsEnabled");
    if (enabled && strcasecmp(enabled, "true") != 0)
        return false;
    const char *path = arena_printf(w->arena, "Service:Gotify:%s", channel);
    if (!path || !conf_at(w->root, path))
        return false;
    if (!url || !token)
        mistake_add(w->mistakes, path, "%s is missing", url ? "AppToken" : "Url");
    else if (conf_is_placeholder(token))
        mistake_add(w->mistakes, path, "AppToken is still a placeholder: %s", token);
    else if (strchr(url, '<'))
        mistake_add(w->mistakes, path, "Url is still a placeholder: %s", url);
    else
        return true;
    return false;
}

static const char *channel_name(struct work *w, const char *channel)
{
    return arena_printf(w->arena, "lupuserv-gotify-%s", channel);
}

static void translate_channels(struct work *w)
{
    const char *shared_url = conf_text(conf_at(w->root, "Service:Gotify:Url"), NULL);
    for (size_t i = 0; i < COUNT(channels); i++) {
        const char *own_url = channel_text(w, channels[i], "Url"), *token = channel_text(w, channels[i], "AppToken");
        const char *url = own_url && *own_url ? own_url : shared_url;
        w->has_channel[i] = is_channel_usable(w, channels[i], url, token);
        const char *name = channel_name(w, channels[i]);
        if (!w->has_channel[i] || !name)
            continue;
        struct conf *account = put(w, put(w, w->root, "Accounts", NULL), name, NULL);
        (void)put(w, account, "Provider", "gotify");
        (void)put(w, account, "Url", url);
        (void)put(w, account, "AppToken", token);
        (void)put(w, account, "Style", "original");
        push(w, put_list(w, put(w, w->root, "Recipients", NULL), name), arena_printf(w->arena, "%s:", name));
    }
}

/* --- routes ---------------------------------------------------------------------------------------------------- */

static struct conf *new_route(struct work *w)
{
    struct conf *routes = put_list(w, w->root, "Routes");
    size_t       n = 0;
    for (const struct conf *c = routes ? routes->first : NULL; c; c = c->next)
        n++;
    const char *index = arena_printf(w->arena, "%zu", n);
    return index ? put(w, routes, index, NULL) : NULL;
}

static void tell_numbers(struct work *w, struct conf *route, const char *suffix)
{
    struct conf *tell = put_list(w, route, "Tell");
    for (const struct conf *c = first_number(w); c; c = number_at(c->next)) {
        const char *name = arena_printf(w->arena, "%s%s", phone_canonical(c->text, w->arena), suffix);
        if (!name || !is_listed(tell, name))
            push(w, tell, name);
    }
}

/* Recipients of one's own that no Routes of one's own name hear alarms and warnings, as they would without LupuServ's block. */
static void keep_own_recipients(struct work *w)
{
    const struct conf *own = conf_at(w->root, "Recipients");
    if (!own || !own->first || conf_at(w->root, "Routes"))
        return;
    struct conf *route = new_route(w);
    (void)put(w, route, "MinSeverity", "warning");
    struct conf *tell = put_list(w, route, "Tell");
    for (const struct conf *c = own->first; c; c = c->next)
        push(w, tell, c->key);
}

/* A route to a Gotify channel, with what the channel's block says about title, priority and exceptions. */
static struct conf *route_to_channel(struct work *w, const char *channel)
{
    struct conf *route = new_route(w);
    const char  *title = channel_text(w, channel, "Title"), *except = channel_text(w, channel, "ExclusionPattern");
    const char  *priority = channel_text(w, channel, "Priority");
    if (title && *title)
        (void)put(w, route, "Title", title);
    if (except && *except)
        (void)put(w, route, "Except", except);
    (void)put(w, route, "Priority", priority && *priority ? priority : "1");
    push(w, put_list(w, route, "Tell"), channel_name(w, channel));
    return route;
}

static void only_for(struct work *w, struct conf *route, const char *user, const char *kind)
{
    if (user)
        push(w, put_list(w, route, "To"), user);
    else
        (void)put(w, route, "Otherwise", "true");
    if (kind)
        push(w, put_list(w, route, "Kinds"), kind);
}

enum { STATUS, ALARM, SYSTEM };

static void translate_routes(struct work *w)
{
    const char *alarm = conf_text(conf_at(w->root, "Service:AlarmUser"), "alarm");
    const char *status = conf_text(conf_at(w->root, "Service:StatusUser"), "status");
    const struct {
        bool        is_wanted, is_sms, is_hourly;
        int         channel;
        const char *user, *kind;
    } table[] = {
        { w->has_sms, true, false, 0, alarm, NULL },
        { w->has_sms, true, false, 0, status, "alarm.*" }, /* `Innenbereich Alarm` sent to the status user */
        { w->has_sms, true, false, 0, status, "trouble.supervision" },
        { w->has_channel[ALARM], false, false, ALARM, alarm, NULL },
        { w->has_channel[ALARM], false, false, ALARM, status, "alarm.*" },
        { w->has_channel[STATUS], false, false, STATUS, status, NULL },
        { w->has_channel[SYSTEM], false, false, SYSTEM, NULL, NULL },
        { w->has_sms && !w->has_channel[SYSTEM], true, true, 0, NULL, NULL },
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        if (!table[i].is_wanted)
            continue;
        struct conf *route = table[i].is_sms ? new_route(w) : route_to_channel(w, channels[table[i].channel]);
        if (table[i].is_sms)
            tell_numbers(w, route, table[i].is_hourly ? " hourly" : "");
        only_for(w, route, table[i].user, table[i].kind);
    }
}

int lupuserv_translate(struct conf *root, struct arena *a, struct mistakes *m)
{
    struct work w = { .root = root, .arena = a, .mistakes = m };
    keep_own_recipients(&w);
    if (conf_at(root, "Service:Port"))
        (void)put(&w, put(&w, root, "Smtp", NULL), "Port", conf_text(conf_at(root, "Service:Port"), ""));
    translate_sms(&w);
    translate_channels(&w);
    translate_routes(&w);
    if (conf_at(root, "ConnectionStrings:Events"))
        note_add(m, "ConnectionStrings:Events", "PostgreSQL is not used; its history can be brought along once `postern import lupuserv-postgres` is there");
    const char *panel = conf_text(conf_at(root, "Service:CentralStation:Address"), "");
    if (strchr(panel, '<'))
        mistake_add(m, "Service:CentralStation:Address", "still a placeholder: %s", panel);
    return w.is_full ? -1 : 0;
}
