/* run: the gateway's life: settings → store → listener → relay → inspector → API → loop → stop.
 * The order is the promise: mails are taken as soon as they can be kept, whatever else is still starting or broken. */
#include "api/api.h"
#include "api/https.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/metrics.h"
#include "net/inherited.h"
#include "net/smtp_server.h"
#include "service/archive_watch.h"
#include "service/administration.h"
#include "service/again.h"
#include "service/certificate.h"
#include "service/clock_watch.h"
#include "service/commands.h"
#include "service/devices.h"
#include "service/doors.h"
#include "service/drill.h"
#include "service/export_watch.h"
#include "service/health.h"
#include "service/helper.h"
#include "service/import.h"
#include "service/inspect_settings.h"
#include "service/mounts.h"
#include "service/notify.h"
#include "service/panel_poll.h"
#include "service/reload.h"
#include "service/reparse.h"
#include "service/rules_start.h"
#include "service/token.h"
#include "store/store.h"
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <uv.h>

enum {
    SECOND_MS = 1000,
    GRACE_MS = 10 * 1000,
    REMIND_MS = 3600 * 1000,
    LOOK_MS = 50,
    PANEL_LOOK_MS = 10,
    SPARE_DESCRIPTORS = 64, /* the database, helpers, requests to providers */
};

/* What understands and tells, while it is stopped. */
struct helpers {
    struct reparse      *reparse;
    struct import       *import;
    struct inspector    *inspector;
    struct relay        *relay;
    struct archive_watch archive;
    struct export_watch  export;
};

struct gateway {
    const struct settings *settings;
    uv_loop_t              loop;
    uv_timer_t             second, look; /* look: until the database is ready; at the end, until the panel is asked no more */
    uv_signal_t            sigterm, sigint, sighup;
    uv_work_t              leaving; /* stops what makes it wait, while mails go on coming */
    struct reload         *reload;
    struct store          *store;
    struct devices        *devices;
    struct smtp_server    *smtp;
    struct certificate    *certificate, *api_certificate;
    struct relay          *relay;
    struct archive_watch   archive;
    struct export_watch    export;
    struct helpers         gone;
    struct inspector      *inspector;
    struct reparse        *reparse;
    struct import         *import;
    struct api            *api;
    struct drill          *drill;
    struct panel_poll     *panel;
    struct clock_watch    *clock;
    int64_t                reread_ms; /* mails since then are to be read again; 0: none */
    int                    api_socket; /* that was kept for us; 0: none */
    pthread_mutex_t        telling;    /* for whoever tells from a thread that the relay does not wait for */
    struct smtp_user      *users; /* those of the settings, and the drill's */
    struct cidr           *networks, *legacy_networks;
    struct gateways        gateways; /* of the container that this may be */
    int64_t                connections; /* of SMTP at once */
    int64_t                seconds, remind_ms; /* remind_ms: of the next reminder that nobody is told; monotonic */
    enum disk { DISK_FREE, DISK_LOW, DISK_FULL } disk;
    bool                   is_stopping;
    bool                   is_damaged, begins_again; /* the database was met damaged; a new one is made by a new start */
    int                    exit_code;
    char                   token[TOKEN_BYTES], helper[4096];
    unsigned char          link_key[LINK_KEY_BYTES];
    const unsigned char   *links; /* it, or NULL: there is none, so no links */
};

/* --- before the start ------------------------------------------------------------------------------------------ */

static void start_logger(const struct settings *s, pthread_t *thread)
{
    log_setup((enum log_level)s->log_level, (enum log_format)s->log_format);
    (void)pthread_create(thread, NULL, log_pump, NULL);
}

static void say_mistakes(const struct settings *s)
{
    for (size_t i = 0; i < s->mistakes.count; i++) {
        const struct mistake *m = &s->mistakes.items[i];
        log_line(m->is_note ? LOG_WARN : LOG_ERROR, m->is_note ? "settings.note" : "settings.mistake", LOG_S("path", m->path),
                 LOG_S("text", m->text));
    }
    size_t n = settings_mistakes(s);
    char   text[80];
    (void)snprintf(text, sizeof text, "%zu mistakes in the settings; `postern check` lists them", n);
    health_set(HEALTH_SETTINGS, NULL, n > 0 ? text : NULL);
}

static void say_if_nobody_is_told(const struct settings *s)
{
    static const char text[] = "NOBODY WILL BE TOLD: no account and recipient but the log; see Accounts and Recipients";
    health_set(HEALTH_RECIPIENTS, NULL, s->people.is_nobody_told ? text : NULL);
    if (s->people.is_nobody_told)
        log_line(LOG_ERROR, "recipients.none", LOG_S("text", text));
}

/* Raises the limit of open files to the hard one. How many SMTP connections fit under it: a crowd of silent ones must not take
 * the files that large mails, the helpers and requests to providers need. */
static int64_t make_room_for_files(const struct settings *s)
{
    int64_t       wanted = s->smtp_max_connections, spare = SPARE_DESCRIPTORS + s->api_max_connections;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return wanted;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max == RLIM_INFINITY || (int64_t)files.rlim_max >= wanted + spare)
        return wanted;
    int64_t limit = (int64_t)files.rlim_max, half = limit / 2, fitting = limit - spare > half ? limit - spare : half;
    fitting = fitting < wanted ? fitting : wanted;
    log_line(LOG_WARN, "files.limit", LOG_I("limit", limit), LOG_I("wanted", wanted + spare), LOG_I("connections", fitting),
             LOG_S("text", "Smtp:MaxConnections does not fit under the limit of open files"));
    return fitting;
}

