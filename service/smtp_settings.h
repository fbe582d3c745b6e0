/* smtp_settings: the blocks Smtp:Users and Smtp:Profiles. Immutable after start.
 *
 *   "Smtp": { "Auth": "users",
 *             "Users": { "cam1": { "Password": "$y$…", "Device": "front" }, "old": { "Secret": "plain, for CRAM-MD5" } },
 *             "Profiles": [ { "Address": "192.168.1.5", "Profile": "reolink" } ] }
 *
 * Device is device_settings.h's. */
#pragma once
#include "net/cidr.h"
#include "net/smtp_users.h"
#include "service/conf.h"

struct profile_rule {
    struct cidr                network;
    const struct smtp_profile *profile;
};
struct smtp_settings {
    struct smtp_users          users;
    const struct profile_rule *rules;
    size_t                     rule_count;
};

/* What is wrong is added to m and left out. policy: as Smtp:Auth has it; where nobody at all could log in, it becomes any: a
 * mistake never keeps mails from being taken. -1 only when the arena is full. */
int smtp_settings_read(const struct conf *root, struct arena *a, struct mistakes *m, int64_t *policy, struct smtp_settings *out) MUST_CHECK;

/* The first rule whose network holds this address; NULL: none. */
const struct smtp_profile *smtp_settings_profile(const struct smtp_settings *s, const unsigned char address[16]);
