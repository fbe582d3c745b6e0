/* archive_bench URI FOLDER [EVENTS [GATEWAYS]]: fills as many stores with events, lets them all copy into one archive at once and says
 * how fast it went, in tenths of the way: is it as fast at the end as at the beginning? */
#include "core/clock.h"
#include "store/archive.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { GATEWAYS_MAX = 64, PARTS = 10 };

struct filling {
    struct store_op op;
    int             first, count;
    const char     *site;
};

static int apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct filling     *f = (struct filling *)(void *)op;
    struct event_origin origin = { .site = f->site, .parser = "bench", .received_ms = clock_wall_ms() };
    for (int i = 0; i < f->count; i++) {
        CLEANUP(arena_done) struct arena arena;
        arena_init(&arena, 1 << 20);
        struct events list = { .arena = &arena };
        struct event *ev = events_add(&list, (f->first + i) % 10 == 0 ? "alarm.interior" : "zone.open");
        int64_t       seq;
        bool          is_new;
        if (!ev)
            return -1;
        ev->device_id = ev->device_name = "panel";
        ev->zone_number = (f->first + i) % 40;
        ev->zone_name = "Ost 1, Innenbereich";
        ev->text = arena_printf(&arena, "Zone:%d Ost 1, Innenbereich, DC Open - Mobility, Nr. %d", ev->zone_number, f->first + i);
        if (tx_events(tx, 0, &origin, &list, &seq, &is_new, e) < 0)
            return -1;
    }
    return 0;
}

static void fill(struct store *s, int events, const char *site)
{
    struct err e;
    for (int at = 0; at < events; at += 1000) {
        struct filling f = { .op = { .rank = STORE_EVENT, .apply = apply }, .first = at, .count = events - at < 1000 ? events - at : 1000, .site = site };
        if (store_do(s, &f.op, &e) < 0) {
            (void)fprintf(stderr, "%s\n", e.text);
            exit(1);
        }
    }
}

static uint64_t copied(struct archive **archives, int gateways, bool *is_failing_out)
{
    uint64_t sum = 0;
    *is_failing_out = false;
    for (int i = 0; i < gateways; i++) {
        struct archive_state state;
        archive_state(archives[i], &state);
        sum += state.copied;
        *is_failing_out |= state.is_failing;
        if (state.is_failing)
            (void)fprintf(stderr, "%s\n", state.text);
    }
    return sum;
}

/* Processor time of this process. */
static double used_ms(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

int main(int argc, char **argv)
{
    int             events = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 200000, gateways = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 1;
    struct store   *stores[GATEWAYS_MAX] = { NULL };
    struct archive *archives[GATEWAYS_MAX] = { NULL };
    struct err      e = { 0 };
    char            site[GATEWAYS_MAX][16], folder[512];
    if (argc < 3 || gateways > GATEWAYS_MAX)
        return 64;
    for (int i = 0; i < gateways; i++) {
        (void)snprintf(site[i], sizeof site[i], "Site %d", i + 1);
        (void)snprintf(folder, sizeof folder, "%s/%d", argv[2], i);
        struct store_options o = { .folder = folder, .reserve_bytes = 1 };
        if (store_open(&o, &stores[i], &e) < 0)
            return (void)fprintf(stderr, "%s\n", e.text), 1;
        fill(stores[i], events / gateways, site[i]);
    }
    int64_t began = clock_mono_ms();
    double  used = used_ms();
    for (int i = 0; i < gateways; i++) {
        struct archive_options o = { .uri = argv[1], .site = site[i], .has_pictures = true };
        if (archive_start(stores[i], &o, &archives[i], &e) < 0)
            return (void)fprintf(stderr, "%s\n", e.text), 1;
    }
    uint64_t all = (uint64_t)(events / gateways) * (uint64_t)gateways, at = 0, part = 0;
    int64_t  part_began = began;
    while (at < all && clock_mono_ms() - began < 120000) {
        bool is_failing;
        (void)usleep(2000);
        at = copied(archives, gateways, &is_failing);
        if (at >= all * (part / (all / PARTS) + 1) / PARTS && at > part) {
            int64_t now = clock_mono_ms();
            (void)printf("%8llu events: %6.0f/s\n", (unsigned long long)at, (double)(at - part) * 1000 / (double)(now - part_began + 1));
            part = at;
            part_began = now;
        }
    }
    double seconds = (double)(clock_mono_ms() - began) / 1000;
    (void)printf("archive: %d gateways, %llu events, %.1f s, %.0f/s, %.0f us of the processor an event\n", gateways, (unsigned long long)at, seconds,
                 (double)at / seconds, (used_ms() - used) * 1000 / (double)(at + 1));
    for (int i = 0; i < gateways; i++) {
        archive_stop(&archives[i]);
        store_close(&stores[i]);
    }
    return at < all;
}
