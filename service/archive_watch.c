/* archive_watch: a look every second; nothing here waits for the archive. */
#include "service/archive_watch.h"
#include "core/metrics.h"
#include "service/health.h"
#include <stdio.h>

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS };

static void on_note(void *user, const char *text)
{
    (void)user;
    log_line(LOG_WARN, "archive.note", LOG_S("text", text));
}

void archive_watch_start(struct archive_watch *w, struct store *store, const struct settings *s, struct relay *relay)
{
    struct archive_options o = {
        .uri = s->archive_uri, .site = s->site_name, .call_ms = s->archive_seconds * SECOND_MS, .has_pictures = s->has_archive_pictures,
        .keep_days = s->archive_keep_days, .keep_pictures_days = s->archive_keep_pictures_days,
        .note = on_note,
    };
    struct err e;
    *w = (struct archive_watch){ .relay = relay, .tell_after_ms = s->archive_tell_minutes * MINUTE_MS };
    if (s->archive_uri[0] == '\0')
        return;
    if (archive_start(store, &o, &w->archive, &e) < 0) {
        log_line(LOG_ERROR, "archive.failed", LOG_S("text", e.text));
        health_set(HEALTH_ARCHIVE, NULL, e.text);
        return;
    }
    log_line(LOG_INFO, "archive.started", LOG_S("where", archive_where(w->archive)));
}

/* Told when it has lasted, and when what was told of is over. */
static void tell(struct archive_watch *w, const struct archive_state *s)
{
    bool is_bad = s->is_failing && w->tell_after_ms > 0 && s->failing_ms >= w->tell_after_ms;
    if (is_bad == w->is_told || (w->is_told && s->is_failing))
        return;
    w->is_told = is_bad;
    char text[400];
    if (is_bad)
        (void)snprintf(text, sizeof text, "%lld events wait for the archive: %s", (long long)s->events, s->text);
    else
        (void)snprintf(text, sizeof text, "the archive takes events again");
    if (w->relay)
        relay_system(w->relay, "system.archive", !is_bad, is_bad ? "archive" : "archive restored", text);
}

/* What is new since the last look. */
static void count(struct archive_watch *w, const struct archive_state *s)
{
    metrics_add(METRIC_ARCHIVE_COPIED, "events", NULL, (double)(s->copied - w->copied));
    metrics_add(METRIC_ARCHIVE_COPIED, "pictures", NULL, (double)(s->pictures - w->pictures));
    metrics_add(METRIC_ARCHIVE_FORGOTTEN, "events", NULL, (double)(s->forgotten - w->forgotten));
    metrics_add(METRIC_ARCHIVE_FORGOTTEN, "pictures", NULL, (double)(s->forgotten_pictures - w->forgotten_pictures));
    if (s->forgotten > w->forgotten || s->forgotten_pictures > w->forgotten_pictures)
        log_line(LOG_INFO, "archive.forgot", LOG_I("events", (int64_t)(s->forgotten - w->forgotten)),
                 LOG_I("pictures_of", (int64_t)(s->forgotten_pictures - w->forgotten_pictures)));
    w->copied = s->copied;
    w->pictures = s->pictures;
    w->forgotten = s->forgotten;
    w->forgotten_pictures = s->forgotten_pictures;
}

void archive_watch_tick(struct archive_watch *w)
{
    if (!w->archive)
        return;
    struct archive_state s;
    archive_state(w->archive, &s);
    health_set(HEALTH_ARCHIVE, NULL, s.is_failing ? s.text : NULL);
    metrics_set(METRIC_ARCHIVE_LAG_EVENTS, NULL, NULL, (double)s.events);
    metrics_set(METRIC_ARCHIVE_LAG_SECONDS, NULL, NULL, (double)s.seconds);
    count(w, &s);
    tell(w, &s);
}

void archive_watch_stop(struct archive_watch *w)
{
    archive_stop(&w->archive);
}
