/* test_metrics: the page is what Prometheus reads, whatever the labels are, and stays bounded. */
#include "core/metrics.h"
#include "core/utf8.h"
#include "testing.h"
#include <pthread.h>

static char *page(void)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    metrics_render(&out);
    assert_false(out.failed);
    char *text = buf_take(&out);
    assert_non_null(text);
    return text;
}

static void assert_has_line(const char *line, bool is_there)
{
    char *text = page(), whole[300];
    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    if ((strstr(text, whole) != NULL) != is_there)
        fail_msg("%s: %s", is_there ? "missing" : "still there", line);
    free(text);
}

static size_t count_lines(const char *head)
{
    char  *text = page(), start[100];
    size_t n = 0;
    (void)snprintf(start, sizeof start, "\n%s", head);
    for (const char *p = strstr(text, start); p; p = strstr(p + 1, start))
        n++;
    free(text);
    return n;
}

static void test_metrics_add_and_set(void **state)
{
    (void)state;
    metrics_add(METRIC_ARRIVALS, "smtp", "kept", 1);
    metrics_add(METRIC_ARRIVALS, "smtp", "kept", 2);
    metrics_add(METRIC_ARRIVALS, "smtp", "refused", 1);
    metrics_set(METRIC_SMTP_CONNECTIONS, NULL, NULL, 7);
    metrics_set(METRIC_SMTP_CONNECTIONS, NULL, NULL, 5);
    assert_has_line("# TYPE postern_arrivals_total counter", true);
    assert_has_line("postern_arrivals_total{listener=\"smtp\",result=\"kept\"} 3", true);
    assert_has_line("postern_arrivals_total{listener=\"smtp\",result=\"refused\"} 1", true);
    assert_has_line("postern_smtp_connections 5", true);
    assert_has_line("postern_inspector_restarts_total 0", true);
}

static void test_metrics_escape_labels(void **state)
{
    (void)state;
    metrics_set(METRIC_OUTBOX_PENDING, "a\"b\\c\nd", NULL, 1);
    assert_has_line("postern_outbox_pending{account=\"a\\\"b\\\\c\\nd\"} 1", true);
    metrics_forget(METRIC_OUTBOX_PENDING);
    assert_has_line("postern_outbox_pending{account=\"a\\\"b\\\\c\\nd\"} 1", false);
}

static void test_metrics_keep_200_devices_and_call_the_rest_other(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char device[20];
        (void)snprintf(device, sizeof device, "cam-%d", i);
        metrics_set(METRIC_DEVICE_LAST_SEEN, device, NULL, i);
    }
    assert_int_equal(count_lines("postern_device_last_seen_seconds{"), 201);
    assert_has_line("postern_device_last_seen_seconds{device=\"cam-199\"} 199", true);
    assert_has_line("postern_device_last_seen_seconds{device=\"cam-200\"} 200", false);
    assert_has_line("postern_device_last_seen_seconds{device=\"other\"} 999", true);
    metrics_set(METRIC_DEVICE_LAST_SEEN, "cam-3", NULL, 5000);
    assert_has_line("postern_device_last_seen_seconds{device=\"cam-3\"} 5000", true);
    metrics_forget(METRIC_DEVICE_LAST_SEEN);
}

static void test_metrics_other_is_one_series_per_second_label(void **state)
{
    (void)state;
    metrics_add(METRIC_EVENTS, "other", "info", 1);
    for (int i = 0; i < 400; i++) {
        char kind[20];
        (void)snprintf(kind, sizeof kind, "k%d", i);
        metrics_add(METRIC_EVENTS, kind, i % 2 ? "info" : "alarm", 1);
    }
    assert_int_equal(count_lines("postern_events_total{kind=\"other\""), 2);
    assert_has_line("postern_events_total{kind=\"other\",severity=\"alarm\"} 100", true);
    assert_has_line("postern_events_total{kind=\"other\",severity=\"info\"} 102", true);
    for (int i = 0; i < 400; i++) {
        char severity[20];
        (void)snprintf(severity, sizeof severity, "s%d", i);
        metrics_add(METRIC_EVENTS, "k", severity, 1);
    }
    assert_true(count_lines("postern_events_total{") <= 220);
    metrics_forget(METRIC_EVENTS);
}

