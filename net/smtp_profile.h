/* smtp_profile: manners for devices that need what would be wrong for others. One row of a table each; a connection gets one by
 * the peer's address (Smtp:Profiles, or its device's entry), before the greeting. */
#pragma once
#include "core/attr.h"
#include <stdbool.h>
#include <stddef.h>

struct smtp_profile {
    const char *name;
    const char *greeting;  /* behind "220 "; NULL: the hostname and "ESMTP Postern"                              */
    bool refuses_ehlo;     /* 502, so that it falls back to HELO                                                 */
    bool is_short;         /* EHLO lists SIZE, 8BITMIME and AUTH LOGIN PLAIN, nothing else                       */
    bool is_without_tls;   /* STARTTLS is neither offered nor taken                                              */
    bool ends_at_lf_dot;   /* its lines end in LF: LF . LF ends a message, and bytes that come before our answer to
                              it end the conversation, so that nobody can hide a second mail behind a false end   */
    const char *text;      /* for the settings' documentation */
};

/* The row of this name, in any case; NULL: there is none. */
const struct smtp_profile *smtp_profile_find(const char *name);
const struct smtp_profile *smtp_profile_default(void);
/* The table, for documentation and messages; NULL ends it. */
const struct smtp_profile *smtp_profile_at(size_t i);
