/* outbox: the debt in a real database. Time is a number that the test moves. */
#include "../store/temp.h"
#include "core/clock.h"
#include "store/outbox.h"

enum { SECOND = 1000, HOUR = 3600 * SECOND };

/* anna: first by "a", then by "b". bob: by "b" only. shy: "s" refuses us, then "b". twin: "x", then bob's own address. */
static const struct {
    const char       *recipient;
    struct outbox_way ways[2];
} people[] = {
    { "anna", { { "a", "1", false }, { "b", "2", false } } },
    { "bob", { { "b", "9", false } } },
    { "shy", { { "s", "1", true }, { "b", "3", false } } },
    { "twin", { { "x", "1", false }, { "b", "9", false } } },
};

static bool way_of(const void *user, const char *recipient, int way, struct outbox_way *out)
{
    (void)user;
    for (size_t i = 0; i < COUNT(people); i++)
        if (strcmp(people[i].recipient, recipient) == 0 && way >= 0 && way < 2 && people[i].ways[way].account) {
            *out = people[i].ways[way];
            return true;
        }
    return false;
}

static const struct outbox_rules rules = {
    .way = way_of,
    .give_up_ms = { 6 * (int64_t)HOUR, 24 * (int64_t)HOUR, 72 * (int64_t)HOUR },
    .next_way_ms = { 300 * SECOND, 300 * SECOND, 30 * SECOND },
};
static int64_t now_ms; /* running time */

static struct outbox_turn turn(void)
{
    return (struct outbox_turn){ .rules = &rules, .run_ms = now_ms, .wall_ms = 1000000 + now_ms };
}

/* --- one function in a transaction of its own ---------------------------------------------------------------- */

struct step {
    struct store_op op;
    int (*run)(struct store_tx *tx, struct step *s, struct err *e);
    struct outbox_debt     debt;
    struct outbox_message  message;
    struct outbox_leg      leg;
    struct outbox_verdict  verdict;
    struct outbox_end_list ended;
    const char            *account, *address, *id;
    int                    result;
};

static int step_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct step *s = (struct step *)op;
    s->ended.count = 0;
    s->result = s->run(tx, s, e);
    return s->result < 0 ? -1 : 0;
}

static void run(struct temp *t, struct step *s)
{
    struct err e = { .text = "" };
    s->op = (struct store_op){ .rank = STORE_EVENT, .apply = step_apply };
    if (store_do(t->store, &s->op, &e) < 0)
        fail_msg("%s", e.text);
}

static int add_debt(struct store_tx *tx, struct step *s, struct err *e)
{
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 1 << 16);
    struct events             events = { .arena = &a, .parser = "test" };
    const struct event_origin origin = { .received_ms = 1, .parser = "test" };
    struct outbox_turn        now = turn();
    int64_t                   seq;
    bool                      is_new;
    if (s->debt.event == 0) {
        struct event *ev = events_add(&events, "alarm.fire");
        ev->text = "Feuer";
        if (tx_events(tx, 0, &origin, &events, &seq, &is_new, e) < 0)
            return -1;
        s->debt.event = seq;
    }
    (void)id_make(s->debt.id, clock_wall_ms());
    return tx_delivery_add(tx, &now, &s->debt, e);
}

/* A new alarm owed to this recipient. */
static struct outbox_debt owe(struct temp *t, const char *recipient, int64_t event)
{
    struct step s = { .run = add_debt, .debt = { .recipient = recipient, .severity = SEVERITY_ALARM, .priority = -1, .event = event } };
    run(t, &s);
    return s.debt;
}

static int add_message(struct store_tx *tx, struct step *s, struct err *e)
{
    struct outbox_turn now = turn();
    return tx_message_add(tx, &now, &s->message, &s->leg, 1, e);
}