/* Found when the last day folders were compared with the rows: the inspector tells it as unreadable. */
static void on_raw_missing(void *user, int64_t seq)
{
    (void)user;
    log_line(LOG_ERROR, "arrival.missing", LOG_I("seq", seq), LOG_S("text", "its file is gone from the data folder"));
}

/* --- the listener ---------------------------------------------------------------------------------------------- */

static void on_kept(void *user, const struct arrival *a)
{
    struct gateway *g = user;
    if (g->inspector)
        inspector_wake(g->inspector, a->bytes > STORE_QUICK_BYTES);
}

/* "192.168.1.7 <cam@house> → <gate@house>: 552 5.3.4 … · Smtp:MaxMessage · 3 times before"; where there was no mail, only who. */
static void write_refused(struct buf *out, const char *peer, const struct smtp_refusal *r)
{
    const struct envelope *env = r->envelope;
    buf_puts(out, peer);
    if (env->from[0] || env->to_count > 0)
        buf_printf(out, " <%s> → <%s>", env->from, env->to_count > 0 ? env->to[0] : "");
    buf_printf(out, ": %s", r->reply);
    if (r->setting)
        buf_printf(out, " · %s", r->setting);
    if (r->repeats > 0)
        buf_printf(out, " · %llu times before", (unsigned long long)r->repeats);
}

/* What was refused stays visible: an event of our own, told at most once an hour per peer. */
static void on_refused(void *user, const char *peer, const struct smtp_refusal *r)
{
    struct gateway *g = user;
    if (!g->relay)
        return;
    enum { TEXT_MAX = 2048 };
    char key[80];
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, TEXT_MAX);
    (void)snprintf(key, sizeof key, "refused %s", peer);
    write_refused(&text, peer, r);
    relay_system(g->relay, "system.refused", false, key, buf_str(&text));
}

/* From any thread: the relay may be going. */
static void tell(struct gateway *g, const char *kind, bool restored, const char *key, const char *text)
{
    (void)pthread_mutex_lock(&g->telling);
    if (g->relay)
        relay_system(g->relay, kind, restored, key, text);
    (void)pthread_mutex_unlock(&g->telling);
}

/* --- devices --------------------------------------------------------------------------------------------------- */

/* The inspector's threads. */
static void on_clock(void *user, const char *key, bool is_right, const char *text)
{
    tell(user, "system.clock", is_right, key, text);
}

static void on_spoke(void *user, const struct transcript *t)
{
    struct gateway *g = user;
    if (g->devices && !drill_is_login(transcript_envelope(t)->login))
        devices_spoke(g->devices, t);
}

/* A rule of Smtp:Profiles, else the profile of the device with this address. */
static const struct smtp_profile *on_profile(void *user, const unsigned char address[16])
{
    struct gateway            *g = user;
    const struct smtp_profile *profile = smtp_settings_profile(&g->settings->smtp, address);
    char                       text[CIDR_TEXT];
    if (profile || !g->devices)
        return profile;
    return smtp_profile_find(devices_profile(g->devices, cidr_text(address, text)));
}

static bool on_is_panel(void *user, const unsigned char address[16])
{
    struct gateway *g = user;
    char            text[CIDR_TEXT];
    return g->devices && devices_is_panel(g->devices, cidr_text(address, text));
}

static bool on_is_hidden(void *user, const char *address)
{
    return gateways_hide_text(&((struct gateway *)user)->gateways, address);
}

/* Without the registry mails are kept and told as ever, under the names that their envelopes give. */
static void open_devices(struct gateway *g)
{
    const struct settings       *s = g->settings;
    const struct devices_options o = { .settings = &s->devices, .alarm_user = s->alarm_user, .status_user = s->status_user,
                                       .drift_max_ms = s->max_clock_drift_hours * 3600 * SECOND_MS, .user = g, .clock = on_clock, .is_hidden = on_is_hidden };
    struct err                   e;
    if (devices_open(g->store, &o, &g->devices, &e) < 0)
        log_line(LOG_ERROR, "devices.failed", LOG_S("text", e.text));
}

/* *kept holds what out lists. */
static int read_networks(const char *const *texts, struct cidr **kept, struct cidr_list *out, struct err *e)
{
    size_t count = 0;
    while (texts[count])
        count++;
    *kept = calloc(count + 1, sizeof **kept);
    if (!*kept)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (cidr_parse(texts[i], &(*kept)[i], e) < 0)
            return -1;
    *out = (struct cidr_list){ .items = *kept, .count = count };
    return 0;
}

static void say_listening(const struct gateway *g, int port, const char *tls)
{
    const char *address = g->settings->smtp_address;
    if (port > 0)
        log_line(LOG_INFO, tls ? "smtp.listening_tls" : "smtp.listening", LOG_S("address", address[0] ? address : "*"),
                 LOG_I("port", port), LOG_S("tls", tls));
}

static void on_certificate(void *user, struct tls_context *modern, struct tls_context *legacy)
{
    smtp_server_use_tls(((struct gateway *)user)->smtp, modern, legacy);
}

static void start_certificate(struct gateway *g)
{
    const struct settings           *s = g->settings;
    const struct certificate_options o = {
        .source = { s->smtp_certificate, s->smtp_key },
        .folder = s->store_folder,
        .name = s->smtp_hostname,
        .least = (enum tls_least)s->smtp_tls_least,
        .block = "Smtp",
        .user = g,
        .changed = on_certificate,
    };
    g->certificate = certificate_start(&g->loop, &o);
}

