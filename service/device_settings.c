/* device_settings: reading the block, and holding a conversation against it. */
#include "service/device_settings.h"
#include "core/clock.h"
#include "net/smtp_profile.h"
#include "service/nearest.h"
#include <string.h>
#include <strings.h>

enum { KNOWN_MAX = 256 };

struct reading {
    const struct conf *root;
    struct people     *people;
    struct arena      *arena;
    struct mistakes   *mistakes;
    bool               is_full; /* the arena ended */
};

/* One device while it is read. */
struct draft {
    struct device_setting *device;
    struct device_tell     tell;
};

static void *room(struct reading *r, size_t count, size_t size)
{
    void *p = arena_alloc(r->arena, (count + 1) * size);
    r->is_full = r->is_full || !p;
    return p;
}

/* --- values ------------------------------------------------------------------------------------------------- */

/* A text of at most DEVICE_TEXT_MAX bytes; else "" and a mistake. */
static const char *read_short(struct reading *r, const struct conf *v)
{
    const char *text = conf_text(v, NULL);
    if (!text)
        mistake_add(r->mistakes, v->path, "should be a text");
    else if (strlen(text) > DEVICE_TEXT_MAX)
        mistake_add(r->mistakes, v->path, "is longer than %d bytes", DEVICE_TEXT_MAX);
    else
        return text;
    return "";
}

/* One of the words, in their own spelling; else "" and a mistake. */
static const char *read_word(struct reading *r, const struct conf *v, const char *what, const char *const *words, size_t count)
{
    const char *text = read_short(r, v);
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(words[i], text) == 0)
            return words[i];
    if (text[0])
        nearest_say(r->mistakes, v->path, what, text, words, count);
    return "";
}

static void read_name(struct reading *r, const struct conf *v, struct draft *d)
{
    d->device->name = read_short(r, v);
}

static void read_kind(struct reading *r, const struct conf *v, struct draft *d)
{
    static const char *const kinds[] = { "panel", "camera", "recorder" };
    d->device->kind = read_word(r, v, "the kind", kinds, COUNT(kinds));
}

static void read_profile(struct reading *r, const struct conf *v, struct draft *d)
{
    const char *known[KNOWN_MAX];
    size_t      count = 0;
    for (; count < KNOWN_MAX && smtp_profile_at(count); count++)
        known[count] = smtp_profile_at(count)->name;
    d->device->profile = read_word(r, v, "the profile", known, count);
}

static void read_time_zone(struct reading *r, const struct conf *v, struct draft *d)
{
    const char *zone = read_short(r, v);
    if (zone[0] && !clock_zone_exists(zone))
        mistake_add(r->mistakes, v->path, "no such time zone on this machine: %s; the site's is used", zone);
    else
        d->device->time_zone = zone;
}

static void read_language(struct reading *r, const struct conf *v, struct draft *d)
{
    static const char *const languages[] = { "de", "en" };
    d->device->language = read_word(r, v, "the language", languages, COUNT(languages));
}

static const struct recipient *read_recipient(struct reading *r, const struct conf *v)
{
    const char *known[KNOWN_MAX];
    size_t      count = 0;
    const char *name = read_short(r, v);
    for (size_t i = 0; i < r->people->recipient_count && count < KNOWN_MAX; i++)
        known[count++] = r->people->recipients[i].name;
    if (name[0] && !people_find(r->people, name))
        nearest_say(r->mistakes, v->path, "the recipient", name, known, count);
    return name[0] ? people_find(r->people, name) : NULL;
}

/* The value itself, or the first of a list; and what comes behind it. */
static const struct conf *first_of(const struct conf *v)
{
    return v->text ? v : v->first;
}

static const struct conf *next_of(const struct conf *v, const struct conf *c)
{
    return v->text ? NULL : c->next;
}

static void read_recipients(struct reading *r, const struct conf *v, struct draft *d)
{
    const struct recipient **tell = room(r, conf_count(v) + 1, sizeof *tell);
    for (const struct conf *c = tell ? first_of(v) : NULL; c; c = next_of(v, c)) {
        const struct recipient *who = read_recipient(r, c);
        if (who)
            tell[d->tell.tell_count++] = who;
    }
    d->tell.tell = tell; /* names that are all wrong do not become "nobody": without any, Routes go as ever */
}

/* --- Match -------------------------------------------------------------------------------------------------- */

