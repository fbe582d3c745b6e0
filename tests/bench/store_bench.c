/* store_bench FOLDER [BYTES [SECONDS]]: durable arrivals per second with 1, 10 and 50 senders that each wait for their answer. */
#include "core/clock.h"
#include "core/id.h"
#include "store/store.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SENDERS_MAX = 50 };

static atomic_bool is_over;

struct sender {
    struct arrival a;
    struct store *store;
    const char *data;
    size_t bytes;
    pthread_t thread;
    pthread_mutex_t lock; /* guards has_ended and result */
    pthread_cond_t ended;
    bool has_ended;
    int64_t kept, failed, worst_ms;
};

static void on_kept(struct arrival *a, const struct err *failed)
{
    struct sender *s = (struct sender *)a;
    (void)pthread_mutex_lock(&s->lock);
    s->has_ended = true;
    s->failed += failed != NULL;
    (void)pthread_cond_signal(&s->ended);
    (void)pthread_mutex_unlock(&s->lock);
}

static int spool_all(struct sender *s)
{
    struct err e;
    s->a.data = NULL;
    if (spool_open(s->store, s->a.id, s->a.received_ms, &s->a.spool, &e) < 0)
        return -1;
    if (spool_write(s->a.spool, s->data, s->bytes, &e) == 0 && spool_sync(s->a.spool, &e) == 0)
        return 0;
    spool_abandon(&s->a.spool);
    return -1;
}

static void *send_all(void *user)
{
    struct sender *s = user;
    while (!is_over) {
        s->a.received_ms = clock_wall_ms();
        (void)id_make(s->a.id, s->a.received_ms);
        s->a.envelope = "{\"listener\":\"smtp\",\"peer\":\"192.168.1.20\",\"helo\":\"panel\",\"login\":\"\",\"from\":\"xt1@"
                        "home\",\"to\":[\"alarm@home\"]}";
        s->a.bytes = (int64_t)s->bytes;
        s->a.data = s->data;
        s->a.kept = on_kept;
        if ((int64_t)s->bytes > store_inline_max(s->store) && spool_all(s) < 0)
            continue;
        s->has_ended = false;
        int64_t start = clock_mono_ms();
        store_accept(s->store, &s->a);
        (void)pthread_mutex_lock(&s->lock);
        while (!s->has_ended)
            (void)pthread_cond_wait(&s->ended, &s->lock);
        (void)pthread_mutex_unlock(&s->lock);
        int64_t took = clock_mono_ms() - start;
        s->worst_ms = took > s->worst_ms ? took : s->worst_ms;
        s->kept++;
    }
    return NULL;
}

static double cpu_seconds(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void measure(struct store *store, int count, const char *data, size_t bytes, unsigned seconds)
{
    static struct sender senders[SENDERS_MAX];
    memset(senders, 0, sizeof senders);
    is_over = false;
    double cpu = cpu_seconds();
    int64_t start = clock_mono_ms(), kept = 0, failed = 0, worst = 0;
    store_hint_conversation(store, count);
    for (int i = 0; i < count; i++) {
        struct sender *s = &senders[i];
        s->store = store;
        s->data = data;
        s->bytes = bytes;
        (void)pthread_mutex_init(&s->lock, NULL);
        (void)pthread_cond_init(&s->ended, NULL);
        if (pthread_create(&s->thread, NULL, send_all, s) != 0)
            exit(1);
    }
    (void)sleep(seconds);
    is_over = true;
    for (int i = 0; i < count; i++) {
        (void)pthread_join(senders[i].thread, NULL);
        kept += senders[i].kept;
        failed += senders[i].failed;
        worst = senders[i].worst_ms > worst ? senders[i].worst_ms : worst;
    }
    store_hint_conversation(store, -count);
    double took = (double)(clock_mono_ms() - start) / 1000;
    cpu = cpu_seconds() - cpu;
    printf("senders=%d bytes=%zu kept_per_s=%.0f cpu_us_each=%.1f worst_ms=%lld failed=%lld\n", count, bytes,
           (double)kept / took, kept ? cpu * 1e6 / (double)kept : 0, (long long)worst, (long long)failed);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: store_bench FOLDER [BYTES [SECONDS]]\n");
        return 64;
    }
    size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    unsigned seconds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 3;
    char *data = malloc(bytes + 1);
    if (!data)
        return 1;
    memset(data, 'x', bytes);

    struct store *store;
    struct err e = { 0 };
    if (store_open(&(struct store_options){ .folder = argv[1] }, &store, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    static const int counts[] = { 1, 10, SENDERS_MAX };
    for (size_t i = 0; i < COUNT(counts); i++)
        measure(store, counts[i], data, bytes, seconds);
    store_close(&store);
    free(data);
    return 0;
}