static int read_users(struct gateway *g, struct smtp_users *out, struct err *e)
{
    const struct smtp_users *known = &g->settings->smtp.users;
    g->users = calloc(known->count + 1, sizeof *g->users);
    if (!g->users)
        return err_set(e, ERR_NOMEM, "out of memory");
    memcpy(g->users, known->items, known->count * sizeof *g->users);
    *out = (struct smtp_users){ .items = g->users, .count = known->count + 1 };
    return drill_user(&g->users[known->count], e);
}

static int start_smtp(struct gateway *g, struct err *e)
{
    const struct settings *s = g->settings;
    struct smtp_options    o = {
        .address = s->smtp_address,
        .port = (int)s->smtp_port,
        .hostname = s->smtp_hostname,
        .limits = {
            .message_bytes = (size_t)s->smtp_max_message_mib << 20,
            .recipients = (size_t)s->smtp_max_recipients,
            .command_bytes = (size_t)s->smtp_max_command,
            .errors = (size_t)s->smtp_max_errors,
            .junk_commands = (size_t)s->smtp_max_idle_commands,
        },
        .message_ms = s->smtp_message_seconds * SECOND_MS,
        .bytes_per_second = s->smtp_bytes_per_second,
        .gate = {
            .mails = (size_t)s->smtp_max_mails_in_flight,
            .bytes = (size_t)s->smtp_max_memory_mib << 20,
            .mails_per_minute = s->smtp_mails_per_minute,
        },
        .are_gateways_allowed = s->is_smtp_allow_from_set,
        .auth = { .policy = (enum smtp_auth_policy)s->smtp_auth, .has_secrets = smtp_users_have_secrets(&s->smtp.users) },
        .connections = (size_t)g->connections,
        .connections_per_address = (size_t)s->smtp_max_connections_per_address,
        .command_ms = s->smtp_command_seconds * SECOND_MS,
        .data_ms = s->smtp_data_seconds * SECOND_MS,
        .session_ms = s->smtp_session_seconds * SECOND_MS,
        .tls_port = (int)s->smtp_tls_port,
        .legacy_port = (int)s->smtp_legacy_port,
        .tls_ms = s->smtp_tls_seconds * SECOND_MS,
        .user = g,
        .kept = on_kept,
        .refused = on_refused,
        .spoke = on_spoke,
        .profile_of = on_profile,
        .is_panel = on_is_panel,
        .gateways = g->gateways,
    };
    if (read_users(g, &o.users, e) < 0 || read_networks(s->smtp_allow_from, &g->networks, &o.allow_from, e) < 0 ||
        read_networks(s->smtp_legacy_allow_from, &g->legacy_networks, &o.legacy_allow_from, e) < 0 || smtp_server_start(&g->loop, g->store, &o, &g->smtp, e) < 0)
        return -1;
    say_listening(g, smtp_server_port(g->smtp), NULL);
    say_listening(g, smtp_server_tls_port(g->smtp), "always");
    say_listening(g, smtp_server_legacy_port(g->smtp), "old");
    start_certificate(g);
    return 0;
}

/* --- telling, understanding, showing: none of them may keep mails from being taken ------------------------------ */

/* Before the relay and the API, which both need it. */
static void read_link_key(struct gateway *g)
{
    struct err e;
    if (token_link_key(g->settings->store_folder, g->link_key, &e) == 0)
        g->links = g->link_key;
    else
        log_line(LOG_ERROR, "api.link_key", LOG_S("text", e.text));
}

static void start_relay(struct gateway *g)
{
    const struct settings *s = g->settings;
    struct relay_options   o = {
        .people = &s->people, .site = s->site_name, .language = s->site_language, .alarm_user = s->alarm_user,
        .status_user = s->status_user, .technician = s->technician, .public_url = s->api_public_url, .link_key = g->links, .reply_max = s->relay_reply_kib << 10,
        .request_seconds = s->relay_request_seconds, .same_act_seconds = s->same_act_seconds,
    };
    for (int i = SEVERITY_INFO; i <= SEVERITY_ALARM; i++) {
        o.give_up_hours[i] = s->relay_give_up_hours[i];
        o.next_way_seconds[i] = s->relay_next_way_seconds[i];
    }
    struct err e;
    if (relay_start(g->store, &o, &g->relay, &e) < 0) {
        log_line(LOG_ERROR, "relay.failed", LOG_S("text", e.text));
        health_set(HEALTH_RELAY, NULL, e.text);
    }
}

static void start_inspector(struct gateway *g)
{
    const struct settings *s = g->settings;
    struct err             e;
    (void)helper_path(g->helper, sizeof g->helper); /* what is missing now may come: the inspector tries again */
    struct inspector_options o = inspect_settings(s, g->helper, g->devices);
    o.mark = drill_mark;
    if (g->relay && inspector_start(g->store, g->relay, &o, &g->inspector, &e) < 0) {
        log_line(LOG_ERROR, "inspector.failed", LOG_S("text", e.text));
        health_set(HEALTH_INSPECTOR, NULL, e.text);
    }
    if (reparse_new(g->store, &o, &g->reparse, &e) < 0)
        log_line(LOG_ERROR, "reparse.failed", LOG_S("text", e.text));
    const struct import_options along = { .inspector = &o, .site = s->site_name };
    if (import_new(g->store, &along, &g->import, &e) < 0)
        log_line(LOG_ERROR, "import.failed", LOG_S("text", e.text));
    rules_start(&g->loop, s, g->helper);
}

