/* people: the blocks Accounts, Recipients and Routes. What is wrong is said and left out; the rest works. A restriction of a
 * route that cannot be read is dropped, so that rather too much is told than too little. */
#include "service/people.h"
#include "service/nearest.h"
#include "service/own_words.h"
#include "service/route.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORDS_MAX = 256 };
static const double rate_max = 100000;

struct reading {
    const struct conf *root;
    struct arena      *arena;
    struct mistakes   *mistakes;
    struct people     *people;
    bool               is_full; /* the arena ended */
};

static void *room(struct reading *r, size_t count, size_t size)
{
    void *p = count > 0 && count < SIZE_MAX / size ? arena_alloc(r->arena, count * size) : NULL;
    r->is_full = r->is_full || (count > 0 && !p);
    return p;
}

/* A block's child block (list) of this name; NULL with a mistake if it is something else. */
static const struct conf *block_at(struct reading *r, const char *name, enum conf_type type)
{
    const struct conf *b = conf_at(r->root, name);
    if (!b || b->type == CONF_NULL)
        return NULL;
    /* From the environment (Routes__0__Kinds) and when empty a list may look like a block and a block like a list. */
    if (b->type == CONF_BLOCK || b->type == CONF_LIST)
        return b;
    mistake_add(r->mistakes, b->path, "should be %s", type == CONF_LIST ? "a list: [ … ]" : "a block: { … }");
    return NULL;
}

/* --- accounts ----------------------------------------------------------------------------------------------- */

static void read_number(struct reading *r, const struct conf *v, double *out)
{
    const char *text = conf_text(v, "");
    char       *end;
    double      value = strtod(text, &end);
    if (end == text || *end || !(value > 0 && value <= rate_max))
        mistake_add(r->mistakes, v->path, "%s is not a number above 0 and up to %.0f", text, rate_max);
    else
        *out = value;
}

static bool read_rate(struct reading *r, const struct conf *v, struct account *a)
{
    read_number(r, v, &a->rate_per_minute);
    return true;
}

static bool read_burst(struct reading *r, const struct conf *v, struct account *a)
{
    double value = a->burst;
    read_number(r, v, &value);
    a->burst = value < 1 ? 1 : (int)value;
    return true;
}

static bool read_per_second(struct reading *r, const struct conf *v, struct account *a)
{
    read_number(r, v, &a->per_second);
    return true;
}

/* One of two words; what is neither is a mistake and leaves *out. */
static void read_either(struct reading *r, const struct conf *v, const char *yes, const char *no, bool *out)
{
    const char *text = conf_text(v, "");
    if (strcasecmp(text, yes) != 0 && strcasecmp(text, no) != 0)
        mistake_add(r->mistakes, v->path, "%s is neither %s nor %s", text, yes, no);
    else
        *out = strcasecmp(text, yes) == 0;
}

static bool read_when_unknown(struct reading *r, const struct conf *v, struct account *a)
{
    read_either(r, v, "again", "never", &a->is_resent_when_unknown);
    return true;
}

static bool read_style(struct reading *r, const struct conf *v, struct account *a)
{
    read_either(r, v, "original", "plain", &a->is_original);
    return true;
}

static bool read_nothing(struct reading *r, const struct conf *v, struct account *a)
{
    (void)r, (void)v, (void)a;
    return true;
}

/* What every account takes. */
static const struct {
    const char *name;
    bool (*read)(struct reading *, const struct conf *, struct account *);
} common_keys[] = {
    { "Provider", read_nothing },
    { "Rate", read_rate },
    { "Burst", read_burst },
    { "PerSecond", read_per_second },
    { "WhenUnknown", read_when_unknown },
    { "Style", read_style },
};

static bool read_common(struct reading *r, const struct conf *v, struct account *a)
{
    for (size_t i = 0; i < COUNT(common_keys); i++)
        if (strcasecmp(common_keys[i].name, v->key) == 0)
            return common_keys[i].read(r, v, a);
    return false;
}