static void read_patterns(struct reading *r, const struct conf *v, struct device_patterns *out)
{
    const char **items = room(r, out->count + conf_count(v) + 1, sizeof *items);
    if (!items)
        return;
    size_t count = out->count;
    for (size_t i = 0; i < count; i++)
        items[i] = out->items[i];
    for (const struct conf *c = first_of(v); c; c = next_of(v, c)) {
        if (conf_text(c, "")[0] == '\0')
            mistake_add(r->mistakes, c->path, "should be a text");
        else
            items[count++] = c->text;
    }
    *out = (struct device_patterns){ items, count };
}

static void read_addresses(struct reading *r, const struct conf *v, struct device_setting *out)
{
    struct cidr *items = room(r, conf_count(v) + 1, sizeof *items);
    size_t       count = 0;
    for (const struct conf *c = items ? first_of(v) : NULL; c; c = next_of(v, c)) {
        struct err e;
        if (cidr_parse(conf_text(c, ""), &items[count], &e) < 0)
            mistake_add(r->mistakes, c->path, "%s", e.text);
        else
            count++;
    }
    out->addresses = (struct cidr_list){ items, count };
}

static void read_match(struct reading *r, const struct conf *v, struct draft *d)
{
    static const char *const keys[] = { [DEVICE_LOGIN] = "Login", [DEVICE_RECIPIENT] = "Recipient", [DEVICE_SENDER] = "Sender",
                                        [DEVICE_HELO] = "Helo", [DEVICE_KEYS] = "Address" };
    if (v->type != CONF_BLOCK) {
        mistake_add(r->mistakes, v->path, "should be a block: { \"Address\": \"192.168.1.5\" }");
        return;
    }
    for (const struct conf *c = v->first; c; c = c->next) {
        size_t key = 0;
        while (key < COUNT(keys) && strcasecmp(keys[key], c->key) != 0)
            key++;
        if (key == COUNT(keys))
            nearest_say(r->mistakes, c->path, "the key", c->key, keys, COUNT(keys));
        else if (key == DEVICE_KEYS)
            read_addresses(r, c, d->device);
        else
            read_patterns(r, c, &d->device->match[key]);
    }
}

/* --- one device --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*read)(struct reading *, const struct conf *, struct draft *);
} device_keys[] = {
    { "Name", read_name },         { "Kind", read_kind },             { "Profile", read_profile }, { "TimeZone", read_time_zone },
    { "Language", read_language }, { "Recipients", read_recipients }, { "Match", read_match },
};

static void read_key(struct reading *r, const struct conf *v, struct draft *d)
{
    const char *known[COUNT(device_keys)];
    for (size_t i = 0; i < COUNT(device_keys); i++) {
        known[i] = device_keys[i].name;
        if (strcasecmp(known[i], v->key) == 0) {
            device_keys[i].read(r, v, d);
            return;
        }
    }
    nearest_say(r->mistakes, v->path, "the key", v->key, known, COUNT(known));
}

static bool read_device(struct reading *r, const struct conf *c, struct draft *d)
{
    if (c->type != CONF_BLOCK) {
        mistake_add(r->mistakes, c->path, "should be a block: { \"Name\": \"Front door\" }");
        return false;
    }
    if (c->key[0] == '\0' || strlen(c->key) > DEVICE_TEXT_MAX) {
        mistake_add(r->mistakes, c->path, "a device's id has 1 to %d bytes", DEVICE_TEXT_MAX);
        return false;
    }
    *d->device = (struct device_setting){ .id = c->key, .name = "", .kind = "", .profile = "", .time_zone = "", .language = "" };
    d->tell = (struct device_tell){ .device = c->key };
    for (const struct conf *v = c->first; v; v = v->next)
        read_key(r, v, d);
    return true;
}

/* --- the block ---------------------------------------------------------------------------------------------- */

static void read_devices(struct reading *r, struct device_settings *out)
{
    const struct conf *block = conf_at(r->root, "Devices");
    if (!block || block->type == CONF_NULL)
        return;
    if (block->type != CONF_BLOCK && block->first) {
        mistake_add(r->mistakes, block->path, "should be a block: { … }");
        return;
    }
    struct device_setting *items = room(r, conf_count(block), sizeof *items);
    struct device_tell    *tells = room(r, conf_count(block), sizeof *tells);
    if (!items || !tells)
        return;
    out->items = items;
    r->people->device_tells = tells;
    for (const struct conf *c = block->first; c; c = c->next) {
        struct draft d = { .device = &items[out->count] };
        out->count += read_device(r, c, &d);
        if (d.tell.tell_count > 0)
            tells[r->people->device_tell_count++] = d.tell;
    }
}

