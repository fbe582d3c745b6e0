/* archive_bench URI FOLDER [EVENTS [GATEWAYS]]: fills as many stores with events, lets them all copy into one archive at once and says
 * how fast it went, in tenths of the way: is it as fast at the end as at the beginning? */
#include "core/clock.h"
#include "store/archive.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GATEWAYS_MAX = 64, PARTS = 10, WAIT_MS = 120000 };

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

struct gateway {
    pthread_t       thread;
    char            site[16], folder[512];
    int             events;
    struct store   *store;
    struct archive *archive;
};

static void give_up(const struct err *e)
{
    (void)fprintf(stderr, "%s\n", e->text);
    exit(1);
}

/* Opens its store and fills it: all gateways at once, since each waits for the disk. */
static void *begin(void *user)
{
    struct gateway      *g = user;
    struct store_options o = { .folder = g->folder, .reserve_bytes = 1 };
    struct err           e;
    if (store_open(&o, &g->store, &e) < 0)
        give_up(&e);
    for (int at = 0; at < g->events; at += 1000) {
        struct filling f = { .op = { .rank = STORE_EVENT, .apply = apply }, .first = at, .site = g->site,
                             .count = g->events - at < 1000 ? g->events - at : 1000 };
        if (store_do(g->store, &f.op, &e) < 0)
            give_up(&e);
    }
    return NULL;
}

static void *end(void *user)
{
    struct gateway *g = user;
    archive_stop(&g->archive);
    store_close(&g->store);
    return NULL;
}

static void all_at_once(struct gateway *gateways, int count, void *(*run)(void *))
{
    for (int i = 0; i < count; i++)
        if (pthread_create(&gateways[i].thread, NULL, run, &gateways[i]) != 0)
            exit(1);
    for (int i = 0; i < count; i++)
        (void)pthread_join(gateways[i].thread, NULL);
}

static uint64_t copied(struct gateway *gateways, int count)
{
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        struct archive_state state;
        archive_state(gateways[i].archive, &state);
        sum += state.copied;
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

/* Until all is there; how much is. Says how fast each part of it went. */
static uint64_t watch(struct gateway *gateways, int count, uint64_t all, int64_t began)
{
    uint64_t at = 0, part = 0;
    int64_t  part_began = began;
    while (at < all && clock_mono_ms() - began < WAIT_MS) {
        (void)usleep(2000);
        at = copied(gateways, count);
        if (at < all * (part / (all / PARTS) + 1) / PARTS || at == part)
            continue;
        int64_t now = clock_mono_ms();
        (void)printf("%8llu events: %6.0f/s\n", (unsigned long long)at, (double)(at - part) * 1000 / (double)(now - part_began + 1));
        part = at;
        part_began = now;
    }
    return at;
}

int main(int argc, char **argv)
{
    static struct gateway gateways[GATEWAYS_MAX];
    int                   events = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 200000, count = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 1;
    struct err            e = { 0 };
    if (argc < 3 || count < 1 || count > GATEWAYS_MAX || events / count < PARTS)
        return 64;
    for (int i = 0; i < count; i++) {
        gateways[i].events = events / count;
        (void)snprintf(gateways[i].site, sizeof gateways[i].site, "Site %d", i + 1);
        (void)snprintf(gateways[i].folder, sizeof gateways[i].folder, "%s/%d", argv[2], i);
    }
    (void)mkdir(argv[2], 0700); /* once, not by each */
    all_at_once(gateways, count, begin);
    int64_t began = clock_mono_ms();
    double  used = used_ms();
    for (int i = 0; i < count; i++) {
        struct archive_options o = { .uri = argv[1], .site = gateways[i].site, .has_pictures = true };
        if (archive_start(gateways[i].store, &o, &gateways[i].archive, &e) < 0)
            give_up(&e);
    }
    uint64_t all = (uint64_t)(events / count) * (uint64_t)count, at = watch(gateways, count, all, began);
    double   seconds = (double)(clock_mono_ms() - began) / 1000;
    (void)printf("archive: %d gateways, %llu events, %.1f s, %.0f/s, %.0f us of the processor an event\n", count, (unsigned long long)at, seconds,
                 (double)at / seconds, (used_ms() - used) * 1000 / (double)(at + 1));
    all_at_once(gateways, count, end);
    return at < all;
}
