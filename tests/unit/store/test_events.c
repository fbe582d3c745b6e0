/* Events: written with their media and device, corrected in place when an arrival is read again. */
#include "tests/unit/store/temp.h"

static const int64_t now = 1795000000000;
static const struct event_origin origin = { .site = "Home", .arrival = "x", .parser = "lupusec", .received_ms = 1795000000000 };

struct writing {
    int64_t arrival;
    struct events list;
    struct event items[8];
    int64_t seqs[8];
    bool is_new[8];
};

static int write_events(struct store_tx *tx, void *user, struct err *e)
{
    struct writing *w = user;
    w->list.items = w->items;
    return tx_events(tx, w->arrival, &origin, &w->list, w->seqs, w->is_new, e);
}

static void keep(struct temp *t, struct writing *w)
{
    struct err e = { 0 };
    if (temp_do(t, STORE_EVENT, write_events, w, &e) < 0)
        fail_msg("%s", e.text);
}

static struct event alarm_of(const char *zone)
{
    return (struct event){ .kind = "alarm.interior",
                           .severity = SEVERITY_ALARM,
                           .device_id = "xt1",
                           .device_name = "Haus",
                           .zone_number = 8,
                           .zone_name = zone,
                           .text = "Zone:8 Alarm",
                           .code = 132,
                           .happened_ms = 5 };
}

static void test_events_come_with_ids_seqs_and_media(void **state)
{
    static const struct media pictures[] = {
        { .n = 1,
          .type = "image/jpeg",
          .name = "a.jpg",
          .bytes = 300,
          .offset = 100,
          .length = 400,
          .encoding = ENCODING_BASE64 },
        { .n = 2, .type = "image/png", .name = NULL, .bytes = 3, .offset = 600, .length = 4, .encoding = ENCODING_NONE },
    };
    struct temp *t = *state;
    struct writing w = { .arrival = temp_keep(t, now, "mail"),
                         .list.count = 2,
                         .items = { alarm_of("Ost 1"), alarm_of("Ost 2") } };
    w.items[0].media = pictures;
    w.items[0].media_count = 2;
    keep(t, &w);
    assert_true(w.is_new[0] && w.is_new[1]);
    assert_true(w.seqs[1] > w.seqs[0]);
    assert_true(id_is_valid(w.items[0].id) && id_is_valid(w.items[1].id));
    assert_int_equal(temp_number(t, "SELECT count(*) FROM media WHERE event = 1"), 2);
    assert_int_equal(temp_number(t, "SELECT offset FROM media WHERE event = 1 AND n = 2"), 600);
    assert_int_equal(temp_number(t, "SELECT events FROM devices WHERE id = 'xt1' AND name = 'Haus'"), 2);
    assert_int_equal(temp_number(t, "SELECT zone FROM events WHERE seq = 2 AND zone_name = 'Ost 2' AND parser = 'lupusec'"), 8);
}

static void test_what_is_not_told_is_null(void **state)
{
    struct temp *t = *state;
    struct writing w = { .arrival = temp_keep(t, now, "mail"),
                         .list.count = 1,
                         .items = { { .kind = "unknown", .zone_number = ZONE_NONE, .device_id = "" } } };
    keep(t, &w);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events WHERE zone IS NULL AND zone_name IS NULL AND user IS NULL"
                                    " AND text IS NULL AND code IS NULL AND happened_ms IS NULL AND device = ''"),
                     1);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM devices"), 0);
}

static void test_reading_again_corrects_without_new_ids(void **state)
{
    struct temp *t = *state;
    struct writing first = { .arrival = temp_keep(t, now, "mail"),
                             .list.count = 1,
                             .items = { { .kind = "unreadable", .severity = SEVERITY_WARNING, .zone_number = ZONE_NONE } } };
    keep(t, &first);
    struct writing again = { .arrival = first.arrival, .list.count = 2, .items = { alarm_of("Ost 1"), alarm_of("Ost 2") } };
    keep(t, &again);
    assert_false(again.is_new[0]);
    assert_true(again.is_new[1]);
    assert_int_equal(again.seqs[0], first.seqs[0]);
    assert_string_equal(again.items[0].id, first.items[0].id);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events"), 2);
    assert_int_equal(temp_number(t, "SELECT severity FROM events WHERE seq = 1 AND kind = 'alarm.interior'"), SEVERITY_ALARM);
}

static int owe_third(struct store_tx *tx, void *user, struct err *e)
{
    (void)user;
    return db_exec(tx_db(tx),
                   "INSERT INTO deliveries(id, event, recipient, severity, state, created_ms, created_run_ms, due_run_ms)"
                   " VALUES('d', 3, 'anna', 2, 0, 0, 0, 0)",
                   e);
}

static void test_events_beyond_the_new_reading_go_unless_owed(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct writing three = { .arrival = temp_keep(t, now, "mail"),
                             .list.count = 3,
                             .items = { alarm_of("1"), alarm_of("2"), alarm_of("3") } };
    keep(t, &three);
    assert_int_equal(temp_do(t, STORE_EVENT, owe_third, NULL, &e), 0);
    struct writing one = { .arrival = three.arrival, .list.count = 1, .items = { alarm_of("1") } };
    keep(t, &one);
    assert_int_equal(temp_number(t, "SELECT group_concat(n, '') FROM events"), 13);
}

static void test_events_of_our_own_are_always_new(void **state)
{
    struct temp *t = *state;
    struct writing a = { .list.count = 1, .items = { { .kind = "system.started", .zone_number = ZONE_NONE } } }, b = a;
    keep(t, &a);
    keep(t, &b);
    assert_true(a.is_new[0] && b.is_new[0]);
    assert_string_not_equal(a.items[0].id, b.items[0].id);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events WHERE arrival IS NULL"), 2);
}

static int see_device(struct store_tx *tx, void *user, struct err *e)
{
    return tx_device_seen(tx, "cam", *(int64_t *)user, e);
}

static void test_a_device_was_last_seen_at_the_latest(void **state)
{
    static const int64_t times[] = { 10, 30, 20 };
    struct err e = { 0 };
    for (size_t i = 0; i < COUNT(times); i++) {
        int64_t at = times[i];
        assert_int_equal(temp_do(*state, STORE_LATER, see_device, &at, &e), 0);
    }
    assert_int_equal(temp_number(*state, "SELECT last_seen_ms FROM devices WHERE id = 'cam'"), 30);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_events_come_with_ids_seqs_and_media),    STORE_TEST(test_what_is_not_told_is_null),
        STORE_TEST(test_reading_again_corrects_without_new_ids), STORE_TEST(test_events_beyond_the_new_reading_go_unless_owed),
        STORE_TEST(test_events_of_our_own_are_always_new),       STORE_TEST(test_a_device_was_last_seen_at_the_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
