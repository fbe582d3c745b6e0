/* envelope: writing, reading, and the device's name. */
#include "core/envelope.h"
#include "core/utf8.h"
#include <string.h>
#include <strings.h>

enum { DEVICE_BYTES = 64 };

void envelope_write(struct json_out *w, const struct envelope *env)
{
    json_s(w, "listener", env->listener);
    json_s(w, "peer", env->peer);
    json_s(w, "helo", env->helo);
    json_s(w, "login", env->login);
    json_s_opt(w, "tls", env->tls);
    json_s(w, "from", env->from);
    json_array(w, "to");
    for (size_t i = 0; i < env->to_count; i++)
        json_s(w, NULL, env->to[i]);
    json_end(w);
}

int envelope_read(const struct json *object, struct arena *a, struct envelope *out)
{
    const struct json *to = json_get(object, "to");
    size_t             count = json_count(to);
    const char       **list = arena_alloc(a, (count + 1) * sizeof *list);
    if (!list)
        return -1;
    size_t n = 0;
    for (const struct json *v = json_first(to); v; v = json_next(v))
        if (json_text(v) && !(list[n++] = arena_str(a, json_text(v))))
            return -1;
    *out = (struct envelope){
        .listener = arena_str(a, json_str(object, "listener", "")),
        .peer = arena_str(a, json_str(object, "peer", "")),
        .helo = arena_str(a, json_str(object, "helo", "")),
        .login = arena_str(a, json_str(object, "login", "")),
        .tls = arena_str(a, json_str(object, "tls", "")),
        .from = arena_str(a, json_str(object, "from", "")),
        .to = list,
        .to_count = n,
    };
    return out->listener && out->peer && out->helo && out->login && out->tls && out->from ? 0 : -1;
}

/* Up to the last @, so that a quoted local part with an @ stays whole. */
static size_t local_part_length(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? (size_t)(at - address) : strlen(address);
}

static bool local_part_is(const char *address, const char *wanted)
{
    size_t n = local_part_length(address);
    return n == strlen(wanted) && strncasecmp(address, wanted, n) == 0;
}

bool envelope_is_for(const struct envelope *env, const char *local_part)
{
    for (size_t i = 0; i < env->to_count; i++)
        if (local_part_is(env->to[i], local_part))
            return true;
    return false;
}

static const char *as_device(const char *s, size_t n, struct arena *a)
{
    char  *name = arena_copy(a, s, utf8_cut(s, n, DEVICE_BYTES));
    if (!name)
        return "";
    for (char *p = name; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
        else if (*p == '\xC2' && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] < 0xA0) /* U+0080 to U+009F */
            p[0] = p[1] = ' ';
    return name;
}

const char *envelope_device(const struct envelope *env, const char *alarm_user, const char *status_user, struct arena *a)
{
    if (env->login[0])
        return as_device(env->login, strlen(env->login), a);
    if (env->to_count > 0 && local_part_length(env->to[0]) > 0 && !local_part_is(env->to[0], alarm_user) &&
        !local_part_is(env->to[0], status_user) && !local_part_is(env->to[0], ENVELOPE_CONTACT_ID_USER))
        return as_device(env->to[0], local_part_length(env->to[0]), a);
    if (local_part_length(env->from) > 0)
        return as_device(env->from, local_part_length(env->from), a);
    return as_device(env->peer, strlen(env->peer), a);
}
