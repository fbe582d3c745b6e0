/* The inspector with a real postern-inspect, a store and a relay in memory. */
#include "core/clock.h"
#include "core/metrics.h"
#include "fakes.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define ALARM "Subject: x\r\n\r\nZone:8 Ost 1, Innenbereich Alarm\r\n"
#define CRASH "X-Postern-Test: crash\r\n" ALARM
#define HANG  "X-Postern-Test: hang\r\n" ALARM

static struct inspector *in;
static const char       *rules; /* NULL: none */

static void start(const char *program, int64_t unreadable_ms)
{
    const struct inspector_options o = {
        .program = program, .site_time_zone = "Europe/Berlin", .language = "de", .alarm_user = "alarm", .status_user = "status",
        .memory_mib = 256, .is_sandboxed = true, .unreadable_ms = unreadable_ms, .job_ms = 300,
        .rules = rules,
    };
    struct err e;
    assert_int_equal(inspector_start(NULL, NULL, &o, &in, &e), 0);
}

static const char *program(void)
{
    const char *path = getenv("POSTERN_INSPECT");
    assert_non_null(path);
    return path;
}

static int64_t keep(const char *to, const char *raw)
{
    int64_t seq = fake_keep(to, false, raw, raw ? strlen(raw) : 0);
    inspector_wake(in, false);
    inspector_wake(in, true);
    return seq;
}

typedef bool reached(const struct fake_arrival *a);

/* Waits up to 20 s, as long as a loaded machine with sanitizers may need; a good run needs milliseconds. */
static struct fake_arrival wait_for(int64_t seq, reached *is_reached)
{
    struct fake_arrival a = fake_look(seq);
    for (int i = 0; i < 4000 && !is_reached(&a); i++) {
        (void)usleep(5000);
        a = fake_look(seq);
    }
    assert_true(is_reached(&a));
    return a;
}

static bool is_understood(const struct fake_arrival *a)
{
    return a->state == ARRIVAL_UNDERSTOOD;
}

static bool is_told(const struct fake_arrival *a)
{
    return a->told > 0;
}

static bool is_given_up(const struct fake_arrival *a)
{
    return a->state == ARRIVAL_GIVEN_UP;
}

static double restarts(void)
{
    struct buf page;
    buf_init(&page, 1 << 20);
    metrics_render(&page);
    const char *line = strstr(buf_str(&page), "\npostern_inspector_restarts_total ");
    double      n = line ? strtod(strrchr(line + 1, ' ') ? line + sizeof "\npostern_inspector_restarts_total" : line, NULL) : 0;
    buf_done(&page);
    return n;
}

static int set_up(void **state)
{
    (void)state;
    fake_reset();
    fake_relay_start();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    inspector_stop(&in);
    fake_relay_stop();
    return 0;
}

static void every_mail_is_read_once_while_the_relay_is_slow(void **state)
{
    (void)state;
    enum { MAILS = 100 };
    start(program(), 60000);
    fake_hold_relay(true);
    for (int i = 0; i < MAILS; i++)
        (void)keep("alarm@h", ALARM);
    (void)usleep(300000);
    inspector_wake(in, false);
    inspector_wake(in, true);
    (void)usleep(50000);
    fake_hold_relay(false);
    for (int i = 1; i <= MAILS; i++) {
        struct fake_arrival a = wait_for(i, is_understood);
        assert_string_equal(a.kind, "alarm.interior");
        assert_string_equal(a.parser, "lupusec");
        assert_int_equal(a.understood, 1);
        assert_int_equal(a.told, 0);
    }
}

static void a_full_relay_is_waited_for(void **state)
{
    (void)state;
    enum { MAILS = 1200 };
    start(program(), 60000);
    fake_hold_relay(true);
    for (int i = 0; i < MAILS; i++)
        (void)fake_keep("alarm@h", false, ALARM, sizeof ALARM - 1);
    inspector_wake(in, false);
    inspector_wake(in, true);
    (void)usleep(200000);
    fake_hold_relay(false);
    for (int i = 1; i <= MAILS; i++)
        assert_int_equal(wait_for(i, is_understood).understood, 1);
}

static void a_mail_that_kills_the_reader_is_given_up_after_three_tries(void **state)
{
    (void)state;
#ifndef POSTERN_FAULTS
    skip();
#endif
    start(program(), 60000);
    double  before = restarts();
    int64_t poison = keep("alarm@h", CRASH), good = keep("alarm@h", ALARM);
    (void)wait_for(good, is_understood);
    struct fake_arrival a = wait_for(poison, is_given_up);
    assert_int_equal(a.tries, 3);
    assert_int_equal(a.given_up, 1);
    assert_string_equal(a.kind, "unreadable");
    assert_int_equal(a.severity, SEVERITY_ALARM);
    assert_true(restarts() == before + 3);
}

static void a_mail_that_hangs_the_reader_is_given_up_and_delays_the_next_by_its_deadline_only(void **state)
{
    (void)state;
#ifndef POSTERN_FAULTS
    skip();
#endif
    start(program(), 60000);
    int64_t began = clock_mono_ms();
    int64_t poison = keep("status@h", HANG), good = keep("alarm@h", ALARM);
    (void)wait_for(good, is_understood);
    assert_true(clock_mono_ms() - began < 300 + 5000);
    struct fake_arrival a = wait_for(poison, is_given_up);
    assert_int_equal(a.tries, 3);
    assert_int_equal(a.severity, SEVERITY_WARNING);
}