static size_t field_count(const struct provider *p)
{
    size_t n = 0;
    while (n < ACCOUNT_FIELDS && p->fields[n].name)
        n++;
    return n;
}

static bool refuse_key(struct reading *r, const struct conf *v, const struct account *a)
{
    const char *known[ACCOUNT_FIELDS + COUNT(common_keys)];
    size_t      n = 0;
    for (size_t i = 0; i < field_count(a->provider); i++)
        known[n++] = a->provider->fields[i].name;
    for (size_t i = 0; i < COUNT(common_keys); i++)
        known[n++] = common_keys[i].name;
    nearest_say(r->mistakes, v->path, "the key", v->key, known, n);
    return true;
}

/* false: with this value the account cannot be used. */
static bool read_key(struct reading *r, const struct conf *v, struct account *a)
{
    size_t i = 0;
    while (i < field_count(a->provider) && strcasecmp(a->provider->fields[i].name, v->key) != 0)
        i++;
    if (i == field_count(a->provider))
        return read_common(r, v, a) || refuse_key(r, v, a);
    if (!v->text) {
        mistake_add(r->mistakes, v->path, "should be a text");
        return false;
    }
    if (conf_is_placeholder(v->text)) {
        mistake_add(r->mistakes, v->path, "still the placeholder %s: the account is not used", v->text);
        return false;
    }
    a->field[i] = v->text[0] ? v->text : NULL;
    return true;
}

static bool has_all_fields(struct reading *r, const struct conf *block, const struct account *a)
{
    bool is_complete = true;
    for (size_t i = 0; i < field_count(a->provider); i++) {
        const struct provider_field *f = &a->provider->fields[i];
        if (!f->is_required || a->field[i] || f->fallback || conf_at(block, f->name))
            continue;
        mistake_add(r->mistakes, block->path, "%s is missing", f->name);
        is_complete = false;
    }
    for (size_t i = 0; i < field_count(a->provider); i++) {
        const struct provider_field *f = &a->provider->fields[i];
        const struct conf           *v = conf_at(block, f->name);
        if (!f->is_required || a->field[i] || !v || (v->text && v->text[0]))
            continue;
        mistake_add(r->mistakes, v->path, "is empty");
        is_complete = false;
    }
    return is_complete;
}

static const struct provider *read_provider(struct reading *r, const struct conf *block)
{
    const struct conf *v = conf_at(block, "Provider");
    const char        *known[WORDS_MAX];
    size_t             count = 0;
    for (; providers[count] && count < WORDS_MAX; count++) {
        known[count] = providers[count]->name;
        if (v && v->text && strcasecmp(v->text, known[count]) == 0)
            return providers[count];
    }
    if (v && v->text)
        nearest_say(r->mistakes, v->path, "the provider", v->text, known, count);
    else
        mistake_add(r->mistakes, block->path, "Provider is missing");
    return NULL;
}

static bool read_account(struct reading *r, const struct conf *block, struct account *out)
{
    if (block->type != CONF_BLOCK || strchr(block->key, ':')) {
        mistake_add(r->mistakes, block->path, "should be a block, its name without a colon");
        return false;
    }
    const struct provider *p = read_provider(r, block);
    if (!p)
        return false;
    *out = (struct account){
        .name = block->key,
        .provider = p,
        .rate_per_minute = p->is_local ? 0 : p->rate_per_minute,
        .burst = p->burst,
        .per_second = p->per_second,
        .is_resent_when_unknown = true,
        .is_original = strcasecmp(conf_text(conf_at(r->root, "Messages:Style"), "plain"), "original") == 0,
    };
    bool is_usable = true;
    for (const struct conf *v = block->first; v; v = v->next)
        is_usable = read_key(r, v, out) && is_usable;
    if (!has_all_fields(r, block, out) || !is_usable)
        return false;
    struct err e = { .text = "" };
    if (p->check && p->check(out, &e) < 0) {
        mistake_add(r->mistakes, block->path, "%s", e.text);
        return false;
    }
    return true;
}

