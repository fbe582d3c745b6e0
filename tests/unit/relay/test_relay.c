/* relay: the whole thread against a real store and a far side that misbehaves. The clock is the test's: hours pass in a moment. */
#include "../store/temp.h"
#include "../people/settings_text.h"
#include "core/clock.h"
#include "far.h"
#include "service/relay.h"
#include "store/outbox.h"
#include <fcntl.h>
#include <sys/mman.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static volatile int64_t *offsets; /* of the wall clock and of the monotonic one */


struct house {
    struct temp         *temp;
    struct settings_text settings;
    struct far          *a, *b;
    struct relay        *relay;
};

/* Lets time pass, and wakes the relay, which would notice within a second. */
static void advance(struct house *h, int64_t ms)
{
    struct err e;
    __atomic_store_n(&offsets[0], offsets[0] + ms, __ATOMIC_SEQ_CST);
    __atomic_store_n(&offsets[1], offsets[1] + ms, __ATOMIC_SEQ_CST);
    assert_int_equal(relay_retry(h->relay, "no such delivery", &e), 0);
}

static void start_relay(struct house *h)
{
    struct relay_options o = {
        .people = &h->settings.people, .site = "Home", .language = "en", .alarm_user = "alarm", .status_user = "status",
        .reply_max = 64 * 1024, .request_seconds = 2, .give_up_hours = { 6, 24, 72 }, .next_way_seconds = { 300, 300, 30 },
    };
    struct err e = { .text = "" };
    if (relay_start(h->temp->store, &o, &h->relay, &e) < 0)
        fail_msg("%s", e.text);
}

