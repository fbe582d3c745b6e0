/* smtp_settings: see smtp_settings.h. */
#include "service/smtp_settings.h"
#include "net/password.h"
#include "service/nearest.h"
#include <string.h>
#include <strings.h>

enum { KNOWN_MAX = 32 };

struct reading {
    struct arena    *arena;
    struct mistakes *mistakes;
};

static size_t count_children(const struct conf *block)
{
    size_t n = 0;
    for (const struct conf *c = block ? block->first : NULL; c; c = c->next)
        n++;
    return n;
}

static void say_unknown(const struct reading *r, const struct conf *at, const char *word, const char *const *known, size_t count)
{
    const char *near = nearest(word, known, count);
    if (near)
        mistake_add(r->mistakes, at->path, "%s is not known; did you mean %s?", word, near);
    else
        mistake_add(r->mistakes, at->path, "%s is not known", word);
}

static bool is_block(const struct reading *r, const struct conf *v, const char *wanted)
{
    if (v->type == CONF_BLOCK || v->type == CONF_LIST)
        return true;
    mistake_add(r->mistakes, v->path, "should be %s", wanted);
    return false;
}

static void find_unknown(const struct reading *r, const struct conf *block, const char *const *known, size_t count)
{
    for (const struct conf *c = block->first; c; c = c->next) {
        size_t i = 0;
        while (i < count && strcasecmp(known[i], c->key) != 0)
            i++;
        if (i == count)
            say_unknown(r, c, c->key, known, count);
    }
}

/* --- users --------------------------------------------------------------------------------------------------- */

/* A text that is filled in; NULL: there is none, or a mistake. */
static const char *text_of(const struct reading *r, const struct conf *user, const char *key)
{
    const struct conf *v = conf_at(user, key);
    const char        *text = conf_text(v, "");
    if (v && conf_is_placeholder(text))
        mistake_add(r->mistakes, v->path, "still a placeholder");
    return text[0] && !conf_is_placeholder(text) ? text : NULL;
}

static const char *hash_of(const struct reading *r, const struct conf *user)
{
    const char *hash = text_of(r, user, "Password");
    if (!hash || password_is_hash(hash))
        return hash;
    mistake_add(r->mistakes, conf_at(user, "Password")->path, "no hash of a password; `postern hash-password` makes one");
    return NULL;
}

static bool read_user(const struct reading *r, const struct conf *v, struct smtp_user *out)
{
    static const char *const known[] = { "Password", "Secret", "Device" };
    if (!is_block(r, v, "a block: { \"Password\": … }"))
        return false;
    find_unknown(r, v, known, COUNT(known));
    size_t before = r->mistakes->count;
    *out = (struct smtp_user){ .name = v->key, .hash = hash_of(r, v), .secret = text_of(r, v, "Secret") };
    if (!out->hash && !out->secret && r->mistakes->count == before)
        mistake_add(r->mistakes, v->path, "has neither Password nor Secret: nobody can log in as %s", v->key);
    return out->hash || out->secret;
}

static int read_users(const struct reading *r, const struct conf *block, struct smtp_users *out)
{
    struct smtp_user *users = arena_alloc(r->arena, (count_children(block) + 1) * sizeof *users);
    size_t            n = 0;
    if (!users)
        return -1;
    for (const struct conf *c = block ? block->first : NULL; c; c = c->next)
        n += read_user(r, c, &users[n]);
    *out = (struct smtp_users){ .items = users, .count = n };
    return 0;
}

static void settle_policy(const struct reading *r, const struct smtp_users *users, int64_t *policy)
{
    if (*policy == SMTP_AUTH_ANY && users->count > 0)
        note_add(r->mistakes, "Smtp:Users", "not asked for their passwords while Smtp:Auth is any");
    if (*policy == SMTP_AUTH_ANY || users->count > 0)
        return;
    mistake_add(r->mistakes, "Smtp:Auth", "nobody in Smtp:Users can log in; any is used");
    *policy = SMTP_AUTH_ANY;
}