static const struct account *find_account(const struct people *p, const char *name, size_t n)
{
    for (size_t i = 0; i < p->account_count; i++)
        if (strlen(p->accounts[i].name) == n && strncasecmp(p->accounts[i].name, name, n) == 0)
            return &p->accounts[i];
    return NULL;
}

/* The embedded default is an account like any other, unless somebody gave its name to another one. */
static void add_log(struct account *accounts, struct people *p)
{
    const struct provider *log = provider_find("log");
    if (log && !find_account(p, "log", 3))
        accounts[p->account_count++] =
            (struct account){ .name = "log", .provider = log, .burst = log->burst, .is_resent_when_unknown = true };
}

static void read_accounts(struct reading *r)
{
    const struct conf *block = block_at(r, "Accounts", CONF_BLOCK);
    struct account    *accounts = room(r, conf_count(block) + 1, sizeof *accounts);
    if (!accounts)
        return;
    r->people->accounts = accounts;
    for (const struct conf *c = block ? block->first : NULL; c; c = c->next)
        r->people->account_count += read_account(r, c, &accounts[r->people->account_count]);
    add_log(accounts, r->people);
}

/* --- recipients --------------------------------------------------------------------------------------------- */

static void refuse_account(struct reading *r, const struct conf *v, const char *name)
{
    const struct conf *block = conf_at(r->root, "Accounts");
    const char        *known[WORDS_MAX];
    size_t             count = 0;
    for (const struct conf *c = block ? block->first : NULL; c && count < WORDS_MAX; c = c->next) {
        if (strcasecmp(c->key, name) == 0) {
            mistake_add(r->mistakes, v->path, "the account %s has mistakes of its own, so this way is not used", name);
            return;
        }
        known[count++] = c->key;
    }
    nearest_say(r->mistakes, v->path, "the account", name, known, count);
}

static bool read_way(struct reading *r, const struct conf *v, struct way *out)
{
    const char *text = v->text;
    const char *colon = text ? strchr(text, ':') : NULL;
    if (!colon) {
        mistake_add(r->mistakes, v->path, "should be of the form account:address");
        return false;
    }
    const struct account *a = find_account(r->people, text, (size_t)(colon - text));
    if (!a) {
        const char *name = arena_copy(r->arena, text, (size_t)(colon - text));
        refuse_account(r, v, name ? name : text);
        return false;
    }
    const char *address = colon + 1;
    struct err  e = { .text = "" };
    if (conf_is_placeholder(address)) {
        mistake_add(r->mistakes, v->path, "still the placeholder %s: nothing is sent there", address);
        return false;
    }
    if (a->provider->check_address && a->provider->check_address(address, &e) < 0) {
        mistake_add(r->mistakes, v->path, "%s", e.text);
        return false;
    }
    const char *canonical = a->provider->canonical ? a->provider->canonical(address, r->arena) : address;
    *out = (struct way){ .account = a, .address = canonical ? canonical : address };
    return true;
}

static bool is_way_known(const struct way *ways, size_t count, const struct way *w)
{
    for (size_t i = 0; i < count; i++)
        if (ways[i].account == w->account && strcmp(ways[i].address, w->address) == 0)
            return true;
    return false;
}

static bool read_language(struct reading *r, const struct conf *v, struct manner *out)
{
    const char *text = conf_text(v, "");
    for (size_t i = 0; words_language(i); i++)
        if (strcasecmp(words_language(i), text) == 0) {
            out->language = words_language(i);
            return true;
        }
    mistake_add(r->mistakes, v->path, "\"%s\" is neither de nor en", text);
    return false;
}

static bool read_pictures(struct reading *r, const struct conf *v, struct manner *out)
{
    read_either(r, v, "false", "true", &out->is_without_pictures);
    return true;
}

