/* Which mails tell of one act: matching, without store or network. */
#include "core/attr.h"
#include "service/acts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct told {
    const char *to, *parser, *kind;
    int         zone;
    const char *zone_name, *user;
    int         code;
    bool        restored;
};

static struct acts list;
static int64_t     next_seq;

static int set_up(void **state)
{
    (void)state;
    list = (struct acts){ .added = 0 };
    next_seq = 0;
    return 0;
}

static bool make_of(const struct told *x, const char *device, int64_t at_ms, struct act *out)
{
    const char *const       to[] = { x->to };
    const struct envelope   envelope = { "smtp", "192.0.2.1", "", "", "panel@h", to, 1 };
    const struct act_source from = { &envelope, x->parser, "alarm", "status", ++next_seq, at_ms };
    const struct event      ev = {
             .kind = x->kind, .restored = x->restored, .device_id = device, .zone_number = x->zone, .zone_name = x->zone_name,
             .user = x->user, .code = x->code,
    };
    return act_of(&ev, &from, out);
}

/* Tells it; the seq of the event that told the same act first, 0: none. */
static int64_t tell(const struct told *x, const char *device, int64_t at_ms)
{
    struct act a;
    if (!make_of(x, device, at_ms, &a))
        return 0;
    const struct act *first = acts_find(&list, &a, 10000);
    a.seq = next_seq;
    a.first = first ? first->seq : 0;
    acts_add(&list, &a);
    return a.first;
}