/* A message of this one leg; its seq, or 0 if the leg did not wait. */
static int64_t take(struct temp *t, int64_t delivery, int n, const char *account, const char *address)
{
    struct step s = {
        .run = add_message,
        .leg = { delivery, n },
        .message = { .account = account, .provider = "p", .address = address, .severity = SEVERITY_ALARM, .text = "Feuer", .priority = -1 },
    };
    (void)id_make(s.message.id, clock_wall_ms());
    run(t, &s);
    return s.result > 0 ? s.message.seq : 0;
}

static int tell_verdict(struct store_tx *tx, struct step *s, struct err *e)
{
    struct outbox_turn now = turn();
    return tx_message_verdict(tx, &now, &s->verdict, &s->ended, e);
}

static struct outbox_end_list end(struct temp *t, int64_t message, enum message_state state, bool is_next_way_now)
{
    struct step s = {
        .run = tell_verdict,
        .verdict = { .message = message, .state = state, .verdict = "v", .detail = "d", .due_run_ms = now_ms + 5000,
                     .is_next_way_now = is_next_way_now },
    };
    run(t, &s);
    return s.ended;
}

/* The text is told, its pictures follow. */
static void end_text(struct temp *t, int64_t message)
{
    struct step s = { .run = tell_verdict,
                      .verdict = { .message = message, .state = MESSAGE_SENT, .verdict = "v", .detail = "d", .pictures_follow = true } };
    run(t, &s);
}

static int again(struct store_tx *tx, struct step *s, struct err *e)
{
    struct outbox_turn now = turn();
    return tx_message_again(tx, &now, s->message.seq, e);
}

static int try_again(struct temp *t, int64_t message)
{
    struct step s = { .run = again, .message = { .seq = message } };
    run(t, &s);
    return s.result;
}

static int sweep_due(struct store_tx *tx, struct step *s, struct err *e)
{
    struct outbox_turn now = turn();
    return tx_deliveries_due(tx, &now, &s->ended, e);
}

static struct outbox_end_list sweep(struct temp *t)
{
    struct step s = { .run = sweep_due };
    run(t, &s);
    return s.ended;
}

static int retry(struct store_tx *tx, struct step *s, struct err *e)
{
    struct outbox_turn now = turn();
    return tx_delivery_retry(tx, &now, s->id, e);
}

static int dissolve(struct store_tx *tx, struct step *s, struct err *e)
{
    struct outbox_turn now = turn();
    return tx_lane_dissolve(tx, &now, s->account, s->address, &s->ended, e);
}

/* --- looking ------------------------------------------------------------------------------------------------ */

static int64_t number(struct temp *t, const char *sql, int64_t value)
{
    struct store_reader *r = NULL;
    struct err           e = { .text = "" };
    if (store_reader_open(t->store, &r, &e) < 0)
        fail_msg("%s", e.text);
    struct stmt *q = db_prepare(reader_db(r), sql, &e);
    if (!q)
        fail_msg("%s", e.text);
    stmt_bind(q, 1, P(value));
    assert_int_equal(stmt_step(q, &e), 1);
    int64_t result = col_int(q, 0);
    stmt_done(&q);
    store_reader_close(&r);
    return result;
}

static int state_of(struct temp *t, int64_t delivery)
{
    return (int)number(t, "SELECT state FROM deliveries WHERE seq = ?", delivery);
}

/* The states of a delivery's legs as digits: 1 taken and 0 waiting is 10. */
static int legs_of(struct temp *t, int64_t delivery)
{
    return (int)number(t, "SELECT ifnull(sum(state * pow10), 0) FROM (SELECT state, CASE n WHEN 0 THEN 100 WHEN 1 THEN 10 ELSE 1 END AS pow10"
                          " FROM legs WHERE delivery = ?)", delivery);
}

static int64_t leg_count(struct temp *t, int64_t delivery)
{
    return number(t, "SELECT count(*) FROM legs WHERE delivery = ?", delivery);
}

#define LEGS(first, second, third) ((first) * 100 + (second) * 10 + (third))