static bool read_detail(struct reading *r, const struct conf *v, struct manner *out)
{
    static const char *const names[] = { [TEXT_FULL] = "full", [TEXT_ZONE] = "zone", [TEXT_SHORT] = "short" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcasecmp(names[i], conf_text(v, "")) == 0) {
            out->detail = (enum text_detail)i;
            return true;
        }
    mistake_add(r->mistakes, v->path, "%s is not one of full, zone, short", conf_text(v, "this"));
    return false;
}

static bool read_no_manner(struct reading *r, const struct conf *v, struct manner *out)
{
    (void)r, (void)v, (void)out;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(struct reading *, const struct conf *, struct manner *);
} manner_keys[] = {
    { "Ways", read_no_manner }, { "Language", read_language }, { "Pictures", read_pictures }, { "Detail", read_detail },
};

static void read_manner_key(struct reading *r, const struct conf *v, struct manner *out)
{
    const char *known[COUNT(manner_keys)];
    for (size_t i = 0; i < COUNT(manner_keys); i++) {
        known[i] = manner_keys[i].name;
        if (strcasecmp(known[i], v->key) == 0) {
            (void)manner_keys[i].read(r, v, out);
            return;
        }
    }
    nearest_say(r->mistakes, v->path, "the key", v->key, known, COUNT(known));
}

/* A list of ways, or a single one as a text; or a block that has them as Ways, and how the recipient wants to be told. */
static bool read_recipient(struct reading *r, const struct conf *c, struct recipient *out)
{
    *out = (struct recipient){ .name = c->key };
    const struct conf *list = c;
    if (c->type == CONF_BLOCK) {
        for (const struct conf *v = c->first; v; v = v->next)
            read_manner_key(r, v, &out->manner);
        list = conf_at(c, "Ways");
    }
    const struct conf *first = list ? (list->text ? list : list->first) : NULL;
    struct way        *ways = list ? room(r, list->text ? 1 : conf_count(list), sizeof *ways) : NULL;
    size_t             count = 0;
    for (const struct conf *v = ways ? first : NULL; v; v = list->text ? NULL : v->next)
        count += read_way(r, v, &ways[count]) && !is_way_known(ways, count, &ways[count]);
    if (count == 0) {
        mistake_add(r->mistakes, c->path, "has no way that can be used: %s will not be told", c->key);
        return false;
    }
    out->ways = ways;
    out->way_count = count;
    return true;
}

static void add_log_recipient(struct reading *r)
{
    struct recipient     *one = room(r, 1, sizeof *one);
    struct way           *way = room(r, 1, sizeof *way);
    const struct account *log = NULL;
    for (size_t i = 0; i < r->people->account_count; i++)
        if (r->people->accounts[i].provider->is_local)
            log = &r->people->accounts[i];
    if (!one || !way || !log)
        return;
    *way = (struct way){ .account = log, .address = "" };
    *one = (struct recipient){ .name = "log", .ways = way, .way_count = 1 };
    r->people->recipients = one;
    r->people->recipient_count = 1;
}

static bool is_anybody_told(const struct people *p)
{
    for (size_t i = 0; i < p->recipient_count; i++)
        for (size_t k = 0; k < p->recipients[i].way_count; k++)
            if (!p->recipients[i].ways[k].account->provider->is_local)
                return true;
    return false;
}

static void read_recipients(struct reading *r)
{
    const struct conf *block = block_at(r, "Recipients", CONF_BLOCK);
    struct recipient  *list = room(r, conf_count(block), sizeof *list);
    r->people->recipients = list;
    for (const struct conf *c = list ? block->first : NULL; c; c = c->next)
        r->people->recipient_count += read_recipient(r, c, &list[r->people->recipient_count]);
    if (r->people->recipient_count > ROUTE_TOLD_MAX)
        mistake_add(r->mistakes, block->path, "more than %d recipients: an event is told to %d at most", ROUTE_TOLD_MAX, ROUTE_TOLD_MAX);
    if (r->people->recipient_count == 0)
        add_log_recipient(r);
    r->people->is_nobody_told = !is_anybody_told(r->people);
}

