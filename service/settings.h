/* settings: every scalar setting in one table (settings.c) that reads, checks, prints and documents them; the blocks Accounts,
 * Recipients and Routes are people.h's. Immutable after start. */
#pragma once
#include "service/people.h"

struct settings {
    struct arena     arena;
    struct mistakes  mistakes;
    struct people    people;
    const struct conf *root;
    const char       *file; /* NULL: defaults and environment */

    int64_t smtp_port, smtp_max_message_mib, smtp_max_connections, smtp_max_connections_per_address, smtp_max_recipients;
    int64_t smtp_command_seconds, smtp_data_seconds, smtp_session_seconds;
    const char *smtp_address;
    const char *const *smtp_allow_from; /* CIDR; NULL ends */

    int64_t     api_port;
    const char *api_address, *api_token, *api_public_url;

    const char *store_folder;
    int64_t     store_keep_raw_days, store_max_mib, store_reserve_mib, store_inline_kib;

    const char *log_level, *log_format;
    const char *site_name, *site_time_zone, *site_language;
    const char *alarm_user, *status_user;
    bool        is_inspect_sandboxed;
    int64_t     inspect_memory_mib, inspect_unreadable_seconds;
    const char *technician;
};

/* 0 even with mistakes (see s->mistakes); -1: a path that was named cannot be read as a file: text says what it is, owner, mode, uid. */
int  settings_read(const char *path, char *const *environ, struct settings *s, struct err *e) MUST_CHECK;
void settings_done(struct settings *s);