/* LupuServ's compose file mounts no data folder: it works, until the container is made anew. */
static void check_volume(struct gateway *g)
{
    static const char text[] = "your history and unsent alarms will not survive \"docker compose down\"; add \"- ./data/postern:/data\" under volumes";
    if (mount_here(g->settings->store_folder) == MOUNT_LASTING)
        return;
    log_line(LOG_WARN, "store.volume", LOG_S("text", text));
    health_set(HEALTH_STORE, "volume", text);
    if (g->relay)
        relay_system(g->relay, "system.storage", false, "volume", text);
}

static const char *on_health(void *user, struct json_out *w, const char *key)
{
    (void)user;
    return health_state(w, key);
}

static int on_retry(void *user, const char *delivery, struct err *e)
{
    struct gateway *g = user;
    return g->relay ? relay_retry(g->relay, delivery, e) : err_set(e, ERR_STATE, "the relay does not run");
}

static int on_test(void *user, const char *recipient, const char *kind, struct json_out *w, struct err *e)
{
    struct gateway *g = user;
    return drill_run(g->drill, recipient, kind, w, e);
}

static int on_rename(void *user, const char *device, const char *name, struct err *e)
{
    struct gateway *g = user;
    return g->devices ? devices_rename(g->devices, device, name, e) : err_set(e, ERR_STATE, "the registry of devices does not run");
}

static int on_reparse(void *user, int64_t since_ms, const char *device, struct err *e)
{
    struct gateway *g = user;
    return g->reparse ? reparse_begin(g->reparse, since_ms, device, e) : err_set(e, ERR_BUSY, "out of memory");
}

static void on_reparse_progress(void *user, struct json_out *w)
{
    struct gateway *g = user;
    if (g->reparse)
        reparse_write(g->reparse, w);
}

static void on_settings(void *user, struct json_out *w)
{
    settings_write(((const struct gateway *)user)->settings, w);
}

static int on_check(void *user, const char *text, size_t n, struct json_out *w, struct err *e)
{
    (void)user;
    return administration_check(text, n, w, e);
}

static void on_accounts(void *user, struct json_out *w)
{
    administration_accounts(((const struct gateway *)user)->relay, w);
}

static void on_recipients(void *user, bool is_whole, struct json_out *w)
{
    administration_recipients(&((const struct gateway *)user)->settings->people, is_whole, w);
}

static int on_test_account(void *user, const char *account, struct json_out *w, struct err *e)
{
    return administration_test(&((const struct gateway *)user)->settings->people, account, w, e);
}

static int on_pause(void *user, const char *account, bool is_paused, const struct audit_entry *by, struct err *e)
{
    const struct gateway *g = user;
    return g->relay ? relay_pause(g->relay, account, is_paused, by, e) : err_set(e, ERR_STATE, "the relay does not run");
}

static int on_reload_try(void *user, struct json_out *w, struct err *e)
{
    struct gateway *g = user;
    return g->reload ? reload_try(g->reload, w, e) : err_set(e, ERR_BUSY, "out of memory");
}

static void on_reload(void *user)
{
    reload_begin(((const struct gateway *)user)->reload);
}

static int on_import(void *user, struct err *e)
{
    struct gateway *g = user;
    return g->import ? import_begin(g->import, e) : err_set(e, ERR_BUSY, "out of memory");
}

static void on_import_progress(void *user, struct json_out *w)
{
    struct gateway *g = user;
    if (g->import)
        import_write(g->import, w);
}

static int on_revoke_token(void *user, struct err *e)
{
    return token_revoke(((const struct gateway *)user)->settings->store_folder, e);
}

static int on_api_certificate(void *user, const char *certificate, const char *key, struct err *e)
{
    (void)user;
    return https_use(certificate, key, e);
}

static void start_api_certificate(struct gateway *g)
{
    const struct settings           *s = g->settings;
    const struct certificate_options o = {
        .source = { s->api_certificate, s->api_key }, .folder = s->store_folder, .name = s->smtp_hostname,
        .least = TLS_1_2, .block = "Api", .user = g, .read = on_api_certificate,
    };
    if (s->api_certificate[0] && !g->api_certificate)
        g->api_certificate = certificate_start(&g->loop, &o);
}

/* A copy: the API is stopped and started again when the database is ready. 0: it has to listen itself. */
static int api_door(const struct gateway *g)
{
    int copy = g->api_socket > 0 ? fcntl(g->api_socket, F_DUPFD_CLOEXEC, 0) : 0;
    return copy > 0 ? copy : 0;
}

/* Until the database is ready, on the same port: that we are alive, and what we wait for. */
static void start_waiting_api(struct gateway *g)
{
    const struct settings *s = g->settings;
    struct err             e;
    struct api_options     o = { .address = s->api_address, .port = (int)s->api_port, .socket = api_door(g), .public_url = s->api_public_url,
                                 .connections = (int)s->api_max_connections, .connections_per_address = (int)s->api_max_connections_per_address,
                                 .idle_seconds = (int)s->api_seconds, .is_tls = s->api_certificate[0] != '\0', .is_waiting = true, .user = g, .health = on_health };
    start_api_certificate(g);
    if (api_start(g->store, &o, &g->api, &e) < 0)
        log_line(LOG_ERROR, "api.failed", LOG_S("text", e.text));
    else
        log_line(LOG_INFO, "api.waiting", LOG_S("address", s->api_address), LOG_I("port", api_port(g->api)));
}