static int setup(void **state)
{
    struct house *h = calloc(1, sizeof *h);
    void         *temp = NULL;
    (void)temp_setup(&temp);
    h->temp = temp;
    h->a = far_start();
    h->b = far_start();
    char json[2048];
    (void)snprintf(json, sizeof json,
                   "{ \"Accounts\": {"
                   "  \"a\": { \"Provider\": \"clicksend\", \"Username\": \"u\", \"Token\": \"t0ken\", \"Url\": \"http://127.0.0.1:%d\" },"
                   "  \"b\": { \"Provider\": \"clicksend\", \"Username\": \"u\", \"Token\": \"t0ken\", \"Url\": \"http://127.0.0.1:%d\" } },"
                   "  \"Recipients\": { \"anna\": [ \"a:+491700000001\", \"b:+491700000001\" ], \"bob\": [ \"b:+491700000002\" ] },"
                   "  \"Routes\": [ { \"Devices\": \"for-anna\", \"Tell\": \"anna\" }, { \"Devices\": \"for-bob\", \"Tell\": \"bob\" } ] }",
                   far_port(h->a), far_port(h->b));
    settings_text_read(&h->settings, json);
    assert_int_equal(h->settings.mistakes.count, 0);
    start_relay(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct house *h = *state;
    relay_stop(&h->relay);
    far_stop(&h->a);
    far_stop(&h->b);
    settings_text_done(&h->settings);
    void *temp = h->temp;
    (void)temp_teardown(&temp);
    free(h);
    return 0;
}

/* An arrival that was kept and is understood as one event. */
static void understand(struct house *h, const char *kind, const char *device, const char *text)
{
    struct waited        *w = waited_new(clock_wall_ms(), "Subject: x\r\n\r\nx");
    struct understanding *u = understanding_new();
    store_accept(h->temp->store, &w->a);
    assert_int_equal(waited_wait(w), ERR_NONE);
    u->arrival_seq = w->a.seq;
    (void)snprintf(u->arrival_id, sizeof u->arrival_id, "%s", w->a.id);
    u->received_ms = w->a.received_ms;
    u->kept_mono_ms = clock_mono_ms();
    u->parser = "test";
    u->state = ARRIVAL_UNDERSTOOD;
    struct event *ev = events_add(&u->events, arena_str(&u->arena, kind));
    ev->device_id = ev->device_name = arena_str(&u->arena, device);
    ev->text = arena_str(&u->arena, text);
    ev->zone_name = ev->text; /* every wording names the zone */
    free(w);
    relay_take(h->relay, u);
}

static int64_t number(struct house *h, const char *sql)
{
    struct store_reader *r = NULL;
    struct err           e = { .text = "" };
    if (store_reader_open(h->temp->store, &r, &e) < 0)
        fail_msg("%s", e.text);
    int64_t value = -1;
    if (db_number(reader_db(r), sql, -1, &value, &e) < 0)
        fail_msg("%s", e.text);
    store_reader_close(&r);
    return value;
}

static void wait_number(struct house *h, const char *sql, int64_t value)
{
    int64_t seen = -1;
    for (int i = 0; i < 1000 && (seen = number(h, sql)) != value; i++)
        (void)usleep(10000);
    if (seen != value)
        fail_msg("%s: %lld, not %lld", sql, (long long)seen, (long long)value);
}

#define SENT        "SELECT count(*) FROM deliveries WHERE state = 2"
#define SENT_ALARMS SENT " AND severity = 2"

static void test_relay_tells_at_once(void **state)
{
    struct house *h = *state;
    understand(h, "alarm.fire", "for-anna", "Keller");
    far_wait(h->a, 1);
    wait_number(h, SENT, 1);
    char *body = far_body(h->a, 0);
    assert_non_null(strstr(body, "+491700000001"));
    assert_non_null(strstr(body, "Keller"));
    free(body);
    assert_int_equal(far_count(h->b), 0);
    assert_int_equal(number(h, "SELECT state FROM arrivals"), ARRIVAL_UNDERSTOOD);
    assert_int_equal(number(h, "SELECT attempts FROM messages"), 1);
}

static void test_relay_sends_an_unknown_end_once_more_and_then_lets_it_be(void **state)
{
    struct house *h = *state;
    static const enum far_act acts[] = { FAR_DROP, FAR_CUT, FAR_GARBAGE, FAR_BROKEN, FAR_LONG, FAR_HANG };
    for (size_t i = 0; i < COUNT(acts); i++) {
        far_always(h->b, acts[i]);
        understand(h, "mode.armed", "for-bob", "scharf");
        far_wait(h->b, 2 * i + 1);
        wait_number(h, "SELECT count(*) FROM messages WHERE state = 1 AND maybe_twice = 1 AND verdict = 'unknown'", 1);
        advance(h, 6 * SECOND);
        far_wait(h->b, 2 * i + 2);
        wait_number(h, "SELECT count(*) FROM messages WHERE state = 3", (int64_t)i + 1);
        wait_number(h, "SELECT count(*) FROM deliveries WHERE state = 3", (int64_t)i + 1);
        advance(h, 10 * MINUTE);
    }
    (void)usleep(100000);
    assert_int_equal(far_count(h->b), 2 * COUNT(acts));
}

static void test_relay_goes_on_when_the_far_side_is_back(void **state)
{
    struct house *h = *state;
    far_stop(&h->b);
    understand(h, "mode.armed", "for-bob", "scharf");
    wait_number(h, "SELECT count(*) FROM messages WHERE state = 1 AND verdict = 'retry' AND maybe_twice = 0", 1);
    for (int tries = 2; tries < 5; tries++) {
        char sql[100];
        advance(h, 5 * MINUTE);
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM messages WHERE state = 1 AND attempts = %d", tries);
        wait_number(h, sql, 1);
    }
    assert_int_equal(number(h, "SELECT count(*) FROM deliveries WHERE state > 2"), 0);
}

static void test_relay_waits_as_long_as_the_server_asks(void **state)
{
    struct house *h = *state;
    far_next(h->b, FAR_THROTTLE);
    understand(h, "mode.armed", "for-bob", "scharf");
    wait_number(h, "SELECT count(*) FROM messages WHERE state = 1 AND verdict = 'retry'", 1);
    advance(h, 15 * SECOND);
    (void)usleep(200000);
    assert_int_equal(far_count(h->b), 1);
    advance(h, 6 * SECOND);
    wait_number(h, SENT, 1);
    assert_int_equal(far_count(h->b), 2);
}

static void test_relay_folds_what_waits_but_alarms_never_with_infos(void **state)
{
    struct house *h = *state;
    far_next(h->b, FAR_HANG); /* until its time is over; meanwhile the others wait */
    understand(h, "alarm.fire", "for-bob", "Alm1");
    far_wait(h->b, 1);
    understand(h, "mode.armed", "for-bob", "Inf1");
    understand(h, "alarm.gas", "for-bob", "Alm2");
    understand(h, "mode.disarmed", "for-bob", "Inf2");
    understand(h, "alarm.smoke", "for-bob", "Alm3");
    wait_number(h, "SELECT count(*) FROM legs WHERE state = 0", 4);
    far_wait(h->b, 2); /* the infos pass the first alarm's back-off */
    wait_number(h, SENT " AND severity = 0", 2);
    advance(h, 6 * SECOND);
    wait_number(h, SENT, 5);
    assert_int_equal(far_count(h->b), 4);
    char *infos = far_body(h->b, 1), *first = far_body(h->b, 2), *alarms = far_body(h->b, 3);
    assert_true(strstr(infos, "Inf1") && strstr(infos, "Inf2") && !strstr(infos, "Alm"));
    assert_true(strstr(first, "Alm1") && !strstr(first, "Alm2"));
    assert_true(strstr(alarms, "Alm2") && strstr(alarms, "Alm3") && !strstr(alarms, "Inf"));
    free(infos);
    free(first);
    free(alarms);
}

static void test_relay_lets_an_alarm_pass_a_waiting_info(void **state)
{
    struct house *h = *state;
    far_next(h->b, FAR_DROP);
    understand(h, "mode.armed", "for-bob", "info");
    wait_number(h, "SELECT count(*) FROM messages WHERE state = 1", 1);
    understand(h, "alarm.fire", "for-bob", "Alm1");
    far_wait(h->b, 2);
    char *second = far_body(h->b, 1);
    assert_non_null(strstr(second, "Alm1"));
    free(second);
    wait_number(h, SENT, 2); /* the account works: the info goes on at once, too */
}

static void test_relay_goes_the_next_way(void **state)
{
    struct house *h = *state;
    far_next(h->a, FAR_BAD_NUMBER); /* the message's fault: at once */
    understand(h, "alarm.fire", "for-anna", "one");
    wait_number(h, SENT_ALARMS, 1);
    wait_number(h, "SELECT count(*) FROM deliveries WHERE state < 2", 0);
    size_t before = far_count(h->b);

    far_stop(&h->a); /* nobody there: after 30 s */
    understand(h, "alarm.fire", "for-anna", "two");
    wait_number(h, "SELECT count(*) FROM messages WHERE state = 1", 1);
    assert_int_equal(far_count(h->b), before);
    advance(h, 31 * SECOND);
    wait_number(h, SENT_ALARMS, 2);
    assert_int_equal(far_count(h->b), before + 1);
    advance(h, 2 * MINUTE);
    wait_number(h, "SELECT count(*) FROM messages WHERE state = 5", 1); /* the first way is withdrawn */
}

static void test_relay_tells_of_a_refusal_once_and_of_its_end_through_other_accounts(void **state)
{
    struct house *h = *state;
    far_always(h->a, FAR_NO_CREDIT);
    understand(h, "alarm.fire", "for-anna", "one");
    wait_number(h, SENT_ALARMS, 1); /* by the next way */
    wait_number(h, "SELECT count(*) FROM events WHERE kind = 'system.delivery' AND restored = 0", 1);
    wait_number(h, "SELECT count(*) FROM deliveries d JOIN events e ON e.seq = d.event WHERE kind = 'system.delivery' AND d.state = 2", 2);
    understand(h, "alarm.gas", "for-anna", "two");
    advance(h, 6 * MINUTE);
    wait_number(h, SENT_ALARMS, 2);
    assert_int_equal(number(h, "SELECT count(*) FROM events WHERE kind = 'system.delivery'"), 1);
    assert_int_equal(number(h, "SELECT count(*) FROM legs l JOIN deliveries d ON d.seq = l.delivery WHERE l.account = 'a'"
                               " AND d.severity < 2"), 0);
    far_always(h->a, FAR_YES);
    for (int i = 0; i < 3; i++) { /* what waited for it is withdrawn; the next alarm finds it well */
        advance(h, 6 * MINUTE);
        understand(h, "alarm.smoke", "for-anna", "three");
        (void)usleep(300000);
    }
    wait_number(h, "SELECT count(*) FROM events WHERE kind = 'system.delivery' AND restored = 1", 1);
}

static void test_relay_tries_an_account_that_refuses_every_five_minutes(void **state)
{
    struct house *h = *state;
    far_always(h->b, FAR_NO_CREDIT);
    understand(h, "alarm.fire", "for-bob", "one");
    wait_number(h, "SELECT count(*) FROM messages WHERE state = 1 AND verdict = 'rejected'", 1);
    understand(h, "alarm.fire", "for-bob", "two");
    advance(h, 2 * MINUTE);
    (void)usleep(200000);
    assert_int_equal(number(h, "SELECT attempts FROM messages WHERE severity = 2"), 1);
    far_always(h->b, FAR_YES);
    advance(h, 3 * MINUTE);
    wait_number(h, SENT_ALARMS, 2);
}

static void test_relay_takes_up_what_the_last_run_left(void **state)
{
    struct house *h = *state;
    far_next(h->b, FAR_HANG);
    understand(h, "alarm.fire", "for-bob", "in flight");
    far_wait(h->b, 1);
    for (int i = 0; i < 3; i++)
        understand(h, "mode.armed", "for-bob", "later");
    wait_number(h, "SELECT count(*) FROM legs WHERE state = 0", 3);
    relay_stop(&h->relay);
    start_relay(h);
    wait_number(h, "SELECT count(*) FROM deliveries WHERE state = 2 AND severity = 0", 3);
    advance(h, 6 * SECOND);
    wait_number(h, SENT, 4);
    assert_int_equal(number(h, "SELECT count(*) FROM messages WHERE maybe_twice = 1"), 1);
    assert_int_equal(far_count(h->b), 3);
}

static void test_relay_sends_again_on_request(void **state)
{
    struct house *h = *state;
    far_next(h->b, FAR_BAD_NUMBER);
    understand(h, "alarm.fire", "for-bob", "one");
    wait_number(h, "SELECT count(*) FROM deliveries WHERE state = 4", 1);
    struct store_reader *r = NULL;
    struct err           e = { .text = "" };
    assert_int_equal(store_reader_open(h->temp->store, &r, &e), 0);
    struct stmt *q = db_prepare(reader_db(r), "SELECT id FROM deliveries", &e);
    assert_int_equal(stmt_step(q, &e), 1);
    char id[ID_TEXT];
    (void)snprintf(id, sizeof id, "%s", col_text(q, 0));
    stmt_done(&q);
    store_reader_close(&r);
    assert_int_equal(relay_retry(h->relay, "01ARZ3NDEKTSV4RRFFQ69G5FAV", &e), 0);
    assert_int_equal(relay_retry(h->relay, id, &e), 1);
    char sent[120]; /* of it: that it failed, and no longer does, is told, too */
    (void)snprintf(sent, sizeof sent, SENT " AND id = '%s'", id);
    wait_number(h, sent, 1);
}

static void test_relay_corrects_without_telling_again(void **state)
{
    struct house         *h = *state;
    struct waited        *w = waited_new(clock_wall_ms(), "x");
    store_accept(h->temp->store, &w->a);
    assert_int_equal(waited_wait(w), ERR_NONE);
    for (int round = 0; round < 3; round++) {
        struct understanding *u = understanding_new();
        u->arrival_seq = w->a.seq;
        u->state = round == 0 ? ARRIVAL_TOLD : round == 1 ? ARRIVAL_UNDERSTOOD : ARRIVAL_TOLD;
        u->parser = "test";
        for (int i = 0; i <= (round == 1); i++) {
            struct event *ev = events_add(&u->events, round == 1 ? "alarm.fire" : "unreadable");
            ev->device_id = ev->device_name = "for-bob";
        }
        relay_take(h->relay, u);
    }
    free(w);
    wait_number(h, "SELECT count(*) FROM events WHERE kind = 'alarm.fire'", 2);
    wait_number(h, SENT, 1);
    assert_int_equal(number(h, "SELECT count(*) FROM deliveries"), 1);
    assert_int_equal(number(h, "SELECT state FROM arrivals"), ARRIVAL_UNDERSTOOD);
}

#define REFUSED "SELECT count(*) FROM events WHERE kind = 'system.refused'"

static void test_relay_says_its_own_once_an_hour(void **state)
{
    struct house *h = *state;
    for (int i = 0; i < 3; i++)
        relay_system(h->relay, "system.refused", false, "refused 192.0.2.7", "too large");
    relay_system(h->relay, "system.refused", false, "refused 192.0.2.8", "too large");
    wait_number(h, REFUSED, 4);
    wait_number(h, "SELECT count(*) FROM deliveries", 4); /* two are told, each to both: a warning that no route matches */
    advance(h, 61 * (int64_t)MINUTE);
    for (int i = 0; i < 2; i++)
        relay_system(h->relay, "system.refused", false, "refused 192.0.2.7", "too large");
    wait_number(h, REFUSED, 6);
    wait_number(h, SENT, 6);
    wait_number(h, "SELECT count(*) FROM deliveries", 6);
    assert_true(relay_is_alive(h->relay));
}

static void test_relay_keeps_no_more_than_sixty_of_its_own_events_an_hour(void **state)
{
    struct house *h = *state;
    for (int i = 0; i < 100; i++)
        relay_system(h->relay, "system.refused", false, "refused 192.0.2.7", "too large");
    relay_system(h->relay, "system.refused", false, "refused 192.0.2.8", "the last");
    wait_number(h, REFUSED, 61);
    advance(h, 61 * (int64_t)MINUTE);
    relay_system(h->relay, "system.refused", false, "refused 192.0.2.7", "too large");
    wait_number(h, REFUSED, 62);
    wait_number(h, "SELECT count(*) FROM deliveries", 6);
}

static void test_relay_keeps_to_the_rate_and_loses_nothing(void **state)
{
    struct house *h = *state;
    for (int i = 0; i < 40; i++)
        understand(h, "alarm.fire", "for-bob", "fire");
    far_wait(h->b, 5); /* the burst */
    wait_number(h, "SELECT count(*) FROM legs WHERE state = 1", 0);
    int64_t early = (int64_t)far_count(h->b);
    assert_in_range(early, 5, 6);
    advance(h, MINUTE);
    wait_number(h, SENT, 40);
    assert_in_range(far_count(h->b), early + 1, early + 2);
}

/* POSTERN_CLOCK names a file that the code under test maps, too. */
static bool make_clock(char *path)
{
    int fd = mkstemp(path);
    if (fd < 0 || ftruncate(fd, 16) != 0)
        return false;
    offsets = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    return offsets != MAP_FAILED && setenv("POSTERN_CLOCK", path, 1) == 0;
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
#ifndef POSTERN_FAULTS
    return 77; /* the clock can only be moved in a build with fault points */
#endif
    char path[] = "/tmp/postern-clock-XXXXXX";
    if (!make_clock(path))
        return 99;
    const struct CMUnitTest tests[] = {
        CASE(test_relay_tells_at_once),
        CASE(test_relay_sends_an_unknown_end_once_more_and_then_lets_it_be),
        CASE(test_relay_goes_on_when_the_far_side_is_back),
        CASE(test_relay_waits_as_long_as_the_server_asks),
        CASE(test_relay_folds_what_waits_but_alarms_never_with_infos),
        CASE(test_relay_lets_an_alarm_pass_a_waiting_info),
        CASE(test_relay_goes_the_next_way),
        CASE(test_relay_tells_of_a_refusal_once_and_of_its_end_through_other_accounts),
        CASE(test_relay_tries_an_account_that_refuses_every_five_minutes),
        CASE(test_relay_takes_up_what_the_last_run_left),
        CASE(test_relay_sends_again_on_request),
        CASE(test_relay_corrects_without_telling_again),
        CASE(test_relay_says_its_own_once_an_hour),
        CASE(test_relay_keeps_no_more_than_sixty_of_its_own_events_an_hour),
        CASE(test_relay_keeps_to_the_rate_and_loses_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