/* --- tests -------------------------------------------------------------------------------------------------- */

static void test_outbox_begins_with_the_first_way_only(void **state)
{
    struct temp       *t = *state;
    now_ms = 1000;
    struct outbox_debt d = owe(t, "anna", 0);
    assert_int_equal(leg_count(t, d.delivery), 1);
    assert_int_equal(state_of(t, d.delivery), DELIVERY_WAITING);
    assert_int_equal(number(t, "SELECT due_run_ms FROM deliveries WHERE seq = ?", d.delivery), 31 * SECOND);
    assert_int_equal(number(t, "SELECT due_run_ms FROM deliveries WHERE seq = ?", owe(t, "bob", 0).delivery), 72 * HOUR + 1000);
}

static void test_outbox_sends_once(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt d = owe(t, "anna", 0);
    int64_t            m = take(t, d.delivery, 0, "a", "1");
    assert_true(m > 0);
    assert_int_equal(state_of(t, d.delivery), DELIVERY_SENDING);
    assert_int_equal(take(t, d.delivery, 0, "a", "1"), 0); /* it waits no more */
    struct outbox_end_list ended = end(t, m, MESSAGE_SENT, false);
    assert_int_equal(ended.count, 1);
    assert_string_equal(ended.items[0].id, d.id);
    assert_int_equal(ended.items[0].state, DELIVERY_SENT);
    assert_int_equal(state_of(t, d.delivery), DELIVERY_SENT);
    assert_int_equal(number(t, "SELECT sent_ms IS NOT NULL FROM deliveries WHERE seq = ?", d.delivery), 1);
}

static void test_outbox_goes_the_next_way_at_once_when_the_message_is_refused(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt d = owe(t, "anna", 0);
    assert_int_equal(end(t, take(t, d.delivery, 0, "a", "1"), MESSAGE_FAILED, false).count, 0);
    assert_int_equal(leg_count(t, d.delivery), 2);
    assert_int_equal(legs_of(t, d.delivery), LEGS(LEG_FAILED, LEG_WAITING, 0));
    struct outbox_end_list ended = end(t, take(t, d.delivery, 1, "b", "2"), MESSAGE_FAILED, false);
    assert_int_equal(ended.count, 1);
    assert_int_equal(ended.items[0].state, DELIVERY_FAILED);
}

static void test_outbox_tries_the_next_way_while_the_account_refuses_but_only_once(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt d = owe(t, "anna", 0);
    int64_t            m = take(t, d.delivery, 0, "a", "1");
    (void)end(t, m, MESSAGE_WAITING, true);
    assert_int_equal(legs_of(t, d.delivery), LEGS(LEG_TAKEN, LEG_WAITING, 0));
    assert_int_equal(try_again(t, m), 1);
    (void)end(t, m, MESSAGE_WAITING, true);
    assert_int_equal(leg_count(t, d.delivery), 2);
    (void)end(t, take(t, d.delivery, 1, "b", "2"), MESSAGE_SENT, false);
    assert_int_equal(state_of(t, d.delivery), DELIVERY_SENT);
    assert_int_equal(try_again(t, m), 0); /* nobody is owed it any more */
    assert_int_equal(legs_of(t, d.delivery), LEGS(LEG_WITHDRAWN, LEG_SENT, 0));
    assert_int_equal(number(t, "SELECT state FROM messages WHERE seq = ?", m), MESSAGE_WITHDRAWN);
}