static void start_api(struct gateway *g)
{
    const struct settings *s = g->settings;
    struct err             e;
    start_api_certificate(g);
    if (token_ensure(s->store_folder, s->api_token, g->token, sizeof g->token, &e) < 0)
        log_line(e.code == ERR_STATE ? LOG_INFO : LOG_ERROR, "api.token", LOG_S("text", e.text));
    struct api_options o = {
        .address = s->api_address, .port = (int)s->api_port, .socket = api_door(g), .token = g->token, .is_token_chosen = s->api_token[0] != '\0',
        .is_tls = s->api_certificate[0] != '\0', .cors_origins = s->api_cors_origins, .site = s->site_name,
        .public_url = s->api_public_url, .link_key = g->links, .connections = (int)s->api_max_connections,
        .connections_per_address = (int)s->api_max_connections_per_address, .idle_seconds = (int)s->api_seconds,
        .streams = (int)s->api_max_streams,
        .user = g, .health = on_health, .retry = on_retry, .test = on_test, .rename = on_rename,
        .reparse = on_reparse, .reparse_progress = on_reparse_progress, .import_begin = on_import, .import_progress = on_import_progress, .revoke_token = on_revoke_token,
        .settings = on_settings, .check = on_check, .accounts = on_accounts, .recipients = on_recipients,
        .test_account = on_test_account, .pause = on_pause, .reload_try = on_reload_try, .reload = on_reload,
        .archive = g->archive.archive, .keep_local_days = s->store_keep_local_days,
    };
    if (drill_new(g->store, s->smtp_address, smtp_server_port(g->smtp), &s->people, &g->drill, &e) < 0
        || api_start(g->store, &o, &g->api, &e) < 0) {
        log_line(LOG_ERROR, "api.failed", LOG_S("text", e.text));
        health_set(HEALTH_SETTINGS, "api", e.text);
        return;
    }
    log_line(LOG_INFO, "api.listening", LOG_S("address", s->api_address), LOG_I("port", api_port(g->api)));
}

/* The keeper's thread. Restored, that is an info: nothing is wrong. */
static void on_forgotten(void *user, int64_t events, int64_t mails, int64_t pictures, int64_t bytes)
{
    struct gateway *g = user;
    char            text[200];
    (void)snprintf(text, sizeof text, "forgotten in a day (Store:Retention): %lld events, %lld mails, %lld pictures, %lld KiB",
                   (long long)events, (long long)mails, (long long)pictures, (long long)(bytes >> 10));
    log_line(LOG_INFO, "store.forgotten", LOG_S("text", text));
    tell(g, "system.storage", true, "forgotten", text);
}

/* Any thread. */
static void on_withdrawn(void *user)
{
    struct gateway *g = user;
    (void)pthread_mutex_lock(&g->telling);
    if (g->relay)
        relay_look_soon(g->relay);
    (void)pthread_mutex_unlock(&g->telling);
}

/* --- every second ---------------------------------------------------------------------------------------------- */

/* Told when it gets worse, and when all is well again. */
static void watch_disk(struct gateway *g)
{
    static const struct {
        const char *key, *text;
    } states[] = {
        [DISK_FREE] = { "disk free", "the disk has room again" },
        [DISK_LOW] = { "disk low", "the disk is nearly full: mails over the inline limit are refused, see Store:Floor" },
        [DISK_FULL] = { "disk full", "the disk is full: the reserve is in use, mails over the inline limit are refused" },
    };
    enum disk now = store_is_full(g->store) ? DISK_FULL : store_is_low(g->store) ? DISK_LOW : DISK_FREE, before = g->disk;
    if (now == before)
        return;
    g->disk = now;
    health_set(HEALTH_DISK, NULL, now == DISK_FREE ? NULL : states[now].text);
    if (g->relay && (now > before || now == DISK_FREE))
        relay_system(g->relay, "system.storage", now == DISK_FREE, states[now].key, states[now].text);
}

static void watch_store(struct gateway *g)
{
    int failed = store_failed_syncs(g->store);
    health_set(HEALTH_STORE, NULL, failed > 0 ? "the last write to the data folder failed" : NULL);
    health_set_down(failed >= 3 ? "mails cannot be kept: writes to the data folder fail" : NULL);
}

static void begin_stop(struct gateway *g);

/* They stay open for the program that begins after us; doors: bits of doors.h. */
static int keep_doors(const struct gateway *g, unsigned doors, struct err *e)
{
    bool has_api = g->api && (doors & 1U << DOOR_API);
    if (smtp_server_keep(g->smtp, doors, e) < 0 || (has_api && doors_keep_api(api_socket(g->api), e) < 0)) {
        inherited_forget();
        return -1;
    }
    return 0;
}

/* A new database is made at a start: so we end, and begin again in the same process (cmd_run). */
static void watch_damage(struct gateway *g)
{
    struct err e;
    if (g->is_stopping || g->is_damaged || !store_is_damaged(g->store))
        return;
    g->is_damaged = true;
    health_set(HEALTH_STORE, "damaged", "the database is damaged");
    if (store_mark_damaged(g->store, &e) < 0) {
        log_line(LOG_ERROR, "store.damaged", LOG_S("text", e.text));
        health_set(HEALTH_STORE, "damaged", e.text);
        if (g->relay)
            relay_system(g->relay, "system.storage", false, "damaged", e.text);
        return;
    }
    log_line(LOG_ERROR, "store.damaged", LOG_S("text", "the database is damaged: a new one is made from what can be read"));
    if (keep_doors(g, doors_same(g->settings, g->settings), &e) < 0)
        log_line(LOG_WARN, "doors.kept", LOG_S("text", e.text));
    g->begins_again = true;
    begin_stop(g);
}

