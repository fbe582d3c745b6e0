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

static void test_what_its_clock_and_target_are_is_kept_and_corrected(void **state)
{
    struct temp *t = *state;
    struct writing w = { .arrival = temp_keep(t, now, "mail"), .list.count = 2, .items = { alarm_of("Tor"), alarm_of("Hof") } };
    w.items[0].target = "person";
    w.items[0].channel = "D4";
    w.items[0].device_time = "2026-11-18T12:00:00+01:00";
    w.items[0].drift_ms = -42000;
    w.items[1].drift_ms = DRIFT_UNKNOWN;
    keep(t, &w);
    assert_int_equal(temp_number(t, "SELECT drift_ms FROM events WHERE target = 'person' AND channel = 'D4'"
                                    " AND device_time = '2026-11-18T12:00:00+01:00'"),
                     -42000);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events WHERE seq = 2 AND target IS NULL AND channel IS NULL"
                                    " AND device_time IS NULL AND drift_ms IS NULL AND same_as IS NULL"),
                     1);
    w.items[0].target = "vehicle";
    w.items[0].device_time = NULL;
    keep(t, &w);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM events WHERE seq = 1 AND target = 'vehicle' AND drift_ms IS NULL"), 1);
    assert_int_equal(temp_number(t, "SELECT drift_ms FROM devices WHERE id = 'xt1'"), -42000);
}

static void test_a_devices_mails_are_counted_once(void **state)
{
    struct temp *t = *state;
    struct writing w = { .arrival = temp_keep(t, now, "mail"), .list.count = 2, .items = { alarm_of("Tor"), alarm_of("Hof") } };
    keep(t, &w);
    keep(t, &w); /* read again */
    assert_int_equal(temp_number(t, "SELECT mails FROM devices WHERE id = 'xt1' AND events = 2"), 1);
    assert_int_equal(temp_number(t, "SELECT first_seen_ms FROM devices"), now);
    w.arrival = temp_keep(t, now, "another");
    keep(t, &w);
    assert_int_equal(temp_number(t, "SELECT mails FROM devices WHERE id = 'xt1' AND events = 4"), 2);
}

static int name_it(struct store_tx *tx, void *user, struct err *e)
{
    (void)user;
    return db_exec(tx_db(tx), "UPDATE devices SET name = 'Haustür', owner_name = 'Haustür', named_by = 'owner'", e);
}

static void test_a_persons_name_for_a_device_stays(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct writing w = { .arrival = temp_keep(t, now, "mail"), .list.count = 1, .items = { alarm_of("Tor") } };
    keep(t, &w);
    assert_int_equal(temp_do(t, STORE_EVENT, name_it, NULL, &e), 0);
    w.arrival = temp_keep(t, now, "mail");
    keep(t, &w);
    assert_int_equal(temp_number(t, "SELECT count(*) FROM devices WHERE name = 'Haustür'"), 1);
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
    return tx_device_seen(tx, "cam", *(int64_t *)user == 20 ? "10.0.0.20" : "10.0.0.1", *(int64_t *)user, e);
}

static void test_a_device_was_last_seen_at_the_latest(void **state)
{
    static const int64_t times[] = { 10, 30, 20 };
    struct err e = { 0 };
    for (size_t i = 0; i < COUNT(times); i++) {
        int64_t at = times[i];
        assert_int_equal(temp_do(*state, STORE_LATER, see_device, &at, &e), 0);
    }
    assert_int_equal(temp_number(*state, "SELECT last_seen_ms FROM devices WHERE id = 'cam' AND address = '10.0.0.1'"), 30);
}

struct costly {
    struct writing w;
    int64_t before, most; /* rows of all tables that the transaction before changed */
};

static int write_and_count(struct store_tx *tx, void *user, struct err *e)
{
    struct costly *c = user;
    int64_t changed = db_total_changes(tx_db(tx));
    if (c->before > 0 && changed - c->before > c->most)
        c->most = changed - c->before;
    c->before = changed;
    return write_events(tx, &c->w, e);
}

/* A device may wait behind the transaction that happens to merge what a thousand before it left. */
static void test_the_index_is_merged_in_bites(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    struct costly c = { .w.list.count = 1 };
    for (int i = 0; i < 600; i++) {
        char text[120];
        (void)snprintf(text, sizeof text, "Zone:8 word%d other%d more%d again%d Alarm", i, i * 7, i * 13, i * 31);
        c.w.items[0] = alarm_of("Ost 1");
        c.w.items[0].text = text;
        c.w.arrival = temp_keep(t, now, "mail");
        if (temp_do(t, STORE_EVENT, write_and_count, &c, &e) < 0)
            fail_msg("%s", e.text);
    }
    assert_in_range(c.most, 1, 80);
    assert_in_range(temp_number(t, "SELECT count(DISTINCT segid) FROM search_idx"), 1, 40);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_events_come_with_ids_seqs_and_media),    STORE_TEST(test_what_is_not_told_is_null),
        STORE_TEST(test_reading_again_corrects_without_new_ids), STORE_TEST(test_events_beyond_the_new_reading_go_unless_owed),
        STORE_TEST(test_what_its_clock_and_target_are_is_kept_and_corrected), STORE_TEST(test_a_devices_mails_are_counted_once),
        STORE_TEST(test_a_persons_name_for_a_device_stays),
        STORE_TEST(test_events_of_our_own_are_always_new),       STORE_TEST(test_a_device_was_last_seen_at_the_latest),
        STORE_TEST(test_the_index_is_merged_in_bites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