static void test_outbox_withdraws_what_waits_but_not_what_flies(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt waits = owe(t, "anna", 0), flies = owe(t, "anna", 0);
    int64_t            m1 = take(t, waits.delivery, 0, "a", "1"), m2 = take(t, flies.delivery, 0, "a", "1");
    now_ms += 30 * SECOND;
    assert_int_equal(sweep(t).count, 0);
    assert_int_equal(legs_of(t, waits.delivery), LEGS(LEG_TAKEN, LEG_WAITING, 0));
    int64_t second = take(t, flies.delivery, 1, "b", "2");
    (void)end(t, m1, MESSAGE_SENT, false);
    (void)end(t, m2, MESSAGE_SENT, false);
    assert_int_equal(legs_of(t, waits.delivery), LEGS(LEG_SENT, LEG_WITHDRAWN, 0));
    assert_int_equal(legs_of(t, flies.delivery), LEGS(LEG_SENT, LEG_TAKEN, 0));
    assert_int_equal(end(t, second, MESSAGE_UNKNOWN, false).count, 0);
    assert_int_equal(state_of(t, flies.delivery), DELIVERY_SENT);
}

static void test_outbox_keeps_unknown_visible_unless_another_way_tells(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt lone = owe(t, "bob", 0), pair = owe(t, "anna", 0);
    assert_int_equal(end(t, take(t, lone.delivery, 0, "b", "9"), MESSAGE_UNKNOWN, false).items[0].state, DELIVERY_UNKNOWN);
    assert_int_equal(end(t, take(t, pair.delivery, 0, "a", "1"), MESSAGE_UNKNOWN, false).count, 0);
    assert_int_equal(state_of(t, pair.delivery), DELIVERY_WAITING);
    now_ms += 30 * SECOND;
    (void)sweep(t);
    assert_int_equal(end(t, take(t, pair.delivery, 1, "b", "2"), MESSAGE_FAILED, false).items[0].state, DELIVERY_UNKNOWN);
}

static void test_outbox_gives_up_at_the_deadline_and_not_in_flight(void **state)
{
    struct temp       *t = *state;
    now_ms = 5000;
    struct outbox_debt d = owe(t, "bob", 0);
    now_ms += 72 * (int64_t)HOUR - 1;
    assert_int_equal(sweep(t).count, 0);
    int64_t m = take(t, d.delivery, 0, "b", "9");
    now_ms += 1;
    assert_int_equal(sweep(t).count, 0); /* it flies */
    (void)end(t, m, MESSAGE_WAITING, false);
    now_ms += 10 * SECOND;
    struct outbox_end_list ended = sweep(t);
    assert_int_equal(ended.count, 1);
    assert_int_equal(ended.items[0].state, DELIVERY_FAILED);
    assert_int_equal(try_again(t, m), 0);
}

static void test_outbox_sends_a_failed_delivery_again_by_all_its_ways(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt d = owe(t, "anna", 0);
    struct step        s = { .run = retry, .id = d.id };
    run(t, &s);
    assert_int_equal(s.result, 0); /* it has not failed */
    (void)end(t, take(t, d.delivery, 0, "a", "1"), MESSAGE_FAILED, false);
    (void)end(t, take(t, d.delivery, 1, "b", "2"), MESSAGE_FAILED, false);
    assert_int_equal(state_of(t, d.delivery), DELIVERY_FAILED);
    run(t, &s);
    assert_int_equal(s.result, 1);
    assert_int_equal(state_of(t, d.delivery), DELIVERY_WAITING);
    (void)end(t, take(t, d.delivery, 2, "a", "1"), MESSAGE_FAILED, false);
    assert_int_equal(leg_count(t, d.delivery), 4);
    (void)end(t, take(t, d.delivery, 3, "b", "2"), MESSAGE_SENT, false);
    assert_int_equal(state_of(t, d.delivery), DELIVERY_SENT);
}

static void test_outbox_begins_the_next_way_at_once_where_the_first_is_shut(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt d = owe(t, "shy", 0);
    assert_int_equal(leg_count(t, d.delivery), 2);
    (void)end(t, take(t, d.delivery, 1, "b", "3"), MESSAGE_SENT, false);
    assert_int_equal(legs_of(t, d.delivery), LEGS(LEG_WITHDRAWN, LEG_SENT, 0));
}