#define NONE ZONE_NONE
static const struct {
    const char *what;
    struct told first, second;
    bool        is_same;
} pairs[] = {
    { "the same line to alarm and status", { "alarm@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false },
      { "status@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false }, true },
    { "text and code", { "alarm@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false },
      { "contact-id@h", "contact-id", "alarm.interior", 8, NULL, NULL, 132, false }, true },
    { "code first", { "contact-id@h", "contact-id", "alarm.interior", 8, NULL, NULL, 132, false },
      { "alarm@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false }, true },
    { "a text that says less than the code", { "alarm@h", "lupusec", "alarm.burglary", 8, "Ost 1", NULL, 130, false },
      { "contact-id@h", "contact-id", "alarm.perimeter", 8, NULL, NULL, 131, false }, true },
    { "the same code where one knows the name and one the number", { "alarm@h", "lupusec", "alarm.interior", NONE, "Ost 1", NULL, 132, false },
      { "contact-id@h", "contact-id", "alarm.interior", 8, NULL, NULL, 132, false }, true },
    { "a name only and another code", { "alarm@h", "lupusec", "alarm.burglary", NONE, "Ost 1", NULL, 130, false },
      { "contact-id@h", "contact-id", "alarm.interior", 8, NULL, NULL, 132, false }, false },
    { "a user's name and a user's number", { "status@h", "lupusec", "mode.armed", NONE, NULL, "Anna", 401, false },
      { "contact-id@h", "contact-id", "mode.armed", NONE, NULL, "user 1", 401, false }, true },
    { "two users", { "status@h", "lupusec", "mode.armed", NONE, NULL, "Anna", 401, false },
      { "alarm@h", "lupusec", "mode.armed", NONE, NULL, "Bert", 401, false }, false },
    { "the same name, differently written", { "alarm@h", "lupusec", "alarm.tamper", NONE, "G\u00E4stezimmer", NULL, 383, false },
      { "status@h", "lupusec", "alarm.tamper", NONE, "GASTEZIMMER ", NULL, 383, false }, true },
    { "two recipients of one class", { "alarm@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false },
      { "ALARM@other", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false }, false },
    { "another zone", { "alarm@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false },
      { "status@h", "lupusec", "alarm.interior", 9, "Ost 1", NULL, 132, false }, false },
    { "another name", { "alarm@h", "lupusec", "alarm.interior", NONE, "Ost 1", NULL, 132, false },
      { "status@h", "lupusec", "alarm.interior", NONE, "Ost 2", NULL, 132, false }, false },
    { "its end", { "alarm@h", "lupusec", "alarm.tamper", 8, "Ost 1", NULL, 383, false },
      { "status@h", "lupusec", "alarm.tamper", 8, "Ost 1", NULL, 383, true }, false },
    { "another kind", { "alarm@h", "lupusec", "alarm.tamper", 8, "Ost 1", NULL, 383, false },
      { "status@h", "lupusec", "zone.open", 8, "Ost 1", NULL, 750, false }, false },
    { "texts that nobody knows", { "alarm@h", "lupusec", "unknown", 8, "Ost 1", NULL, 0, false },
      { "status@h", "lupusec", "unknown", 8, "Ost 1", NULL, 0, false }, false },
    { "a recipient that is not the panel's", { "alarm@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false },
      { "test@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false }, false },
    { "a drill", { "alarm@h", "lupusec", "alarm.interior", 8, "Ost 1", NULL, 132, false },
      { "status@h", "drill", "alarm.interior", 8, "Ost 1", NULL, 132, false }, false },
};

static void mails_about_one_act_are_found_and_no_others(void **state)
{
    for (size_t i = 0; i < COUNT(pairs); i++) {
        (void)set_up(state);
        assert_int_equal(tell(&pairs[i].first, "panel", 1000), 0);
        if ((tell(&pairs[i].second, "panel", 2000) == 1) != pairs[i].is_same)
            fail_msg("%s", pairs[i].what);
    }
}

static void another_device_or_too_late_is_another_act(void **state)
{
    (void)state;
    assert_int_equal(tell(&pairs[0].first, "panel", 100000), 0);
    assert_int_equal(tell(&pairs[0].second, "other", 100000), 0);
    assert_int_equal(tell(&pairs[0].second, "panel", 110001), 0);
    (void)set_up(state);
    assert_int_equal(tell(&pairs[0].first, "panel", 100000), 0);
    assert_int_equal(tell(&pairs[0].second, "panel", 110000), 1);
    (void)set_up(state);
    assert_int_equal(tell(&pairs[0].first, "panel", 100000), 0);
    assert_int_equal(tell(&pairs[0].second, "panel", 90000), 1); /* the later mail was read first */
}

/* Twice the same act in a few seconds: alarm, alarm, status, status, contact-id, contact-id are two acts of three mails. */
static void acts_in_a_row_stay_apart(void **state)
{
    (void)state;
    const struct told *alarm = &pairs[1].first, *code = &pairs[1].second, *status = &pairs[0].second;
    assert_int_equal(tell(alarm, "panel", 1000), 0);
    assert_int_equal(tell(alarm, "panel", 2000), 0);
    assert_int_equal(tell(status, "panel", 3000), 1);
    assert_int_equal(tell(status, "panel", 4000), 2);
    assert_int_equal(tell(code, "panel", 5000), 1);
    assert_int_equal(tell(code, "panel", 6000), 2);
    assert_int_equal(tell(code, "panel", 7000), 0); /* a third act, whose others are yet to come */
    assert_int_equal(tell(alarm, "panel", 8000), 7);
    int64_t seqs[ACT_MEMBERS_MAX];
    assert_int_equal(acts_members(&list, &list.items[0], seqs), 3);
    assert_int_equal(seqs[0] + seqs[1] + seqs[2], 1 + 3 + 5);
}

static void what_is_read_again_is_not_its_own_act(void **state)
{
    (void)state;
    assert_int_equal(tell(&pairs[0].first, "panel", 1000), 0);
    assert_int_equal(tell(&pairs[0].second, "panel", 1000), 1);
    acts_forget(&list, 2); /* its transaction was undone */
    assert_int_equal(tell(&pairs[0].second, "panel", 1000), 1);
    acts_forget(&list, 1);
    assert_int_equal(tell(&pairs[1].second, "panel", 1000), 0);
}

static void the_oldest_are_forgotten(void **state)
{
    (void)state;
    assert_int_equal(tell(&pairs[0].first, "panel", 1000), 0);
    for (int i = 0; i < ACTS_MAX - 1; i++)
        assert_int_equal(tell(&pairs[0].first, "other", 1000), 0);
    assert_int_equal(tell(&pairs[0].second, "panel", 1000), 1);
    assert_int_equal(tell(&pairs[1].second, "panel", 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mails_about_one_act_are_found_and_no_others, set_up),
        cmocka_unit_test_setup(another_device_or_too_late_is_another_act, set_up),
        cmocka_unit_test_setup(acts_in_a_row_stay_apart, set_up),
        cmocka_unit_test_setup(what_is_read_again_is_not_its_own_act, set_up),
        cmocka_unit_test_setup(the_oldest_are_forgotten, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
