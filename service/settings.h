/* settings: every scalar setting in one table (settings.c) that reads, checks, prints and documents them; the blocks Accounts,
 * Recipients and Routes are people.h's, Devices is device_settings.h's. Immutable after start. */
#pragma once
#include "core/json.h"
#include "service/retention_settings.h"
#include "core/log.h"
#include "service/device_settings.h"
#include "service/smtp_settings.h"

struct settings {
    struct arena       arena;
    struct mistakes    mistakes;
    struct people      people;
    struct device_settings devices;
    struct conf       *root;
    const char        *file; /* NULL: defaults and environment only */
    bool               is_candidate; /* only looked at, see settings_try */
    char *const       *env;          /* as it was given; only while they are read */

    const char        *smtp_address, *smtp_hostname;
    const char *const *smtp_allow_from; /* CIDR; NULL ends; every item is well-formed */
    bool        is_smtp_allow_from_set; /* by the owner                               */
    int64_t smtp_port, smtp_max_message_mib, smtp_max_connections, smtp_max_connections_per_address, smtp_max_recipients;
    int64_t smtp_max_command, smtp_max_errors, smtp_max_idle_commands, smtp_command_seconds, smtp_data_seconds, smtp_session_seconds;

    int64_t              smtp_auth; /* enum smtp_auth_policy */
    struct smtp_settings smtp;
    int64_t smtp_tls_port, smtp_tls_least, smtp_tls_seconds, smtp_legacy_port; /* least: enum tls_least */
    const char *smtp_certificate, *smtp_key; /* a file or the PEM text; "" = none */
    const char *const *smtp_legacy_allow_from;

    const char *api_address, *api_token, *api_public_url;
    const char *api_certificate, *api_key; /* as smtp_certificate and smtp_key; certificate "": HTTP */
    const char *const *api_cors_origins; /* NULL ends; every item is well-formed */
    int64_t     api_port, api_max_connections, api_max_connections_per_address, api_max_streams, api_seconds;

    const char *store_folder;
    int64_t     smtp_message_seconds, smtp_bytes_per_second, smtp_mails_per_minute, smtp_max_mails_in_flight, smtp_max_memory_mib;
    int64_t     store_floor_mib, store_floor_percent;
    struct retention_settings retention;
    struct keep_rule keep_rules[KEEP_RULES_MAX]; /* what retention means */
    size_t      keep_rule_count;
    int64_t     store_keep_raw_days, store_max_bytes, store_reserve_mib, store_inline_kib, store_inline_slow_kib, store_inline_memory_mib;

    const char *store_export_folder; /* "" = none */
    int64_t     store_export_days, store_export_bytes;

    const char *archive_uri; /* "" = none; holds secrets */
    bool        has_archive_pictures;
    int64_t     archive_seconds, archive_tell_minutes, archive_keep_days, archive_keep_pictures_days, store_keep_local_days;

    int64_t log_level, log_format; /* enum log_level, enum log_format */
    const char *site_name, *site_time_zone, *site_language; /* zone: never ""; language "de" or "en" */

    int64_t     message_style; /* 0 plain, 1 original; people.c reads it for each account */
    const char *alarm_user, *status_user, *technician;
    int64_t     same_act_seconds;
    const char *own_texts; /* Parsers:Texts as JSON (panel_texts.h); "" = none */
    const char *rules;     /* Parsers:Rules as JSON (rules_settings.h); "[]" = none */
    int64_t     max_clock_drift_hours;
    bool        is_inspect_sandboxed;
    int64_t     inspect_memory_mib, inspect_seconds, inspect_unreadable_seconds;
    int64_t     relay_request_seconds, relay_reply_kib;
    int64_t     relay_give_up_hours[3], relay_next_way_seconds[3]; /* by severity */
};

/* 0 even with mistakes (s->mistakes; the defaults stand in for what is wrong). -1: the path that was named exists but cannot be
 * read as a file: the text says what it is, its owner and mode, and our uid. A missing file is a mistake. path NULL: environment
 * and defaults. */
int  settings_read(const char *path, char *const *env, struct settings *s, struct err *e) MUST_CHECK;
/* The same for settings that are only looked at, while others are in force: nothing of the process is touched. */
int  settings_try(const char *text, size_t n, char *const *env, struct settings *s, struct err *e) MUST_CHECK;
int  settings_try_file(const char *path, char *const *env, struct settings *s, struct err *e) MUST_CHECK;
void settings_done(struct settings *s);
/* The file that is read where none is named: appsettings.json in the working folder, if there is one; else NULL. */
const char *settings_here(void);

/* How many real mistakes there are (notes apart). */
size_t settings_mistakes(const struct settings *s);
/* Every setting with its value and where it comes from, secrets as ***. */
void settings_print(const struct settings *s, struct buf *out);
/* The table as Markdown: docs/settings.md must hold each line. */
void settings_document(struct buf *out);
/* Every value that is set or could be, with where it comes from, secrets as ***: members of the open object. */
void settings_write(const struct settings *s, struct json_out *w);
/* One of them: the value as text, never NULL, in the open when it is secret; source: where it comes from. */
struct setting_seen {
    const char *path, *value, *source;
    bool        is_secret; /* and not empty */
};
typedef void setting_visitor(void *user, const struct setting_seen *one);
void settings_each(const struct settings *s, setting_visitor *visit, void *user);