static void test_outbox_does_not_tell_an_address_twice_of_one_event(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt bob = owe(t, "bob", 0), twin = owe(t, "twin", bob.event);
    (void)end(t, take(t, bob.delivery, 0, "b", "9"), MESSAGE_SENT, false);
    assert_int_equal(end(t, take(t, twin.delivery, 0, "x", "1"), MESSAGE_FAILED, false).items[0].state, DELIVERY_SENT);
    assert_int_equal(legs_of(t, twin.delivery), LEGS(LEG_FAILED, LEG_SENT, 0));
}

static void test_outbox_dissolves_a_lane_that_is_no_longer_in_the_settings(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt taken = owe(t, "anna", 0), waits = owe(t, "anna", 0);
    (void)take(t, taken.delivery, 0, "a", "1");
    struct step s = { .run = dissolve, .account = "a", .address = "1" };
    do
        run(t, &s);
    while (s.result > 0);
    assert_int_equal(legs_of(t, taken.delivery), LEGS(LEG_FAILED, LEG_WAITING, 0));
    assert_int_equal(legs_of(t, waits.delivery), LEGS(LEG_FAILED, LEG_WAITING, 0));
}

static void test_outbox_owes_pictures_without_touching_the_delivery(void **state)
{
    struct temp *t = *state;
    static const enum message_state ends[] = { MESSAGE_SENT, MESSAGE_UNKNOWN, MESSAGE_FAILED };
    static const enum leg_state     legs[] = { LEG_SENT, LEG_UNKNOWN, LEG_FAILED };
    for (size_t i = 0; i < COUNT(ends); i++) {
        struct outbox_debt d = owe(t, "anna", 0);
        end_text(t, take(t, d.delivery, 0, "a", "1"));
        assert_int_equal(state_of(t, d.delivery), DELIVERY_SENT);
        assert_int_equal(legs_of(t, d.delivery), LEGS(LEG_SENT, LEG_WAITING, 0));
        int64_t pictures = take(t, d.delivery, 1, "a", "1");
        (void)end(t, pictures, MESSAGE_WAITING, true);
        assert_int_equal(try_again(t, pictures), 1);
        assert_int_equal(end(t, pictures, ends[i], false).count, 0);
        assert_int_equal(state_of(t, d.delivery), DELIVERY_SENT);
        assert_int_equal(legs_of(t, d.delivery), LEGS(LEG_SENT, legs[i], 0));
    }
}

static void test_outbox_gives_pictures_up_when_their_text_would_be(void **state)
{
    struct temp *t = *state;
    now_ms = 5000;
    struct outbox_debt d = owe(t, "anna", 0);
    end_text(t, take(t, d.delivery, 0, "a", "1"));
    int64_t pictures = take(t, d.delivery, 1, "a", "1");
    (void)end(t, pictures, MESSAGE_WAITING, false);
    now_ms += 72 * (int64_t)HOUR;
    assert_int_equal(try_again(t, pictures), 0);
    assert_int_equal(legs_of(t, d.delivery), LEGS(LEG_SENT, LEG_WITHDRAWN, 0));
}

static void test_outbox_begins_no_way_for_pictures_of_a_lane_that_is_gone(void **state)
{
    struct temp       *t = *state;
    struct outbox_debt d = owe(t, "anna", 0);
    end_text(t, take(t, d.delivery, 0, "a", "1"));
    struct step s = { .run = dissolve, .account = "a", .address = "1" };
    do
        run(t, &s);
    while (s.result > 0);
    assert_int_equal(legs_of(t, d.delivery), LEGS(LEG_SENT, LEG_FAILED, 0));
    assert_int_equal(state_of(t, d.delivery), DELIVERY_SENT);
}

/* --- reading ------------------------------------------------------------------------------------------------ */

struct seen {
    int     lanes, pending;
    int64_t oldest;
};

static void see_lane(void *user, const char *account, const char *address)
{
    (void)account, (void)address;
    ((struct seen *)user)->lanes++;
}

