/* run_api: the API, and what it may ask of the house. Its questions come on threads of its own. */
#include "api/api.h"
#include "api/https.h"
#include "service/administration.h"
#include "service/certificate.h"
#include "service/devices.h"
#include "service/drill.h"
#include "service/health.h"
#include "service/import.h"
#include "service/relay.h"
#include "service/reload.h"
#include "service/reparse.h"
#include "service/run_inside.h"
#include <fcntl.h>

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
void start_waiting_api(struct gateway *g)
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

void start_api(struct gateway *g)
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

void stop_api(struct gateway *g)
{
    drill_stop(g->drill); /* the API waits for its requests, and this one may take 30 s */
    api_stop(&g->api);
    drill_free(&g->drill);
}
