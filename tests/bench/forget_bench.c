/* forget_bench FOLDER [EVENTS [SECONDS]]: how long a mail waits for its 250 while the past is forgotten. Fills a store with EVENTS old
 * events (half infos that go as a whole, half whose pictures are cut out of their mails, every 20th in a file), then keeps one small mail
 * each 5 ms, first without retention, then with it until all is forgotten or SECONDS are over. */
#include "core/clock.h"
#include "store/db.h"
#include "store/inside.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PICTURE = 12000, FILE_EVERY = 20, SAMPLES = 100000, PAUSE_US = 5000, BARE_SECONDS = 5 };
static const char head[] = "Subject: garden\r\n\r\nsomebody is there\r\n--x\r\n", tail[] = "\r\n--x--\r\n";
static const int64_t day_ms = 86400000;

static char mail[sizeof head + PICTURE + sizeof tail];

static void fail(const struct err *e)
{
    (void)fprintf(stderr, "forget_bench: %s\n", e->text);
    exit(1);
}

/* --- the past --------------------------------------------------------------------------------------------------------- */

static void make_mail(void)
{
    size_t n = strlen(head);
    memcpy(mail, head, n);
    memset(mail + n, 'A', PICTURE);
    memcpy(mail + n + PICTURE, tail, sizeof tail);
}

static void write_file(const char *folder, const char *file)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, mail, strlen(mail)) != (ssize_t)strlen(mail))
        perror(path);
    (void)close(fd);
}

static int run(struct db *d, const char *sql, int64_t seq, int64_t ms, const char *text, struct err *e)
{
    return text ? db_run(d, e, sql, P(seq), P(ms), P(text)) : db_run(d, e, sql, P(seq), P(ms));
}

static int add(struct db *d, const char *folder, int64_t seq, int64_t ms, bool has_picture, struct err *e)
{
    static const char bare[] = "INSERT INTO arrivals(seq, id, received_ms, bytes, state, envelope, subject, raw)"
                               " VALUES(?1, 'a' || ?1, ?2, length(?3), 2, '{\"peer\":\"192.168.1.20\"}', 'garden', CAST(?3 AS BLOB))",
                      apart[] = "INSERT INTO arrivals(seq, id, received_ms, bytes, state, envelope, subject, raw)"
                                " VALUES(?1, 'a' || ?1, ?2, length(?3), 2, '{\"peer\":\"192.168.1.20\"}', 'garden', x'')",
                      filed[] = "INSERT INTO arrivals(seq, id, received_ms, bytes, state, envelope, subject, file)"
                                " VALUES(?1, 'a' || ?1, ?2, 12061, 2, '{\"peer\":\"192.168.1.20\"}', 'garden', ?3)",
                      body[] = "INSERT INTO bodies(arrival, raw) VALUES(?1, CAST(?3 AS BLOB))",
                      event[] = "INSERT INTO events(seq, id, arrival, n, received_ms, parser, kind, restored, severity, device, text)"
                                " VALUES(?1, 'e' || ?1, ?1, 1, ?2, 'camera', 'camera.motion', 0, 0, 'cam' || (?1 % 12), 'somebody is there')",
                      media[] = "INSERT INTO media(event, n, type, name, bytes, offset, length, encoding) SELECT ?1, 1, 'image/jpeg', '', 9000, 43, 12000, 1 WHERE ?2";
    char file[FILE_TEXT];
    bool is_file = has_picture && seq % FILE_EVERY == 0;
    (void)snprintf(file, sizeof file, "arrivals/2001/01/01/%" PRId64 ".eml", seq);
    if (is_file)
        write_file(folder, file);
    if (run(d, is_file ? filed : has_picture ? apart : bare, seq, ms, is_file ? file : has_picture ? mail : "Subject: garden\r\n\r\nshort\r\n", e) < 0)
        return -1;
    if (has_picture && !is_file && run(d, body, seq, ms, mail, e) < 0)
        return -1;
    return run(d, event, seq, ms, NULL, e) < 0 || (has_picture && run(d, media, seq, ms, NULL, e) < 0) ? -1 : 0;
}

static int make_day(const char *folder)
{
    static const char *const parts[] = { "arrivals", "arrivals/2001", "arrivals/2001/01", "arrivals/2001/01/01" };
    char                     path[512];
    for (size_t i = 0; i < COUNT(parts); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, parts[i]);
        (void)mkdir(path, 0700);
    }
    return 0;
}