/* What an earlier start found and mended; told once. */
static void tell_if_rebuilt(struct gateway *g)
{
    struct err e;
    if (!g->relay || !store_rebuilt(g->store))
        return;
    relay_system(g->relay, "system.storage", false, "rebuilt", store_rebuilt(g->store));
    if (store_rebuilt_told(g->store, &e) < 0)
        log_line(LOG_WARN, "store.rebuilt", LOG_S("text", e.text));
}

static void watch_relay(const struct gateway *g)
{
    if (g->relay)
        health_set(HEALTH_RELAY, NULL, relay_is_alive(g->relay) ? NULL : "nobody is told: the relay has not moved for 30 s");
}

static void watch_clock(void)
{
    health_set(HEALTH_CLOCK, NULL,
               !clock_is_set(clock_wall_ms()) ? "the clock was never set: times of events are wrong until it is" : NULL);
}

static void on_second(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    watch_disk(g);
    watch_store(g);
    watch_damage(g);
    watch_relay(g);
    watch_clock();
    archive_watch_tick(&g->archive);
    export_watch_tick(&g->export);
    notify_alive(clock_mono_ms());
    if (g->devices)
        devices_tick(g->devices);
    panel_poll_tick(g->panel, clock_wall_ms());
    clock_watch_tick(g->clock);
    certificate_tick(g->certificate, clock_mono_ms(), clock_wall_ms());
    certificate_tick(g->api_certificate, clock_mono_ms(), clock_wall_ms());
    g->seconds++;
    if (clock_mono_ms() < g->remind_ms)
        return;
    g->remind_ms = clock_mono_ms() + REMIND_MS;
    say_if_nobody_is_told(g->settings);
}

/* --- the end --------------------------------------------------------------------------------------------------- */

static void on_smtp_stopped(void *user)
{
    struct gateway *g = user;
    uv_close((uv_handle_t *)&g->second, NULL);
}

static void begin_stop(struct gateway *g)
{
    if (g->is_stopping)
        return;
    g->is_stopping = true;
    notify_stopping();
    reload_stop(g->reload);
    (void)uv_timer_stop(&g->look);
    panel_poll_stop(g->panel);
    certificate_stop(g->certificate);
    certificate_stop(g->api_certificate);
    smtp_server_stop(g->smtp, GRACE_MS, on_smtp_stopped, g);
}

static void on_stop(uv_signal_t *handle, int number)
{
    struct gateway *g = handle->data;
    if (!g->is_stopping || g->begins_again)
        log_line(LOG_INFO, "stopping", LOG_S("signal", number == SIGTERM ? "TERM" : "INT"));
    g->begins_again = false; /* also where we were about to */
    begin_stop(g);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct gateway *g = handle->data;
    (void)number;
    log_line(LOG_INFO, "reload.asked", LOG_S("by", "SIGHUP"));
    if (g->reload && !g->is_stopping)
        reload_ask(g->reload);
}

/* Held back from before the first thread until the handlers stand, and again from their end: so none is lost, or ends us, while we begin
 * again. Only this thread ever takes them. */
static void hold_signals(bool are_held)
{
    sigset_t ours;
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGTERM);
    (void)sigaddset(&ours, SIGINT);
    (void)sigaddset(&ours, SIGHUP);
    (void)pthread_sigmask(are_held ? SIG_BLOCK : SIG_UNBLOCK, &ours, NULL);
}

/* Those that came when the loop no longer turned; whatever comes now waits for the next program, if there is one. */
static void hear_last_signals(struct gateway *g)
{
    hold_signals(true);
    uv_ref((uv_handle_t *)&g->sigterm); /* else the loop has nothing to do */
    (void)uv_run(&g->loop, UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)&g->sigterm);
}

static void start_signal(struct gateway *g, uv_signal_t *handle, int number, uv_signal_cb heard)
{
    (void)uv_signal_init(&g->loop, handle);
    handle->data = g;
    (void)uv_signal_start(handle, heard, number);
    uv_unref((uv_handle_t *)handle); /* it stays until the store is closed: a second signal must not cut that short */
}

static void start_handles(struct gateway *g)
{
    (void)uv_timer_init(&g->loop, &g->second);
    (void)uv_timer_init(&g->loop, &g->look);
    g->remind_ms = clock_mono_ms() + REMIND_MS;
    g->second.data = g->look.data = g;
    (void)uv_timer_start(&g->second, on_second, 0, SECOND_MS);
    start_signal(g, &g->sigterm, SIGTERM, on_stop);
    start_signal(g, &g->sigint, SIGINT, on_stop);
    start_signal(g, &g->sighup, SIGHUP, on_hangup);
    hold_signals(false);
}

