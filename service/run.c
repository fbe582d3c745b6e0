/* run: the gateway's life: settings → store → listener → relay → inspector → API → loop → stop.
 * The order is the promise: mails are taken as soon as they can be kept, whatever else is still starting or broken. */
#include "api/api.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/metrics.h"
#include "core/turn.h"
#include "net/inherited.h"
#include "net/smtp_server.h"
#include "service/again.h"
#include "service/archive_watch.h"
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
#include "service/run_inside.h"
#include "service/token.h"
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <uv.h>

enum {
    LOOK_MS = 50,
    SPARE_DESCRIPTORS = 64, /* the database, helpers, requests to providers */
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

/* Whoever knocks there is let in by the kernel and waits for a greeting that never comes. */
static void check_sockets(void)
{
    int  port = inherited_untaken();
    char text[160];
    (void)snprintf(text, sizeof text, "systemd listens on port %d for us, which is no port of the settings: who knocks there hears nothing; see ListenStream= and Smtp:Port", port);
    if (port > 0)
        log_line(LOG_WARN, "socket.untaken", LOG_I("port", port), LOG_S("text", text));
    health_set(HEALTH_SETTINGS, "socket", port > 0 ? text : NULL);
}

/* The keeper's thread. Restored, that is an info: nothing is wrong. */
static void on_forgotten(void *user, int64_t events, int64_t mails, int64_t pictures, int64_t bytes)
{
    struct gateway *g = user;
    char            text[200];
    (void)snprintf(text, sizeof text, "forgotten in a day (Store:Retention): %lld events, %lld mails, %lld pictures, %lld KiB",
                   (long long)events, (long long)mails, (long long)pictures, (long long)(bytes >> 10));
    log_line(LOG_INFO, "store.forgotten", LOG_S("text", text));
    tell_owner(g, "system.storage", true, "forgotten", text);
}

/* Any thread. */
static void on_erased(void *user)
{
    struct gateway *g = user;
    (void)pthread_mutex_lock(&g->telling);
    if (g->relay)
        relay_erased(g->relay);
    (void)pthread_mutex_unlock(&g->telling);
}

/* --- the end --------------------------------------------------------------------------------------------------- */

void begin_stop(struct gateway *g)
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

/* What understands and tells: nobody but the caller has it from here on. */
struct helpers take_helpers(struct gateway *g)
{
    struct helpers gone = { TAKE(g->reparse), TAKE(g->import), TAKE(g->inspector), NULL, g->archive, g->export };
    g->archive = (struct archive_watch){ 0 };
    g->export = (struct export_watch){ 0 };
    (void)pthread_mutex_lock(&g->telling);
    gone.relay = TAKE(g->relay);
    (void)pthread_mutex_unlock(&g->telling);
    return gone;
}

void stop_helpers(struct helpers *gone)
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
    check_sockets();
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
        .is_prepared_beside = true, .user = g, .raw_is_missing = on_raw_missing, .forgotten = on_forgotten, .erased = on_erased,
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
    turn_take(TURN_DEVICE);
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
