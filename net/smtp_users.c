/* smtp_users: see smtp_users.h. */
#include "net/smtp_users.h"
#include "net/cram.h"
#include "net/password.h"
#include <string.h>
#include <strings.h>

static const struct smtp_user *find(const struct smtp_users *users, const char *name)
{
    for (size_t i = 0; i < users->count; i++)
        if (strcmp(users->items[i].name, name) == 0)
            return &users->items[i];
    return NULL;
}

static enum smtp_login check_cram(const struct smtp_user *user, const struct smtp_credentials *c)
{
    char wanted[CRAM_TEXT];
    if (!user || !user->secret)
        return SMTP_LOGIN_WRONG;
    if (cram_md5(user->secret, c->challenge, wanted) < 0)
        return SMTP_LOGIN_LATER;
    return strcasecmp(wanted, c->digest) == 0 ? SMTP_LOGIN_RIGHT : SMTP_LOGIN_WRONG;
}

static enum smtp_login check_hash(const char *password, const char *hash)
{
    int answer = password_check(password, hash);
    return answer < 0 ? SMTP_LOGIN_LATER : answer > 0 ? SMTP_LOGIN_RIGHT : SMTP_LOGIN_WRONG;
}

/* For a name that nobody has: the work of a name that somebody has. */
static enum smtp_login pretend(const struct smtp_users *users, const char *password)
{
    for (size_t i = 0; i < users->count; i++)
        if (users->items[i].hash) {
            (void)check_hash(password, users->items[i].hash);
            break;
        }
    return SMTP_LOGIN_WRONG;
}

bool smtp_users_have_secrets(const struct smtp_users *users)
{
    for (size_t i = 0; i < users->count; i++)
        if (users->items[i].secret)
            return true;
    return false;
}

enum smtp_login smtp_users_check(const struct smtp_users *users, const struct smtp_credentials *c)
{
    const struct smtp_user *user = find(users, c->user);
    if (c->digest)
        return check_cram(user, c);
    if (!user)
        return pretend(users, c->password);
    if (user->hash)
        return check_hash(c->password, user->hash);
    return password_is_same(c->password, user->secret) ? SMTP_LOGIN_RIGHT : SMTP_LOGIN_WRONG;
}
