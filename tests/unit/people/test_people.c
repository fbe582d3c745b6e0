/* people: what is right is read, what is wrong is said with the nearest known word, and the rest works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/nearest.h"
#include "settings_text.h"
#include <stdlib.h>
#include <string.h>

static const char faces[] =
    "{ \"Accounts\": { \"hook\": { \"Provider\": \"webhook\", \"Url\": \"http://127.0.0.1:1/a\", \"Rate\": 12, \"Burst\": 3 },"
    "                \"sms\": { \"Provider\": \"clicksend\", \"Username\": \"u\", \"Token\": \"t0ken\", \"From\": \"House\","
    "                         \"WhenUnknown\": \"never\" } },"
    "  \"Recipients\": { \"anna\": [ \"hook:\", \"sms:+491700000001\" ], \"family\": [ \"hook:\" ], \"bob\": \"sms:0049170 0000002\" },"
    "  \"Routes\": [ { \"Kinds\": [ \"alarm.*\", \"trouble.*\" ], \"Devices\": [ \"*\" ], \"Tell\": [ \"anna\", \"family\" ] },"
    "              { \"Kinds\": [ \"camera.*\" ], \"MinSeverity\": \"info\", \"Tell\": [ \"family\" ] },"
    "              { \"Tell\": [], \"To\": \"nobody\", \"Title\": \"T\", \"Priority\": 7, \"Except\": \"x+\", \"Otherwise\": true } ] }";

static void test_people_reads_the_documented_example(void **state)
{
    (void)state;
    struct settings_text s;
    settings_text_read(&s, faces);
    CLEANUP(arena_done) struct arena unused;
    arena_init(&unused, 1);
    char *said = settings_text_mistakes(&s);
    assert_string_equal(said, "");
    free(said);
    const struct people *p = &s.people;
    assert_int_equal(p->account_count, 3); /* and log */
    assert_string_equal(p->accounts[0].name, "hook");
    assert_true(p->accounts[0].rate_per_minute > 11.9 && p->accounts[0].rate_per_minute < 12.1);
    assert_int_equal(p->accounts[0].burst, 3);
    assert_true(p->accounts[0].is_resent_when_unknown);
    assert_false(p->accounts[1].is_resent_when_unknown);
    assert_string_equal(account_field(&p->accounts[1], "From"), "House");
    assert_int_equal(p->recipient_count, 3);
    assert_int_equal(p->recipients[0].way_count, 2);
    assert_ptr_equal(p->recipients[0].ways[1].account, &p->accounts[1]);
    assert_string_equal(p->recipients[0].ways[1].address, "+491700000001");
    assert_string_equal(p->recipients[2].ways[0].address, "+491700000002");
    assert_int_equal(p->route_count, 3);
    assert_int_equal(p->routes[0].tell_count, 2);
    assert_ptr_equal(p->routes[1].tell[0], &p->recipients[1]);
    assert_true(p->routes[2].is_otherwise);
    assert_int_equal(p->routes[2].priority, 7);
    assert_string_equal(p->routes[2].title, "T");
    assert_string_equal(p->routes[2].to[0], "nobody");
    assert_false(p->is_nobody_told);
    settings_text_done(&s);
}

static void test_people_without_recipients_tells_the_log(void **state)
{
    (void)state;
    struct settings_text s;
    settings_text_read(&s, "{}");
    assert_int_equal(s.mistakes.count, 0);
    assert_int_equal(s.people.recipient_count, 1);
    assert_string_equal(s.people.recipients[0].name, "log");
    assert_true(s.people.recipients[0].ways[0].account->provider->is_local);
    assert_true(s.people.is_nobody_told);
    settings_text_done(&s);
}

#define HOOK "\"Accounts\": { \"hook\": { \"Provider\": \"webhook\", \"Url\": \"http://127.0.0.1:1/\" } }, "
#define ANNA "\"Recipients\": { \"anna\": [ \"hook:\" ] }, "

