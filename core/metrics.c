/* metrics: one lock, one short list of series per metric. Series are few: labels are our own words. */
#include "core/metrics.h"
#include "core/utf8.h"
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A device's id has up to 64 bytes. "other" may be several series where a second label tells them apart. */
enum { SERIES_MAX = 200, OTHER_MAX = 20, LABEL_BYTES = 72, BUCKETS = 12 };

enum type { COUNTER, GAUGE, HISTOGRAM };
static const char *const type_names[] = { "counter", "gauge", "histogram" };

static const struct {
    const char *name;
    enum type   type;
    const char *label1, *label2;
    const char *help;
} table[METRIC_LAST] = {
    [METRIC_BUILD_INFO] = { "postern_build_info", GAUGE, "version", NULL, "The running version, always 1." },
    [METRIC_ARRIVALS] = { "postern_arrivals_total", COUNTER, "listener", "result", "What devices sent, by the answer they heard." },
    [METRIC_EVENTS] = { "postern_events_total", COUNTER, "kind", "severity", "Events made from arrivals." },
    [METRIC_DELIVERIES] = { "postern_deliveries_total", COUNTER, "account", "state", "Deliveries that reached a final state." },
    [METRIC_OUTBOX_PENDING] = { "postern_outbox_pending", GAUGE, "account", NULL, "Deliveries not yet told through this account." },
    [METRIC_OUTBOX_OLDEST] = { "postern_outbox_oldest_seconds", GAUGE, "account", NULL, "Age of the oldest of them." },
    [METRIC_COMMIT_SECONDS] = { "postern_commit_seconds", HISTOGRAM, NULL, NULL, "Time of one database transaction with its sync." },
    [METRIC_DELIVERY_SECONDS] = { "postern_delivery_seconds", HISTOGRAM, NULL, NULL, "From the arrival's 250 to the provider's yes." },
    [METRIC_INSPECTOR_RESTARTS] = { "postern_inspector_restarts_total", COUNTER, NULL, NULL, "Times postern-inspect had to be started again." },
    [METRIC_SMTP_CONNECTIONS] = { "postern_smtp_connections", GAUGE, NULL, NULL, "Open SMTP connections." },
    [METRIC_SMTP_REFUSED] = { "postern_smtp_refused_total", COUNTER, "reason", NULL, "Peers and mails that were refused." },
    [METRIC_SMTP_TLS] = { "postern_smtp_tls_total", COUNTER, "version", NULL, "Conversations that went on under TLS." },
    [METRIC_SMTP_TLS_FAILED] = { "postern_smtp_tls_failed_total", COUNTER, "reason", NULL, "Handshakes and TLS links that failed." },
    [METRIC_DEVICE_LAST_SEEN] = { "postern_device_last_seen_seconds", GAUGE, "device", NULL, "When the device last sent anything, unix time." },
    [METRIC_ARCHIVE_LAG_EVENTS] = { "postern_archive_lag_events", GAUGE, NULL, NULL, "Events and changes that the archive does not have yet." },
    [METRIC_ARCHIVE_LAG_SECONDS] = { "postern_archive_lag_seconds", GAUGE, NULL, NULL, "Age of the oldest event that the archive does not have yet." },
    [METRIC_ARCHIVE_COPIED] = { "postern_archive_copied_total", COUNTER, "what", NULL, "What was copied to the archive: events, pictures." },
    [METRIC_ARCHIVE_FORGOTTEN] = { "postern_archive_forgotten_total", COUNTER, "what", NULL, "Events that went from the archive by age, or whose pictures did." },
    [METRIC_EXPORTED] = { "postern_exported_pictures_total", COUNTER, NULL, NULL, "Pictures put into Store:ExportFolder." },
    [METRIC_API_REFUSED] = { "postern_api_refused_total", COUNTER, "reason", NULL, "Requests of those who may not ask." },
};

static const double bucket_tops[BUCKETS] = { .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 30 };

