/* clock_step: what was kept while the clock was wrong gets its right time, once, and nothing else does. */
#include "store/clock_step.h"
#include "tests/unit/store/temp.h"

static const int64_t now = INT64_C(1795230765000); /* 2026-11-21 03:12:45 */
static const int64_t asleep = INT64_C(1000000000000); /* what the clock says instead: 2001 */

struct making {
    int64_t arrival, received_ms;
    bool    is_brought;
};

static int exec(struct store_tx *tx, const char *sql, int64_t a, int64_t b, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *s = db_prepare(tx_db(tx), sql, e);
    if (!s)
        return -1;
    stmt_bind(s, 1, P(a), P(b));
    return stmt_run(s, e);
}

static int make(struct store_tx *tx, void *user, struct err *e)
{
    const struct making      *m = user;
    const struct event_origin origin = { .parser = "test", .received_ms = m->received_ms };
    struct event              ev = { .kind = "alarm.interior", .severity = SEVERITY_ALARM, .device_id = "gate", .zone_number = ZONE_NONE };
    struct events             list = { .items = &ev, .count = 1 };
    int64_t                   seq;
    bool                      is_new;
    if (m->is_brought && exec(tx, "UPDATE arrivals SET source = iif(?2 > 0, 'eml', 'eml') WHERE seq = ?1", m->arrival, 1, e) < 0)
        return -1;
    if (tx_events(tx, m->arrival, &origin, &list, &seq, &is_new, e) < 0)
        return -1;
    return exec(tx, "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms, sent_ms)"
                    " VALUES(?1, ?1, 'anna', 2, 2, ?2, 0, 0, ?2)", seq, m->received_ms, e);
}

static void come(struct temp *t, int64_t received_ms, bool is_brought)
{
    struct err    e = { 0 };
    struct making m = { .received_ms = received_ms, .is_brought = is_brought, .arrival = temp_keep(t, received_ms, "Subject: x\r\n\r\n") };
    if (temp_do(t, STORE_EVENT, make, &m, &e) < 0)
        fail_msg("%s", e.text);
}

static int64_t of_row(struct temp *t, const char *what, const char *table, int seq)
{
    char sql[160];
    (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE seq = %d", what, table, seq);
    return temp_number(t, sql);
}

static void assert_row(struct temp *t, int seq, int64_t received_ms, int clock)
{
    if (of_row(t, "received_ms", "events", seq) != received_ms || of_row(t, "received_ms", "arrivals", seq) != received_ms)
        fail_msg("row %d: %lld, not %lld", seq, (long long)of_row(t, "received_ms", "events", seq), (long long)received_ms);
    assert_int_equal(of_row(t, "coalesce(clock, 0)", "events", seq), clock);
    assert_int_equal(of_row(t, "sent_ms", "deliveries", seq), received_ms);
    assert_int_equal(of_row(t, "created_ms", "deliveries", seq), received_ms);
}

static int correct(struct temp *t, const char *boot, int64_t wall_ms, int64_t mono_ms, struct clock_stepped *out)
{
    struct err             e = { 0 };
    const struct clock_now at = { boot, wall_ms, mono_ms };
    return clock_doubt_correct(t->store, &at, out, &e);
}

static void begin(struct temp *t, const char *boot, int64_t wall_ms, int64_t mono_ms)
{
    struct err             e = { 0 };
    const struct clock_now at = { boot, wall_ms, mono_ms };
    assert_int_equal(clock_doubt_begin(t->store, &at, &e), 0);
}

static void test_what_came_in_doubt_is_put_right_once(void **state)
{
    struct temp         *t = *state;
    struct clock_stepped how;
    int64_t              step = now - asleep;
    come(t, now - 86400000, false); /* yesterday, before the power went */
    assert_int_equal(correct(t, "boot", now, 0, &how), 0);
    begin(t, "boot", asleep, 20000);
    come(t, asleep + 1000, false);
    come(t, asleep + 2000, false);
    come(t, asleep + 3000, true); /* an import of a mail that is just so old */
    assert_row(t, 2, asleep + 1000, 1);
    assert_row(t, 4, asleep + 3000, 0);
    begin(t, "boot", asleep + 3000, 23000); /* a restart */
    assert_int_equal(correct(t, "boot", asleep + 4000, 24000, &how), 0);
    come(t, now + 5000, false); /* the clock is set, and nobody has noticed yet */
    assert_int_equal(correct(t, "boot", now + 5500, 25500, &how), 1);
    assert_int_equal(how.step_ms, step);
    assert_int_equal(how.events, 2);
    assert_int_equal(how.arrivals, 2);
    assert_int_equal(how.since_ms, now + 1000);
    assert_row(t, 1, now - 86400000, 0);
    assert_row(t, 2, now + 1000, 2);
    assert_row(t, 3, now + 2000, 2);
    assert_int_equal(of_row(t, "received_ms", "events", 4), asleep + 3000);
    assert_row(t, 5, now + 5000, 0);
    assert_true(of_row(t, "changed", "events", 2) > 0);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM audit WHERE what = 'clock.set'"), 1);
    assert_int_equal(correct(t, "boot", now + 6000, 26000, &how), 0);
    assert_row(t, 2, now + 1000, 2);
    assert_int_equal(temp_number(t, "SELECT sum(n) FROM tallies"), 5);
    assert_int_equal(temp_number(t, "SELECT n FROM hours WHERE hour = 1795230765000 / 3600000"), 3);
}

static void test_a_clock_that_was_ahead_is_put_right_too(void **state)
{
    struct temp         *t = *state;
    struct clock_stepped how;
    int64_t              ahead = now + 3600000;
    begin(t, "boot", ahead, 20000);
    come(t, ahead + 1000, false);
    come(t, now + 3000, false); /* after the step */
    assert_int_equal(correct(t, "boot", now + 3500, 23500, &how), 1);
    assert_row(t, 1, now + 1000, 2);
    assert_row(t, 2, now + 3000, 0);
}

static void test_another_boot_says_nothing_of_this_one(void **state)
{
    struct temp         *t = *state;
    struct clock_stepped how;
    begin(t, "boot", asleep, 20000);
    come(t, asleep + 1000, false);
    assert_int_equal(correct(t, "another", now, 22000, &how), 0);
    assert_int_equal(correct(t, "", now, 22000, &how), 0);
    begin(t, "another", asleep, 5000);
    come(t, asleep + 1000, false);
    assert_int_equal(correct(t, "another", now, 7000, &how), 1);
    assert_row(t, 1, asleep + 1000, 1); /* nobody can know any more */
    assert_row(t, 2, now - 1000, 2);
}

static void test_after_the_doubt_a_step_changes_nothing(void **state)
{
    struct temp         *t = *state;
    struct clock_stepped how;
    struct err           e;
    begin(t, "boot", now, 20000);
    assert_true(clock_doubt_is_noted(t->store));
    assert_int_equal(clock_doubt_end(t->store, &e), 0);
    assert_false(clock_doubt_is_noted(t->store));
    come(t, now + 1000, false);
    assert_int_equal(correct(t, "boot", now + 3600000, 22000, &how), 0);
    assert_row(t, 1, now + 1000, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_came_in_doubt_is_put_right_once, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_ahead_is_put_right_too, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_another_boot_says_nothing_of_this_one, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_after_the_doubt_a_step_changes_nothing, temp_setup, temp_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
