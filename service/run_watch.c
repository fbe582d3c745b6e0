/* run_watch: what is looked at every second, and told when it changes. */
#include "core/clock.h"
#include "service/certificate.h"
#include "service/clock_watch.h"
#include "service/devices.h"
#include "service/doors.h"
#include "service/health.h"
#include "service/notify.h"
#include "service/panel_poll.h"
#include "service/relay.h"
#include "service/reparse.h"
#include "service/run_inside.h"
#include <stdio.h>
#include <sys/wait.h>

void say_if_nobody_is_told(const struct settings *s)
{
    static const char text[] = "NOBODY WILL BE TOLD: no account and recipient but the log; see Accounts and Recipients";
    health_set(HEALTH_RECIPIENTS, NULL, s->people.is_nobody_told ? text : NULL);
    if (s->people.is_nobody_told)
        log_line(LOG_ERROR, "recipients.none", LOG_S("text", text));
}

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
void tell_if_rebuilt(struct gateway *g)
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

/* As a container's first process we inherit whom others leave behind (`docker exec`, a health check cut short): dead, each would hold one
 * of pids_limit. The kernel gives them to this thread; helpers are children of the threads that started them, which reap them. */
static void reap_orphans(void)
{
    while (waitpid(-1, NULL, WNOHANG | __WNOTHREAD) > 0)
        continue;
}

void on_second(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    reap_orphans();
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

/* --- the clock -------------------------------------------------------------------------------------------------------- */

/* What devices said of the time was judged by a clock that was wrong. */
void read_again(struct gateway *g)
{
    struct err e;
    if (g->reparse && reparse_begin(g->reparse, TAKE(g->reread_ms), NULL, &e) < 0)
        log_line(LOG_WARN, "clock.reparse", LOG_S("text", e.text));
}

/* Also at the start, before there is anybody to tell. */
void on_clock_corrected(void *user, const struct clock_stepped *how)
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