/* A user that names its device is one more Login of it. */
static void read_users(struct reading *r, const struct device_settings *d)
{
    const char *known[KNOWN_MAX];
    size_t      count = 0;
    for (; count < d->count && count < KNOWN_MAX; count++)
        known[count] = d->items[count].id;
    const struct conf *users = conf_at(r->root, "Smtp:Users");
    for (const struct conf *user = users ? users->first : NULL; user; user = user->next) {
        const struct conf           *device = conf_at(user, "Device");
        const char                  *id = conf_text(device, "");
        const struct device_setting *found = device_settings_find(d, id);
        const struct conf            login = { .type = CONF_TEXT, .path = user->path, .text = user->key };
        if (found)
            read_patterns(r, &login, &((struct device_setting *)(uintptr_t)found)->match[DEVICE_LOGIN]);
        else if (id[0])
            nearest_say(r->mistakes, device->path, "the device", id, known, count);
    }
}

static bool is_listed(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static void list_zones(struct reading *r, struct device_settings *d)
{
    const char **zones = room(r, d->count, sizeof *zones); /* zeroed */
    size_t       count = 0;
    for (size_t i = 0; zones && i < d->count; i++)
        if (d->items[i].time_zone[0] && !is_listed(zones, d->items[i].time_zone))
            zones[count++] = d->items[i].time_zone;
    d->zones = zones;
}

int device_settings_read(const struct conf *root, struct people *people, struct arena *a, struct mistakes *m,
                         struct device_settings *out)
{
    struct reading r = { .root = root, .people = people, .arena = a, .mistakes = m };
    *out = (struct device_settings){ .items = NULL };
    read_devices(&r, out);
    read_users(&r, out);
    list_zones(&r, out);
    return r.is_full ? -1 : 0;
}

/* --- recognising -------------------------------------------------------------------------------------------- */

/* "*" at the end fits any rest; the case of A-Z is of no account. */
static bool fits(const char *pattern, const char *text, size_t n)
{
    size_t length = strlen(pattern);
    if (length > 0 && pattern[length - 1] == '*')
        return n >= length - 1 && strncasecmp(pattern, text, length - 1) == 0;
    return n == length && strncasecmp(pattern, text, n) == 0;
}

/* With an @ the whole address, else its local part. */
static bool fits_address(const char *pattern, const char *address)
{
    const char *at = strrchr(address, '@');
    bool        is_whole = strchr(pattern, '@') || !at;
    return fits(pattern, address, is_whole ? strlen(address) : (size_t)(at - address));
}

static bool fits_key(const char *pattern, enum device_key key, const struct envelope *env)
{
    switch (key) {
    case DEVICE_LOGIN: return env->login[0] && fits(pattern, env->login, strlen(env->login));
    case DEVICE_SENDER: return env->from[0] && fits_address(pattern, env->from);
    case DEVICE_HELO: return env->helo[0] && fits(pattern, env->helo, strlen(env->helo));
    case DEVICE_RECIPIENT:
        for (size_t i = 0; i < env->to_count; i++)
            if (fits_address(pattern, env->to[i]))
                return true;
        return false;
    case DEVICE_KEYS: break;
    }
    return false;
}

static bool fits_any(const struct device_patterns *p, enum device_key key, const struct envelope *env)
{
    for (size_t i = 0; i < p->count; i++)
        if (fits_key(p->items[i], key, env))
            return true;
    return false;
}

static bool is_any(const struct device_setting *d)
{
    (void)d;
    return true;
}

const struct device_setting *device_settings_match(const struct device_settings *d, const struct envelope *env, bool has_address)
{
    for (int key = 0; key < DEVICE_KEYS; key++)
        for (size_t i = 0; i < d->count; i++)
            if (fits_any(&d->items[i].match[key], (enum device_key)key, env))
                return &d->items[i];
    return has_address ? device_settings_at(d, env->peer, is_any) : NULL;
}

const struct device_setting *device_settings_find(const struct device_settings *d, const char *id)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcasecmp(d->items[i].id, id) == 0)
            return &d->items[i];
    return NULL;
}

const struct device_setting *device_settings_at(const struct device_settings *d, const char *address,
                                                bool (*is_wanted)(const struct device_setting *))
{
    for (size_t i = 0; i < d->count; i++)
        if (is_wanted(&d->items[i]) && cidr_contains_text(&d->items[i].addresses, address))
            return &d->items[i];
    return NULL;
}