/* --- routes ------------------------------------------------------------------------------------------------- */

struct texts {
    const char *const *items;
    size_t             count;
};

/* A list of texts, or one text, of those that `is_good` lets pass; "*" alone means all, as none does. */
static struct texts read_texts(struct reading *r, const struct conf *v, bool (*is_good)(struct reading *, const struct conf *))
{
    const char **items = v ? room(r, v->text ? 1 : conf_count(v), sizeof *items) : NULL;
    size_t       count = 0;
    for (const struct conf *c = items ? (v->text ? v : v->first) : NULL; c; c = v->text ? NULL : c->next) {
        if (!c->text)
            mistake_add(r->mistakes, c->path, "should be a text");
        else if (is_good(r, c))
            items[count++] = c->text;
    }
    return (struct texts){ items, count };
}

static bool is_any_text(struct reading *r, const struct conf *v)
{
    if (v->text[0])
        return true;
    mistake_add(r->mistakes, v->path, "is empty");
    return false;
}

static bool is_kind_pattern(struct reading *r, const struct conf *v)
{
    const char *known[WORDS_MAX];
    size_t      count = 0;
    for (unsigned i = 0; kind_at(i) && count < WORDS_MAX; i++) {
        if (kind_matches(v->text, kind_at(i)))
            return true;
        known[count++] = kind_at(i);
    }
    nearest_say(r->mistakes, v->path, "the kind", v->text, known, count);
    return false;
}

static bool is_recipient(struct reading *r, const struct conf *v)
{
    const char *known[WORDS_MAX];
    size_t      count = 0;
    for (size_t i = 0; i < r->people->recipient_count && count < WORDS_MAX; i++) {
        if (strcasecmp(r->people->recipients[i].name, v->text) == 0)
            return true;
        known[count++] = r->people->recipients[i].name;
    }
    nearest_say(r->mistakes, v->path, "the recipient", v->text, known, count);
    return false;
}

const struct recipient *people_find(const struct people *p, const char *name)
{
    for (size_t i = 0; i < p->recipient_count; i++)
        if (strcasecmp(p->recipients[i].name, name) == 0)
            return &p->recipients[i];
    return NULL;
}

/* One key of a route. false: without it the route must not be used at all. */
static bool read_kinds(struct reading *r, const struct conf *v, struct route *out)
{
    struct texts t = read_texts(r, v, is_kind_pattern);
    out->kinds = t.items;
    out->kind_count = t.count;
    return t.count > 0 || (!v->text && !v->first); /* kinds that are all wrong must not become "all" */
}

static bool read_devices(struct reading *r, const struct conf *v, struct route *out)
{
    struct texts t = read_texts(r, v, is_any_text);
    out->devices = t.items;
    out->device_count = t.count;
    return true;
}

static bool read_to(struct reading *r, const struct conf *v, struct route *out)
{
    struct texts t = read_texts(r, v, is_any_text);
    out->to = t.items;
    out->to_count = t.count;
    return true;
}

static bool read_tell(struct reading *r, const struct conf *v, struct route *out)
{
    struct texts             names = read_texts(r, v, is_recipient);
    const struct recipient **tell = room(r, names.count, sizeof *tell);
    for (size_t i = 0; tell && i < names.count; i++)
        tell[i] = people_find(r->people, names.items[i]);
    out->tell = tell;
    out->tell_count = tell ? names.count : 0;
    return names.count > 0 || (!v->text && !v->first); /* names that are all wrong must not become "nobody" */
}

static bool read_min_severity(struct reading *r, const struct conf *v, struct route *out)
{
    if (severity_parse(conf_text(v, ""), &out->min_severity) < 0)
        mistake_add(r->mistakes, v->path, "%s is not one of info, warning, alarm", conf_text(v, "this"));
    return true;
}