struct series {
    char     label1[LABEL_BYTES], label2[LABEL_BYTES];
    double   value;
    uint64_t buckets[BUCKETS + 1]; /* histograms only */
    uint64_t count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static struct {
    struct series *series;
    size_t         count;
} all[METRIC_LAST];

/* As much of a label as is kept, cut at a character. */
static void set_label(char out[LABEL_BYTES], const char *text)
{
    text = text ? text : "";
    size_t n = utf8_cut(text, strlen(text), LABEL_BYTES - 1);
    memcpy(out, text, n);
    out[n] = '\0';
}

static struct series *look_up(enum metric m, const struct series *labels)
{
    for (size_t i = 0; i < all[m].count; i++) {
        struct series *s = &all[m].series[i];
        if (strcmp(s->label1, labels->label1) == 0 && strcmp(s->label2, labels->label2) == 0)
            return s;
    }
    return NULL;
}

static struct series *append(enum metric m, const struct series *labels)
{
    struct series *grown = realloc(all[m].series, (all[m].count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    all[m].series = grown;
    grown[all[m].count] = *labels;
    return &grown[all[m].count++];
}

/* The series with these labels, made if need be; NULL if memory or even "other" ran out. */
static struct series *find(enum metric m, const char *label1, const char *label2)
{
    struct series labels = { 0 };
    set_label(labels.label1, label1);
    set_label(labels.label2, label2);
    struct series *s = look_up(m, &labels);
    if (s || all[m].count < SERIES_MAX)
        return s ? s : append(m, &labels);
    set_label(labels.label1, "other");
    s = look_up(m, &labels);
    if (s || all[m].count < SERIES_MAX + OTHER_MAX)
        return s ? s : append(m, &labels);
    return NULL;
}

void metrics_add(enum metric m, const char *label1, const char *label2, double by)
{
    (void)pthread_mutex_lock(&lock);
    struct series *s = find(m, label1, label2);
    if (s)
        s->value += by;
    (void)pthread_mutex_unlock(&lock);
}

void metrics_set(enum metric m, const char *label1, const char *label2, double value)
{
    (void)pthread_mutex_lock(&lock);
    struct series *s = find(m, label1, label2);
    if (s)
        s->value = value;
    (void)pthread_mutex_unlock(&lock);
}

void metrics_forget(enum metric m)
{
    (void)pthread_mutex_lock(&lock);
    free(all[m].series);
    all[m].series = NULL;
    all[m].count = 0;
    (void)pthread_mutex_unlock(&lock);
}

void metrics_observe(enum metric m, double seconds)
{
    (void)pthread_mutex_lock(&lock);
    struct series *s = find(m, NULL, NULL);
    if (s) {
        size_t i = 0;
        while (i < BUCKETS && seconds > bucket_tops[i])
            i++;
        s->buckets[i]++;
        s->count++;
        s->value += seconds;
    }
    (void)pthread_mutex_unlock(&lock);
}

/* A label's value with the three escapes of the text format. */
static void put_label(struct buf *out, const char *name, const char *value, bool is_first)
{
    buf_printf(out, "%s%s=\"", is_first ? "" : ",", name);
    for (const char *p = value; *p; p++) {
        if (*p == '\\' || *p == '"')
            buf_putc(out, '\\');
        if (*p == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *p);
    }
    buf_putc(out, '"');
}

static void put_histogram(struct buf *out, const char *name, const struct series *s)
{
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += s->buckets[i];
        buf_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, bucket_tops[i], (unsigned long long)below);
    }
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", name, (unsigned long long)s->count, name,
               s->value, name, (unsigned long long)s->count);
}

static void put_series(struct buf *out, enum metric m, const struct series *s)
{
    if (table[m].type == HISTOGRAM) {
        put_histogram(out, table[m].name, s);
        return;
    }
    buf_puts(out, table[m].name);
    if (table[m].label1) {
        buf_putc(out, '{');
        put_label(out, table[m].label1, s->label1, true);
        if (table[m].label2)
            put_label(out, table[m].label2, s->label2, false);
        buf_putc(out, '}');
    }
    buf_printf(out, " %.17g\n", s->value);
}

static size_t count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    size_t n = 0;
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself */
}

static void put_process_value(struct buf *out, const char *name, const char *type, const char *help, double value)
{
    buf_printf(out, "# HELP process_%s %s\n# TYPE process_%s %s\nprocess_%s %.17g\n", name, help, name, type, name, value);
}

/* utime, stime, threads, start time, virtual bytes and resident pages of proc(5)'s /proc/self/stat. */
static void put_process(struct buf *out)
{
    char  text[1024] = "";
    FILE *f = fopen("/proc/self/stat", "re");
    if (f) {
        size_t n = fread(text, 1, sizeof text - 1, f);
        text[n] = '\0';
        (void)fclose(f);
    }
    unsigned long long utime = 0, stime = 0, threads = 0, start = 0, virtual_bytes = 0, pages = 0;
    const char        *p = strrchr(text, ')');
    if (p)
        (void)sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %llu %*d %llu %llu %llu",
                     &utime, &stime, &threads, &start, &virtual_bytes, &pages);
    double        ticks = (double)sysconf(_SC_CLK_TCK);
    struct rlimit files = { 0 };
    (void)getrlimit(RLIMIT_NOFILE, &files);
    struct timespec boot = { 0 }, now = { 0 };
    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double booted_at = (double)now.tv_sec - (double)boot.tv_sec;
    put_process_value(out, "cpu_seconds_total", "counter", "User and system time.", (double)(utime + stime) / ticks);
    put_process_value(out, "resident_memory_bytes", "gauge", "Resident memory.", (double)pages * (double)sysconf(_SC_PAGESIZE));
    put_process_value(out, "virtual_memory_bytes", "gauge", "Virtual memory.", (double)virtual_bytes);
    put_process_value(out, "open_fds", "gauge", "Open descriptors.", (double)count_descriptors());
    put_process_value(out, "max_fds", "gauge", "Limit of descriptors.", (double)files.rlim_cur);
    put_process_value(out, "threads", "gauge", "Threads.", (double)threads);
    put_process_value(out, "start_time_seconds", "gauge", "Start, unix time.", booted_at + (double)start / ticks);
}

void metrics_render(struct buf *out)
{
    (void)pthread_mutex_lock(&lock);
    for (enum metric m = 0; m < METRIC_LAST; m++) {
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", table[m].name, table[m].help, table[m].name,
                   type_names[table[m].type]);
        if (all[m].count == 0 && !table[m].label1)
            put_series(out, m, &(struct series){ .value = 0 });
        for (size_t i = 0; i < all[m].count; i++)
            put_series(out, m, &all[m].series[i]);
    }
    (void)pthread_mutex_unlock(&lock);
    put_process(out);
}