static void close_if_open(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_loop(struct gateway *g)
{
    hold_signals(true);
    uv_walk(&g->loop, close_if_open, NULL);
    (void)uv_run(&g->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&g->loop);
}

static void stop_api(struct gateway *g)
{
    drill_stop(g->drill); /* the API waits for its requests, and this one may take 30 s */
    api_stop(&g->api);
    drill_free(&g->drill);
}

/* What understands and tells: nobody but the caller has it from here on. */
static struct helpers take_helpers(struct gateway *g)
{
    struct helpers gone = { TAKE(g->reparse), TAKE(g->import), TAKE(g->inspector), NULL, g->archive, g->export };
    g->archive = (struct archive_watch){ 0 };
    g->export = (struct export_watch){ 0 };
    (void)pthread_mutex_lock(&g->telling);
    gone.relay = TAKE(g->relay);
    (void)pthread_mutex_unlock(&g->telling);
    return gone;
}

static void stop_helpers(struct helpers *gone)
{
    archive_watch_stop(&gone->archive);
    export_watch_stop(&gone->export);
    reparse_free(&gone->reparse);
    import_free(&gone->import);
    inspector_stop(&gone->inspector);
    relay_stop(&gone->relay);
}

static void stop_all(struct gateway *g)
{
    stop_api(g);
    stop_helpers(&g->gone); /* of a moment ago, if there was no thread for them */
    g->gone = take_helpers(g);
    stop_helpers(&g->gone);
    smtp_server_free(&g->smtp);
    devices_close(&g->devices);
    store_close(&g->store);
}

/* --- other settings ------------------------------------------------------------------------------------------------ */

static const char *on_in_the_way(void *user)
{
    struct gateway *g = user;
    if (store_phase(g->store) != STORE_READY)
        return "the database is being made ready";
    if (g->reparse && reparse_is_running(g->reparse))
        return "mails are being read again; ask when that has ended";
    return g->import && import_is_running(g->import) ? "an import is running; ask when it has ended" : NULL;
}

static bool on_is_calm(void *user)
{
    return smtp_server_is_calm(((const struct gateway *)user)->smtp);
}

static void on_unchanged(void *user)
{
    const struct gateway *g = user;
    certificate_look(g->certificate);
    certificate_look(g->api_certificate);
}

static void on_asked(void *user, size_t changes)
{
    const struct gateway    *g = user;
    char                     detail[40];
    const struct audit_entry by = { .who = "SIGHUP", .role = ROLE_ADMIN, .what = "settings.reload", .detail = detail };
    struct err               e;
    (void)snprintf(detail, sizeof detail, "{\"changed\":%zu}", changes);
    if (audit_add(g->store, &by, &e) < 0)
        log_line(LOG_WARN, "audit.failed", LOG_S("text", e.text));
}

/* Last of all the door: until now mails were taken and kept. */
static void on_helpers_stopped(uv_work_t *work, int status)
{
    struct gateway *g = work->data;
    (void)status;
    FAULT("reload.after_helpers");
    certificate_stop(g->certificate);
    certificate_stop(g->api_certificate);
    smtp_server_part(g->smtp, GRACE_MS, on_smtp_stopped, g);
}

static void on_stop_helpers(uv_work_t *work)
{
    stop_helpers(&((struct gateway *)work->data)->gone);
}

/* The panel's answer goes to the relay. */
static void on_panel_look(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    if (panel_poll_is_running(g->panel))
        return;
    (void)uv_timer_stop(timer);
    g->gone = take_helpers(g);
    if (uv_queue_work(&g->loop, &g->leaving, on_stop_helpers, on_helpers_stopped) < 0)
        on_helpers_stopped(&g->leaving, 0); /* stop_all() does it then, while nobody is served */
}

static void on_api_stopped(uv_work_t *work, int status)
{
    struct gateway *g = work->data;
    (void)status;
    (void)uv_timer_start(&g->look, on_panel_look, 0, PANEL_LOOK_MS);
}

static void on_stop_api(uv_work_t *work)
{
    stop_api(work->data);
}

/* The order of a stop turned round: what may make us wait is stopped in libuv's pool while mails go on being taken and kept, the door
 * comes last, and is shut for a moment only. */
static int on_go(void *user, unsigned same_doors, struct err *e)
{
    struct gateway *g = user;
    const char     *in_the_way = on_in_the_way(g);
    if (in_the_way)
        return err_set(e, ERR_STATE, "%s", in_the_way);
    if (keep_doors(g, same_doors, e) < 0)
        return -1;
    g->leaving.data = g;
    if (uv_queue_work(&g->loop, &g->leaving, on_stop_api, on_api_stopped) < 0)
        return err_set(e, ERR_NOMEM, "out of memory");
    g->is_stopping = g->begins_again = true;
    panel_poll_stop(g->panel);
    log_line(LOG_INFO, "reload.goes", LOG_S("text", "beginning again with the new settings"));
    return 0;
}

static void start_reload(struct gateway *g)
{
    const struct reload_options o = { .settings = g->settings, .user = g, .in_the_way = on_in_the_way, .is_calm = on_is_calm,
                                      .unchanged = on_unchanged, .go = on_go, .asked = on_asked };
    g->reload = reload_new(&g->loop, &o);
}

/* --- the clock -------------------------------------------------------------------------------------------------------- */

/* What devices said of the time was judged by a clock that was wrong. */
static void read_again(struct gateway *g)
{
    struct err e;
    if (g->reparse && reparse_begin(g->reparse, TAKE(g->reread_ms), NULL, &e) < 0)
        log_line(LOG_WARN, "clock.reparse", LOG_S("text", e.text));
}

/* Also at the start, before there is anybody to tell. */
static void on_clock_corrected(void *user, const struct clock_stepped *how)
{
    struct gateway *g = user;
    char            text[200];
    (void)snprintf(text, sizeof text, "our clock was set (%+lld s): %lld events that came before have their right time now",
                   (long long)(how->step_ms / 1000), (long long)how->events);
    log_line(LOG_INFO, "clock.set", LOG_S("text", text), LOG_I("mails", how->arrivals));
    if (g->relay && how->events > 0)
        relay_system(g->relay, "system.clock", true, "our clock", text);
    g->reread_ms = how->since_ms;
    if (g->reparse && g->reread_ms)
        read_again(g);
}

/* --- the life -------------------------------------------------------------------------------------------------- */

/* What needs the database. */
static void start_rest(struct gateway *g)
{
    const struct settings *s = g->settings;
    if (!g->devices)
        open_devices(g);
    read_link_key(g);
    g->clock = clock_watch_start(&g->loop, g->store, g, on_clock_corrected);
    start_relay(g);
    export_watch_start(&g->export, g->store, s, g->relay);
    start_inspector(g);
    if (g->reread_ms)
        read_again(g);
    archive_watch_start(&g->archive, g->store, s, g->relay);
    start_api(g);
    check_volume(g);
    tell_if_rebuilt(g);
    g->panel = panel_poll_new(&g->loop, s, g->relay);
    log_line(LOG_INFO, "started", LOG_S("version", POSTERN_VERSION), LOG_S("folder", s->store_folder), LOG_S("site", s->site_name),
             LOG_S("time_zone", s->site_time_zone));
}

/* Whether the database is still being made ready; says so to /readyz. */
static bool is_waiting(const struct gateway *g)
{
    static const struct {
        const char *word, *text;
    } phases[] = {
        [STORE_READY] = { NULL, NULL },
        [STORE_MIGRATING] = { "migrating", "the database is brought to this version; mails are asked to come again" },
        [STORE_REBUILDING] = { "rebuilding", "the database was damaged and is made anew from what can be read; mails are asked to come again" },
        [STORE_FAILED] = { NULL, NULL },
    };
    enum store_phase now = store_phase(g->store);
    health_set_phase(phases[now].word, phases[now].text);
    return phases[now].word != NULL;
}

static void on_look(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    if (is_waiting(g))
        return;
    (void)uv_timer_stop(timer);
    api_stop(&g->api);
    if (store_phase(g->store) == STORE_READY) {
        start_rest(g);
        return;
    }
    log_line(LOG_ERROR, "store.failed", LOG_S("text", store_failure(g->store)));
    g->exit_code = EX_CANTCREAT;
    begin_stop(g);
}

/* Mails hear 451 meanwhile: they come to a door that is open, and come again. */
static void start_or_wait(struct gateway *g)
{
    if (!is_waiting(g)) {
        start_rest(g);
    } else {
        start_waiting_api(g);
        (void)uv_timer_start(&g->look, on_look, LOOK_MS, LOOK_MS);
    }
    notify_ready();
}

static int live(struct gateway *g)
{
    const struct settings *s = g->settings;
    struct err             e;
    struct store_options   keep = {
        .folder = s->store_folder, .inline_max = s->store_inline_kib << 10, .inline_slow = s->store_inline_slow_kib << 10,
        .inline_memory = s->store_inline_memory_mib << 20, .reserve_bytes = s->store_reserve_mib << 20,
        .floor_bytes = s->store_floor_mib << 20, .floor_percent = (int)s->store_floor_percent,
        .max_bytes = s->store_max_bytes, .keep_raw_days = (int)s->store_keep_raw_days,
        .rules = s->keep_rules, .rule_count = s->keep_rule_count, .has_archive = s->archive_uri[0] != '\0',
        .is_prepared_beside = true, .user = g, .raw_is_missing = on_raw_missing, .forgotten = on_forgotten, .withdrawn = on_withdrawn,
    };
    if (store_open(&keep, &g->store, &e) < 0) {
        log_line(LOG_ERROR, "store.failed", LOG_S("text", e.text));
        return e.code == ERR_VERSION ? EX_CONFIG : EX_CANTCREAT;
    }
    gateways_find(&g->gateways);
    if (store_phase(g->store) == STORE_READY)
        open_devices(g);
    if (start_smtp(g, &e) < 0) {
        log_line(LOG_ERROR, "smtp.failed", LOG_S("text", e.text));
        devices_close(&g->devices);
        store_close(&g->store);
        return EX_UNAVAILABLE;
    }
    start_reload(g);
    start_handles(g);
    start_or_wait(g);
    (void)uv_run(&g->loop, UV_RUN_DEFAULT);
    stop_all(g);
    hear_last_signals(g);
    log_line(LOG_INFO, "stopped", LOG_I("seconds", g->seconds));
    return g->exit_code;
}

int cmd_run(const struct settings *s, int argc, char **argv)
{
    (void)argc, (void)argv;
    (void)setenv("UV_THREADPOOL_SIZE", "16", 0); /* 4 threads gave 190 files/s where syncs take 10 ms */
    (void)mallopt(M_ARENA_MAX, 2);               /* few threads allocate: more arenas only cost memory */
    (void)signal(SIGPIPE, SIG_IGN);
    hold_signals(true);
    pthread_t logger;
    start_logger(s, &logger);
    say_mistakes(s);
    int64_t connections = make_room_for_files(s);
    say_if_nobody_is_told(s);
    metrics_set(METRIC_BUILD_INFO, POSTERN_VERSION, NULL, 1);

    struct gateway g = { .settings = s, .connections = connections, .api_socket = doors_api_socket(s) };
    (void)pthread_mutex_init(&g.telling, NULL);
    (void)uv_loop_init(&g.loop);
    int code = live(&g);
    close_loop(&g);
    panel_poll_free(&g.panel);
    clock_watch_free(&g.clock);
    reload_free(&g.reload);
    (void)pthread_mutex_destroy(&g.telling);
    certificate_free(&g.certificate);
    certificate_free(&g.api_certificate);
    free(g.users);
    free(g.networks);
    free(g.legacy_networks);
    log_stop();
    (void)pthread_join(logger, NULL);
    if (!g.begins_again)
        return code;
    FAULT("reload.before_exec");
    int failed = again_begin();
    return code ? code : failed;
}