static bool read_except(struct reading *r, const struct conf *v, struct route *out)
{
    struct err e = { .text = "should be a text" };
    if (!v->text || route_check_except(v->text, &e) < 0)
        mistake_add(r->mistakes, v->path, "%s", e.text);
    else
        out->except = v->text[0] ? v->text : NULL;
    return true;
}

static bool read_otherwise(struct reading *r, const struct conf *v, struct route *out)
{
    const char *text = conf_text(v, "");
    out->is_otherwise = strcasecmp(text, "true") == 0;
    if (!out->is_otherwise && strcasecmp(text, "false") != 0)
        mistake_add(r->mistakes, v->path, "is neither true nor false");
    return true;
}

static bool read_title(struct reading *r, const struct conf *v, struct route *out)
{
    (void)r;
    out->title = conf_text(v, NULL);
    return true;
}

static bool read_priority(struct reading *r, const struct conf *v, struct route *out)
{
    const char *text = conf_text(v, "");
    char       *end;
    long        value = strtol(text, &end, 10);
    if (end == text || *end || value < 0 || value > 10)
        mistake_add(r->mistakes, v->path, "%s is not a number from 0 to 10", text);
    else
        out->priority = (int)value;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(struct reading *, const struct conf *, struct route *);
} route_keys[] = {
    { "Kinds", read_kinds },           { "Devices", read_devices },     { "To", read_to },
    { "MinSeverity", read_min_severity }, { "Except", read_except },    { "Otherwise", read_otherwise },
    { "Title", read_title },           { "Priority", read_priority },   { "Tell", read_tell },
};

static bool read_route_key(struct reading *r, const struct conf *v, struct route *out)
{
    const char *known[COUNT(route_keys)];
    for (size_t i = 0; i < COUNT(route_keys); i++) {
        known[i] = route_keys[i].name;
        if (strcasecmp(known[i], v->key) == 0)
            return route_keys[i].read(r, v, out);
    }
    nearest_say(r->mistakes, v->path, "the key", v->key, known, COUNT(known));
    return true;
}

static bool read_route(struct reading *r, const struct conf *c, struct route *out)
{
    if (c->type != CONF_BLOCK) {
        mistake_add(r->mistakes, c->path, "should be a block: { … }");
        return false;
    }
    *out = (struct route){ .priority = PRIORITY_NONE };
    if (!conf_at(c, "Tell")) {
        mistake_add(r->mistakes, c->path, "Tell is missing: the route is not used (Tell: [] tells nobody)");
        return false;
    }
    bool is_usable = true;
    for (const struct conf *v = c->first; v; v = v->next)
        is_usable = read_route_key(r, v, out) && is_usable;
    if (!is_usable)
        mistake_add(r->mistakes, c->path, "the route is not used");
    return is_usable;
}

static void read_routes(struct reading *r)
{
    const struct conf *list = block_at(r, "Routes", CONF_LIST);
    struct route      *routes = room(r, conf_count(list), sizeof *routes);
    r->people->routes = routes;
    for (const struct conf *c = routes ? list->first : NULL; c; c = c->next)
        r->people->route_count += read_route(r, c, &routes[r->people->route_count]);
}

bool manner_equals(const struct manner *a, const struct manner *b)
{
    bool is_same_language = a->language == b->language || (a->language && b->language && strcmp(a->language, b->language) == 0);
    return is_same_language && a->detail == b->detail && a->is_without_pictures == b->is_without_pictures;
}

int people_read(const struct conf *root, struct arena *a, struct mistakes *m, struct people *out)
{
    *out = (struct people){ .accounts = NULL };
    struct reading r = { .root = root, .arena = a, .mistakes = m, .people = out };
    read_accounts(&r);
    read_recipients(&r);
    read_routes(&r);
    out->words = own_words_read(root, a, m);
    return r.is_full ? -1 : 0;
}
