/* export_watch: a look every second; nothing here waits for the folder. */
#include "service/export_watch.h"
#include "core/metrics.h"
#include "service/health.h"
#include <stdio.h>

enum { TELL_AFTER_MS = 60 * 1000 }; /* a share that is away while its server starts anew is no news */

void export_watch_start(struct export_watch *w, struct store *store, const struct settings *s, struct relay *relay)
{
    struct exporter_options o = {
        .folder = s->store_export_folder, .site = s->site_name, .days = (int)s->store_export_days, .bytes = s->store_export_bytes,
    };
    struct err e;
    *w = (struct export_watch){ .relay = relay };
    if (s->store_export_folder[0] == '\0')
        return;
    if (exporter_start(store, &o, &w->exporter, &e) < 0) {
        log_line(LOG_ERROR, "export.failed", LOG_S("text", e.text));
        health_set(HEALTH_EXPORT, NULL, e.text);
        return;
    }
    log_line(LOG_INFO, "export.started", LOG_S("folder", s->store_export_folder));
}

/* Told once when it has lasted, and once when it is over. */
static void tell(struct export_watch *w, const struct exporter_state *s)
{
    bool is_bad = s->is_failing && s->failing_ms >= TELL_AFTER_MS;
    char text[400];
    if (is_bad == w->is_told || (w->is_told && s->is_failing))
        return;
    w->is_told = is_bad;
    (void)snprintf(text, sizeof text, is_bad ? "pictures are not exported: %s" : "pictures are exported again%s", is_bad ? s->text : "");
    if (w->relay)
        relay_system(w->relay, "system.storage", !is_bad, is_bad ? "export" : "export restored", text);
}

void export_watch_tick(struct export_watch *w)
{
    if (!w->exporter)
        return;
    struct exporter_state s;
    exporter_state(w->exporter, &s);
    health_set(HEALTH_EXPORT, NULL, s.is_failing ? s.text : NULL);
    metrics_add(METRIC_EXPORTED, NULL, NULL, (double)(s.pictures - w->pictures));
    w->pictures = s.pictures;
    tell(w, &s);
}

void export_watch_stop(struct export_watch *w)
{
    exporter_stop(&w->exporter);
}