static void test_metrics_keep_whole_device_names(void **state)
{
    (void)state;
    char a[65], b[65], umlauts[203] = "x";
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    a[64] = b[64] = '\0';
    b[63] = 'b';
    for (size_t i = 1; i + 2 < sizeof umlauts; i += 2)
        memcpy(umlauts + i, "ü", 3);
    metrics_set(METRIC_DEVICE_LAST_SEEN, a, NULL, 1);
    metrics_set(METRIC_DEVICE_LAST_SEEN, b, NULL, 2);
    metrics_set(METRIC_DEVICE_LAST_SEEN, umlauts, NULL, 3);
    metrics_set(METRIC_DEVICE_LAST_SEEN, umlauts, NULL, 4);
    assert_int_equal(count_lines("postern_device_last_seen_seconds{"), 3);
    char *text = page();
    assert_true(utf8_is_valid(text, strlen(text)));
    free(text);
    metrics_forget(METRIC_DEVICE_LAST_SEEN);
}

static void test_metrics_histogram_adds_up(void **state)
{
    (void)state;
    assert_has_line("postern_commit_seconds_count 0", true);
    metrics_observe(METRIC_COMMIT_SECONDS, .0005);
    metrics_observe(METRIC_COMMIT_SECONDS, .003);
    metrics_observe(METRIC_COMMIT_SECONDS, 100);
    assert_has_line("postern_commit_seconds_bucket{le=\"0.0005\"} 1", true);
    assert_has_line("postern_commit_seconds_bucket{le=\"0.0025\"} 1", true);
    assert_has_line("postern_commit_seconds_bucket{le=\"0.005\"} 2", true);
    assert_has_line("postern_commit_seconds_bucket{le=\"30\"} 2", true);
    assert_has_line("postern_commit_seconds_bucket{le=\"+Inf\"} 3", true);
    assert_has_line("postern_commit_seconds_count 3", true);
    assert_has_line("postern_commit_seconds_sum 100.0035", true);
}

static void test_metrics_process_values_are_there(void **state)
{
    (void)state;
    static const char *const names[] = { "cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "threads", "start_time_seconds" };
    char                    *text = page();
    for (size_t i = 0; i < COUNT(names); i++) {
        char line[80];
        (void)snprintf(line, sizeof line, "\nprocess_%s ", names[i]);
        const char *found = strstr(text, line);
        assert_non_null(found);
        double value = strtod(found + strlen(line), NULL);
        assert_true(value > 0 || strcmp(names[i], "cpu_seconds_total") == 0);
    }
    free(text);
}

static void *add_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2000; i++) {
        metrics_add(METRIC_SMTP_REFUSED, i % 2 ? "size" : "peer", NULL, 1);
        if (i % 500 == 0)
            free(page());
    }
    return NULL;
}

static void test_metrics_count_from_any_thread(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        (void)pthread_join(threads[i], NULL);
    assert_has_line("postern_smtp_refused_total{reason=\"size\"} 4000", true);
    assert_has_line("postern_smtp_refused_total{reason=\"peer\"} 4000", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_add_and_set),
        cmocka_unit_test(test_metrics_escape_labels),
        cmocka_unit_test(test_metrics_keep_200_devices_and_call_the_rest_other),
        cmocka_unit_test(test_metrics_other_is_one_series_per_second_label),
        cmocka_unit_test(test_metrics_keep_whole_device_names),
        cmocka_unit_test(test_metrics_histogram_adds_up),
        cmocka_unit_test(test_metrics_process_values_are_there),
        cmocka_unit_test(test_metrics_count_from_any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