static void see_pending(void *user, const char *account, int64_t count, int64_t oldest_run_ms)
{
    struct seen *s = user;
    if (strcmp(account, "b") == 0) {
        s->pending = (int)count;
        s->oldest = oldest_run_ms;
    }
}

static void test_outbox_reads_back_what_waits_and_what_is_open(void **state)
{
    struct temp *t = *state;
    now_ms = 777;
    struct outbox_debt first = owe(t, "bob", 0);
    now_ms = 1777;
    struct outbox_debt second = owe(t, "bob", 0);
    (void)owe(t, "anna", 0);
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 1 << 20);
    struct err           e = { .text = "" };
    struct store_reader *r = NULL;
    assert_int_equal(store_reader_open(t->store, &r, &e), 0);
    struct outbox_member m[OUTBOX_MEMBERS_MAX];
    assert_int_equal(outbox_waiting(r, "b", "9", SEVERITY_ALARM, m, COUNT(m), &a, &e), 2);
    assert_int_equal(outbox_waiting(r, "b", "9", SEVERITY_INFO, m + 2, 1, &a, &e), 0);
    assert_int_equal(m[0].leg.delivery, first.delivery);
    assert_string_equal(m[0].id, first.id);
    assert_string_equal(m[0].recipient, "bob");
    assert_string_equal(m[0].event.kind, "alarm.fire");
    assert_string_equal(m[0].event.text, "Feuer");
    assert_int_equal(m[0].event.zone_number, ZONE_NONE);
    assert_null(m[0].origin.arrival);
    assert_int_equal(m[1].leg.delivery, second.delivery);

    int64_t              message = take(t, first.delivery, 0, "b", "9");
    struct outbox_message out;
    size_t               count = 0;
    assert_int_equal(outbox_open_message(r, "b", "9", SEVERITY_ALARM, &out, m, COUNT(m), &count, &a, &e), 1);
    assert_int_equal(out.seq, message);
    assert_int_equal(out.state, MESSAGE_SENDING);
    assert_string_equal(out.text, "Feuer");
    assert_int_equal(count, 1);
    assert_int_equal(m[0].leg.delivery, first.delivery);

    struct seen seen = { 0 };
    assert_int_equal(outbox_lanes(r, see_lane, &seen, &e), 0);
    assert_int_equal(outbox_pending(r, see_pending, &seen, &e), 0);
    assert_int_equal(seen.lanes, 2);
    assert_int_equal(seen.pending, 2);
    assert_int_equal(seen.oldest, 777);
    int64_t due = 0;
    assert_int_equal(outbox_next_due(r, &due, &e), 0);
    assert_int_equal(due, 1777 + 30 * SECOND);
    store_reader_close(&r);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, temp_setup, temp_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_outbox_begins_with_the_first_way_only),
        CASE(test_outbox_sends_once),
        CASE(test_outbox_owes_pictures_without_touching_the_delivery),
        CASE(test_outbox_gives_pictures_up_when_their_text_would_be),
        CASE(test_outbox_begins_no_way_for_pictures_of_a_lane_that_is_gone),
        CASE(test_outbox_goes_the_next_way_at_once_when_the_message_is_refused),
        CASE(test_outbox_tries_the_next_way_while_the_account_refuses_but_only_once),
        CASE(test_outbox_withdraws_what_waits_but_not_what_flies),
        CASE(test_outbox_keeps_unknown_visible_unless_another_way_tells),
        CASE(test_outbox_gives_up_at_the_deadline_and_not_in_flight),
        CASE(test_outbox_sends_a_failed_delivery_again_by_all_its_ways),
        CASE(test_outbox_begins_the_next_way_at_once_where_the_first_is_shut),
        CASE(test_outbox_does_not_tell_an_address_twice_of_one_event),
        CASE(test_outbox_dissolves_a_lane_that_is_no_longer_in_the_settings),
        CASE(test_outbox_reads_back_what_waits_and_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