static void what_is_not_read_in_time_is_told_and_corrected_later(void **state)
{
    (void)state;
    char folder[] = "/tmp/postern-inspector-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/postern-inspect", folder);
    start(path, 400);
    int64_t             small = keep("alarm@h", ALARM), large = fake_keep("x@h", true, ALARM, sizeof ALARM - 1);
    struct fake_arrival a = wait_for(small, is_told);
    assert_string_equal(a.kind, "unreadable");
    assert_int_equal(a.severity, SEVERITY_ALARM);
    assert_int_equal(wait_for(large, is_told).severity, SEVERITY_WARNING);
    assert_string_not_equal(fake_health(), "");

    assert_int_equal(symlink(program(), path), 0);
    a = wait_for(small, is_understood);
    assert_string_equal(a.kind, "alarm.interior");
    assert_int_equal(a.told, 1);
    assert_int_equal(wait_for(large, is_understood).told, 1);
    for (int i = 0; i < 400 && *fake_health(); i++)
        (void)usleep(5000);
    assert_string_equal(fake_health(), "");
    (void)unlink(path);
    (void)rmdir(folder);
}

static void old_mails_get_their_time_from_the_start(void **state)
{
    (void)state;
    int64_t old = fake_keep("alarm@h", false, ALARM, sizeof ALARM - 1);
    start("/nonexistent/postern-inspect", 300);
    (void)wait_for(old, is_told);
    (void)usleep(500000);
    assert_int_equal(fake_look(old).told, 1);
}

static void what_could_not_be_committed_is_read_again(void **state)
{
    (void)state;
    fake_fail_next(2);
    start(program(), 60000);
    int64_t             one = keep("alarm@h", ALARM), two = keep("status@h", ALARM);
    int64_t             large = fake_keep("x@h", true, ALARM, sizeof ALARM - 1);
    assert_int_equal(wait_for(one, is_understood).understood, 1);
    assert_int_equal(wait_for(two, is_understood).understood, 1);
    assert_int_equal(wait_for(large, is_understood).understood, 1);
}

static void a_large_mail_goes_through_the_slow_lane(void **state)
{
    (void)state;
    enum { BYTES = 3 * 1024 * 1024 };
    char *raw = malloc(BYTES);
    assert_non_null(raw);
    memset(raw, 'x', BYTES);
    memcpy(raw, ALARM, sizeof ALARM - 1);
    start(program(), 60000);
    int64_t seq = fake_keep("alarm@h", true, raw, BYTES);
    inspector_wake(in, false);
    inspector_wake(in, true);
    assert_string_equal(wait_for(seq, is_understood).kind, "alarm.interior");
    free(raw);
}

static void a_row_without_its_mail_is_given_up_at_once(void **state)
{
    (void)state;
    start(program(), 60000);
    int64_t seq = keep("x@h", NULL);
    assert_string_equal(wait_for(seq, is_given_up).kind, "unreadable");
}

static void a_reader_that_was_killed_while_idle_costs_no_mail_a_try(void **state)
{
    (void)state;
    start(program(), 60000);
    (void)wait_for(keep("alarm@h", ALARM), is_understood);
    char  command[64];
    (void)snprintf(command, sizeof command, "pgrep -P %d -f postern-inspect", (int)getpid());
    FILE *f = popen(command, "re");
    int   pid = 0;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    (void)pclose(f);
    assert_int_equal(kill(pid, SIGKILL), 0);
    (void)usleep(50000);
    int64_t seq = keep("alarm@h", ALARM);
    assert_int_equal(wait_for(seq, is_understood).tries, 0);
}

static void a_rule_that_runs_away_is_told_once_and_its_mails_are_read_without_it(void **state)
{
    (void)state;
    rules = "[{\"Name\":\"slow\",\"Pattern\":\"(a+)+$\",\"Kind\":\"camera.motion\"},"
            "{\"Name\":\"gate\",\"Pattern\":\"Gate (?<zone>[0-9]+)\",\"Kind\":\"zone.open\"}]";
    start(program(), 60000);
    rules = NULL;
    for (int i = 0; i < 3; i++) {
        int64_t seq = keep("x@h", "Subject: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\r\n\r\nGate 5\r\n");
        struct fake_arrival a = wait_for(seq, is_understood);
        assert_int_equal(a.tries, 0);
        assert_string_equal(a.kind, "zone.open");
        assert_string_equal(a.parser, "rule:gate");
    }
    assert_int_equal(fake_rules_told(), 1);
}

static void after_a_thousand_mails_the_reader_is_another(void **state)
{
    (void)state;
    enum { MAILS = 1100 };
    start(program(), 60000);
    double before = restarts();
    for (int i = 0; i < MAILS; i++)
        (void)fake_keep("alarm@h", false, ALARM, sizeof ALARM - 1);
    inspector_wake(in, false);
    inspector_wake(in, true);
    for (int i = 1; i <= MAILS; i++)
        assert_int_equal(wait_for(i, is_understood).tries, 0);
    assert_true(restarts() == before);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(every_mail_is_read_once_while_the_relay_is_slow),
        T(a_full_relay_is_waited_for),
        T(a_mail_that_kills_the_reader_is_given_up_after_three_tries),
        T(a_mail_that_hangs_the_reader_is_given_up_and_delays_the_next_by_its_deadline_only),
        T(what_is_not_read_in_time_is_told_and_corrected_later),
        T(old_mails_get_their_time_from_the_start),
        T(what_could_not_be_committed_is_read_again),
        T(a_large_mail_goes_through_the_slow_lane),
        T(a_row_without_its_mail_is_given_up_at_once),
        T(a_reader_that_was_killed_while_idle_costs_no_mail_a_try),
        T(a_rule_that_runs_away_is_told_once_and_its_mails_are_read_without_it),
        T(after_a_thousand_mails_the_reader_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