/* --- profiles ------------------------------------------------------------------------------------------------ */

static const struct smtp_profile *profile_of(const struct reading *r, const struct conf *rule)
{
    const struct conf         *v = conf_at(rule, "Profile");
    const struct smtp_profile *profile = smtp_profile_find(conf_text(v, ""));
    if (profile)
        return profile;
    if (!v) {
        mistake_add(r->mistakes, rule->path, "has no Profile");
        return NULL;
    }
    const char *known[KNOWN_MAX];
    size_t      count = 0;
    for (; count < KNOWN_MAX && smtp_profile_at(count); count++)
        known[count] = smtp_profile_at(count)->name;
    say_unknown(r, v, conf_text(v, "this"), known, count);
    return NULL;
}

/* Both names: it is an address, or a list as the other AllowFrom are. */
static const struct conf *addresses_of(const struct reading *r, const struct conf *rule)
{
    const struct conf *v = conf_at(rule, "Address");
    v = v ? v : conf_at(rule, "AllowFrom");
    if (!v)
        mistake_add(r->mistakes, rule->path, "has no Address");
    return v;
}

static struct profile_rule *add_rule(const struct reading *r, const struct conf *v, const struct smtp_profile *profile,
                                     struct profile_rule *end)
{
    struct err e;
    if (cidr_parse(conf_text(v, ""), &end->network, &e) < 0) {
        mistake_add(r->mistakes, v->path, "%s", e.text);
        return end;
    }
    end->profile = profile;
    return end + 1;
}

static struct profile_rule *read_rule(const struct reading *r, const struct conf *rule, struct profile_rule *end)
{
    static const char *const known[] = { "Address", "AllowFrom", "Profile" };
    if (!is_block(r, rule, "a block: { \"Address\": …, \"Profile\": … }"))
        return end;
    find_unknown(r, rule, known, COUNT(known));
    const struct conf         *addresses = addresses_of(r, rule);
    const struct smtp_profile *profile = profile_of(r, rule);
    if (!addresses || !profile)
        return end;
    if (!addresses->first)
        return add_rule(r, addresses, profile, end);
    for (const struct conf *c = addresses->first; c; c = c->next)
        end = add_rule(r, c, profile, end);
    return end;
}

static int read_profiles(const struct reading *r, const struct conf *list, struct smtp_settings *out)
{
    size_t most = 1;
    for (const struct conf *c = list ? list->first : NULL; c; c = c->next)
        most += 1 + count_children(conf_at(c, "Address")) + count_children(conf_at(c, "AllowFrom"));
    struct profile_rule *rules = arena_alloc(r->arena, most * sizeof *rules), *end = rules;
    if (!rules)
        return -1;
    for (const struct conf *c = list ? list->first : NULL; c; c = c->next)
        end = read_rule(r, c, end);
    out->rules = rules;
    out->rule_count = (size_t)(end - rules);
    return 0;
}

/* --- all ------------------------------------------------------------------------------------------------------ */

static const struct conf *block_at(const struct reading *r, const struct conf *root, const char *path, const char *wanted)
{
    const struct conf *v = conf_at(root, path);
    return v && v->type != CONF_NULL && is_block(r, v, wanted) ? v : NULL;
}

int smtp_settings_read(const struct conf *root, struct arena *a, struct mistakes *m, int64_t *policy, struct smtp_settings *out)
{
    const struct reading r = { .arena = a, .mistakes = m };
    if (read_users(&r, block_at(&r, root, "Smtp:Users", "a block: { \"name\": { … } }"), &out->users) < 0 ||
        read_profiles(&r, block_at(&r, root, "Smtp:Profiles", "a list: [ { … } ]"), out) < 0)
        return -1;
    settle_policy(&r, &out->users, policy);
    return 0;
}

const struct smtp_profile *smtp_settings_profile(const struct smtp_settings *s, const unsigned char address[16])
{
    for (size_t i = 0; i < s->rule_count; i++)
        if (cidr_is_inside(&s->rules[i].network, address))
            return s->rules[i].profile;
    return NULL;
}