static void test_people_says_every_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *json, *said;
        bool        is_nobody_told;
    } rows[] = {
        { "{\"Accounts\":{\"a\":{}}}", "Accounts:a: Provider is missing", true },
        { "{\"Accounts\":{\"a\":{\"Provider\":\"clicksent\"}}}", "Accounts:a:Provider: the provider clicksent is not known; did you mean clicksend?",
          true },
        { "{\"Accounts\":{\"a\":{\"Provider\":\"clicksend\",\"Username\":\"u\"}}}", "Accounts:a: Token is missing", true },
        { "{\"Accounts\":{\"a\":{\"Provider\":\"clicksend\",\"Username\":\"u\",\"Token\":\"<token>\"}}}",
          "Accounts:a:Token: still the placeholder <token>", true },
        { "{\"Accounts\":{\"hook\":{\"Provider\":\"webhook\",\"Urll\":\"http://a/\",\"Url\":\"http://a/\"}}}",
          "Accounts:hook:Urll: the key Urll is not known; did you mean Url?", true },
        { "{\"Accounts\":{\"hook\":{\"Provider\":\"webhook\",\"Url\":\"http://a/\",\"Rate\":\"many\"}}}", "Accounts:hook:Rate: many is not a number",
          true },
        { "{\"Accounts\":{\"hook\":{\"Provider\":\"webhook\",\"Url\":\"http://a/\",\"WhenUnknown\":\"twice\"}}}",
          "Accounts:hook:WhenUnknown: twice is neither again nor never", true },
        { "{\"Accounts\":{\"hook\":{\"Provider\":\"webhook\",\"Url\":\"gopher://a/\"}}}", "Accounts:hook: Url is not", true },
        { "{" HOOK "\"Recipients\":{\"anna\":[\"hok:a\"]}}", "Recipients:anna:0: the account hok is not known; did you mean hook?", true },
        { "{" HOOK "\"Recipients\":{\"anna\":[\"hook\"]}}", "Recipients:anna:0: should be of the form account:address", true },
        { "{" HOOK "\"Recipients\":{\"anna\":[\"hook:<address>\"]}}", "Recipients:anna:0: still the placeholder", true },
        { "{\"Accounts\":{\"sms\":{\"Provider\":\"clicksend\",\"Username\":\"u\"}},\"Recipients\":{\"anna\":[\"sms:+491700000001\"]}}",
          "Recipients:anna:0: the account sms has mistakes of its own", true },
        { "{" HOOK ANNA "\"Routes\":[{\"Kinds\":[\"alram.*\"],\"Tell\":[\"anna\"]}]}", "Routes:0:Kinds:0: the kind alram.* is not known", false },
        { "{" HOOK ANNA "\"Routes\":[{\"Kinds\":[\"alarm.tampr\"],\"Tell\":[\"anna\"]}]}", "did you mean alarm.tamper?", false },
        { "{" HOOK ANNA "\"Routes\":[{\"Tell\":[\"ana\"]}]}", "Routes:0:Tell:0: the recipient ana is not known; did you mean anna?", false },
        { "{" HOOK ANNA "\"Routes\":[{\"Kind\":[\"alarm.*\"],\"Tell\":[\"anna\"]}]}", "the key Kind is not known; did you mean Kinds?", false },
        { "{" HOOK ANNA "\"Routes\":[{\"Kinds\":[\"alarm.*\"]}]}", "Routes:0: Tell is missing", false },
        { "{" HOOK ANNA "\"Routes\":[{\"MinSeverity\":\"high\",\"Tell\":[\"anna\"]}]}", "Routes:0:MinSeverity: high is not one of", false },
        { "{" HOOK ANNA "\"Routes\":[{\"Except\":\"(a\",\"Tell\":[\"anna\"]}]}", "Routes:0:Except: ", false },
        { "{" HOOK ANNA "\"Routes\":[{\"Except\":\"(a)\\\\1\",\"Tell\":[\"anna\"]}]}", "back references", false },
        { "{" HOOK ANNA "\"Routes\":[{\"Priority\":11,\"Tell\":[\"anna\"]}]}", "Routes:0:Priority: 11 is not a number from 0 to 10", false },
        { "{" HOOK ANNA "\"Routes\":[\"anna\"]}", "Routes:0: should be a block", false },
        { "{" HOOK ANNA "\"Routes\":\"anna\"}", "Routes: should be a list", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings_text s;
        settings_text_read(&s, rows[i].json);
        char *said = settings_text_mistakes(&s);
        if (!strstr(said, rows[i].said))
            fail_msg("%s\n said: %s\n not: %s", rows[i].json, said, rows[i].said);
        free(said);
        if (s.people.is_nobody_told != rows[i].is_nobody_told)
            fail_msg("%s: is_nobody_told", rows[i].json);
        assert_true(s.people.recipient_count > 0);
        settings_text_done(&s);
    }
}

static void test_people_leaves_out_a_route_that_would_silence_by_mistake(void **state)
{
    (void)state;
    struct settings_text s;
    settings_text_read(&s, "{" HOOK ANNA "\"Routes\":[{\"Tell\":[\"ana\"]},{\"Kinds\":[\"alram.*\"],\"Tell\":[]},{\"Tell\":[]}]}");
    assert_int_equal(s.people.route_count, 1);
    assert_int_equal(s.people.routes[0].tell_count, 0);
    settings_text_done(&s);
}

static void test_nearest_knows_what_was_meant(void **state)
{
    (void)state;
    static const char *const known[] = { "Token", "Username", "From", "Url" };
    static const struct {
        const char *word, *meant;
    } rows[] = { { "token", "Token" }, { "Tokne", "Token" }, { "UserName", "Username" }, { "Form", "From" }, { "zzz", NULL }, { "", NULL },
                 { "URL", "Url" } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *found = nearest(rows[i].word, known, COUNT(known));
        if (rows[i].meant ? !found || strcmp(found, rows[i].meant) != 0 : found != NULL)
            fail_msg("%s: %s", rows[i].word, found ? found : "(none)");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people_reads_the_documented_example),
        cmocka_unit_test(test_people_without_recipients_tells_the_log),
        cmocka_unit_test(test_people_says_every_mistake),
        cmocka_unit_test(test_people_leaves_out_a_route_that_would_silence_by_mistake),
        cmocka_unit_test(test_nearest_knows_what_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
