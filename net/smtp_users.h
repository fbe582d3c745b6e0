/* smtp_users: who may log in (Smtp:Users), and whether somebody is who he says. Immutable; any thread. */
#pragma once
#include "net/smtp_auth.h"
#include "net/smtp_session.h"

struct smtp_user {
    const char *name;   /* exact case                                                                 */
    const char *hash;   /* of the password (password.h); NULL: none, then the secret is the password  */
    const char *secret; /* in plain, which only CRAM-MD5 needs; NULL: none                             */
};
struct smtp_users {
    const struct smtp_user *items;
    size_t count;
};

bool smtp_users_have_secrets(const struct smtp_users *users);
/* May take a second: in a thread of the pool. What nobody is called takes as long as what somebody is. */
enum smtp_login smtp_users_check(const struct smtp_users *users, const struct smtp_credentials *c) MUST_CHECK;