static void fill(const char *folder, int64_t count)
{
    struct err e = { 0 };
    struct db *d = NULL;
    char       path[512];
    (void)snprintf(path, sizeof path, "%s/postern.db", folder);
    (void)make_day(folder);
    if (db_open(path, DB_WRITER, &d, &e) < 0 || db_exec(d, "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 4000; BEGIN", &e) < 0)
        fail(&e);
    for (int64_t i = 1; i <= count; i++) {
        bool is_first = i <= count / 2;
        if (add(d, folder, i, clock_wall_ms() - (is_first ? 100 : 40) * day_ms, !is_first || i % 2, &e) < 0)
            fail(&e);
        if (i % 5000 == 0 && db_exec(d, "COMMIT; BEGIN", &e) < 0)
            fail(&e);
    }
    if (db_exec(d, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", &e) < 0)
        fail(&e);
    db_close(&d);
}

/* --- mails ---------------------------------------------------------------------------------------------------------------- */

struct waiting {
    struct arrival  a;
    pthread_mutex_t lock; /* guards has_ended */
    pthread_cond_t  ended;
    bool            has_ended;
};

static void on_kept(struct arrival *a, const struct err *failed)
{
    struct waiting *w = (struct waiting *)a;
    if (failed)
        fail(failed);
    (void)pthread_mutex_lock(&w->lock);
    w->has_ended = true;
    (void)pthread_cond_signal(&w->ended);
    (void)pthread_mutex_unlock(&w->lock);
}

/* One small mail: what it waits, in microseconds. */
static int64_t keep_one(struct store *s, struct waiting *w)
{
    w->a = (struct arrival){ .received_ms = clock_wall_ms(), .envelope = "{\"listener\":\"smtp\"}", .data = "Subject: x\r\n\r\nZone:8 Ost 1\r\n", .kept = on_kept };
    (void)id_make(w->a.id, w->a.received_ms);
    w->a.bytes = (int64_t)strlen(w->a.data);
    w->has_ended = false;
    int64_t start = clock_steady_us();
    store_accept(s, &w->a);
    (void)pthread_mutex_lock(&w->lock);
    while (!w->has_ended)
        (void)pthread_cond_wait(&w->ended, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
    return clock_steady_us() - start;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, int64_t *us, size_t n)
{
    size_t over = 0;
    for (size_t i = 0; i < n; i++)
        over += us[i] > 50000;
    qsort(us, n, sizeof *us, by_size);
    (void)printf("%-20s %6zu mails: median %6.2f ms, p99 %6.2f ms, most %7.2f ms, %zu over 50 ms\n", what, n, (double)us[n / 2] / 1000,
                 (double)us[n * 99 / 100] / 1000, (double)us[n - 1] / 1000, over);
}

/* What is still to be forgotten; asked now and then only. */
static int64_t left(struct db *d)
{
    struct err e = { 0 };
    int64_t    events = 0, pictures = 0;
    if (db_number(d, "SELECT count(*) FROM events WHERE received_ms < (SELECT max(received_ms) FROM arrivals) - 90 * 86400000", 0, &events, &e) < 0 ||
        db_number(d, "SELECT count(*) FROM media WHERE forgotten_ms IS NULL", 0, &pictures, &e) < 0)
        fail(&e);
    return events > pictures ? events : pictures;
}

static double cpu_seconds(void)
{
    struct rusage r;
    (void)getrusage(RUSAGE_SELF, &r);
    return (double)r.ru_utime.tv_sec + (double)r.ru_stime.tv_sec + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void measure(const char *folder, const char *what, bool is_forgetting, int64_t count, int64_t seconds)
{
    static const struct keep_rule rules[] = { { .what = KEEP_EVENTS, .severity = 0, .days = 90 }, { .what = KEEP_PICTURES, .severity = -1, .days = 30 } };
    static int64_t us[SAMPLES];
    struct store  *s = NULL;
    struct db     *d = NULL;
    struct err     e = { 0 };
    struct waiting w = { .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER };
    const struct store_options o = { .folder = folder, .keep_raw_days = 36500, .max_bytes = INT64_C(1) << 50, .rules = rules, .rule_count = is_forgetting ? 2 : 0 };
    if (store_open(&o, &s, &e) < 0 || db_open(s->database, DB_READER, &d, &e) < 0)
        fail(&e);
    size_t  n = 0;
    int64_t start = clock_steady_us(), rest = count, looked = start;
    double  cpu = cpu_seconds();
    while (n < SAMPLES && clock_steady_us() - start < seconds * 1000000 && rest > 0) {
        us[n++] = keep_one(s, &w);
        (void)usleep(PAUSE_US);
        if (is_forgetting && clock_steady_us() - looked > 1000000) {
            rest = left(d);
            looked = clock_steady_us();
        }
    }
    double took = (double)(clock_steady_us() - start) / 1e6;
    print(what, us, n);
    if (is_forgetting)
        (void)printf("%-20s %6.0f events and pictures a second; %" PRId64 " left after %.1f s; %.2f s of processor time\n", "", (double)(count - left(d)) / took, left(d), took,
                     cpu_seconds() - cpu);
    db_close(&d);
    store_close(&s);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "forget_bench FOLDER [EVENTS [SECONDS]]\n");
        return 64;
    }
    int64_t       count = argc > 2 ? strtoll(argv[2], NULL, 10) : 50000, seconds = argc > 3 ? strtoll(argv[3], NULL, 10) : 600;
    struct store *s = NULL;
    struct err    e = { 0 };
    if (store_open(&(struct store_options){ .folder = argv[1] }, &s, &e) < 0)
        fail(&e);
    store_close(&s);
    make_mail();
    fill(argv[1], count);
    measure(argv[1], "nothing to forget", false, count, BARE_SECONDS);
    measure(argv[1], "while forgetting", true, count, seconds);
    return 0;
}
