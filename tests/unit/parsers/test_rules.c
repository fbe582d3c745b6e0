/* test_rules: what an owner's rule makes of a mail, and every mistake that a rule can have. */
#include "parsers/rules.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct arena  arena;
static struct events events;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    events = (struct events){ .arena = &arena };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const char *const     recipients[] = { "alarm@h", "garage@h" };
static const struct envelope envelope = { "smtp", "192.0.2.1", "", "", "cam@h", recipients, 2 };

static struct rules *read_rules(const char *json)
{
    struct rules *rules = NULL;
    struct err    e;
    if (rules_read(json, strlen(json), &rules, NULL, NULL, &e) < 0)
        fail_msg("%s", e.text);
    return rules;
}

/* The one event of a mail of this subject and text, by these rules. */
static const struct event *read_mail(const char *json, const char *subject, const char *text)
{
    static const struct media picture = { .n = 1, .type = "image/jpeg", .name = "GATE_20261121031245.jpg" };
    struct rules            *rules = read_rules(json);
    const struct parser_site site = { .alarm_user = "alarm", .status_user = "status", .language = "en", .rules = rules };
    const struct mail m = { .site = &site, .envelope = &envelope, .subject = subject, .text = text, .header_from = "c@h", .mailer = "",
                            .media = &picture, .media_count = 1 };
    struct err e;
    events.count = 0;
    assert_int_equal(parsers_read(&m, &events, &e), 0);
    assert_int_equal(events.count, 1);
    rules_free(&rules);
    return &events.items[0];
}

static void groups_fill_the_event(void **state)
{
    (void)state;
    const struct event *ev = read_mail(
        "[{\"Name\":\"gate\",\"Where\":\"subject\",\"Pattern\":\"^(?<device>[^:]+): Gate (?<zone>\\\\d+) \\\\((?<zone_name>.*)\\\\) (?<kind>\\\\w+)"
        " by (?<user>\\\\w+) at (?<time>.*?), (?<text>.*)\",\"Kinds\":{\"OPENED\":\"zone.open\",\"shut\":\"zone.closed\"}}]",
        "Hof: Gate 7 (S\xC3\xBC" "d) opened by J\xC3\xB6rg at 21.11.2026 03:12:45, all is well", "");
    assert_string_equal(events.parser, "rule:gate");
    assert_string_equal(ev->kind, "zone.open");
    assert_string_equal(ev->device_name, "Hof");
    assert_string_equal(ev->device_id, "cam");
    assert_int_equal(ev->zone_number, 7);
    assert_string_equal(ev->zone_name, "S\xC3\xBC" "d");
    assert_string_equal(ev->user, "J\xC3\xB6rg");
    assert_string_equal(ev->text, "all is well");
    assert_true(strncmp(ev->device_time, "2026-11-21T03:12:45", 19) == 0);
    assert_int_equal(ev->media_count, 1);
    assert_null(events.rule_trouble);
}

static void a_mail_is_looked_at_where_the_rule_says(void **state)
{
    (void)state;
    static const struct {
        const char *where, *pattern;
        bool        fits;
    } rows[] = {
        { "\"subject\"", "in the subject", true }, { "\"subject\"", "in the body", false }, { "\"body\"", "^in the body$", true },
        { "\"sender\"", "^c@h$", true }, { "\"sender\"", "^cam@h$", true }, { "\"recipient\"", "^garage@h$", true },
        { "\"recipient\"", "in the body", false }, { "\"attachment\"", "^GATE_(?<time>\\\\d+)", true },
        { "[\"Attachment\",\"body\"]", "in the body", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char json[512];
        (void)snprintf(json, sizeof json, "[{\"Name\":\"x\",\"Where\":%s,\"Pattern\":\"%s\",\"Kind\":\"alarm.water\"}]", rows[i].where,
                       rows[i].pattern);
        const struct event *ev = read_mail(json, "in the subject", "first\nin the body\nlast");
        if ((strcmp(ev->kind, "alarm.water") == 0) != rows[i].fits)
            fail_msg("%s %s: %s", rows[i].where, rows[i].pattern, ev->kind);
    }
}

static const struct {
    const char *members, *kind;
    bool        restored;
    enum severity severity;
} kinds[] = {
    { "\"Kind\":\"alarm.water\"", "alarm.water", false, SEVERITY_ALARM },
    { "\"Kind\":\"alarm.water restored\"", "alarm.water", true, SEVERITY_WARNING },
    { "\"Kind\":\"alarm.water\",\"Restored\":true", "alarm.water", true, SEVERITY_WARNING },
    { "\"Kind\":\"alarm.water\",\"Severity\":\"info\"", "alarm.water", false, SEVERITY_INFO },
    { "\"Kind\":\"unknown\"", "unknown", false, SEVERITY_ALARM }, /* it came to the alarm's address */
};

static void kind_and_severity_are_as_the_rule_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char json[256];
        (void)snprintf(json, sizeof json, "[{\"Name\":\"x\",\"Pattern\":\"wet\",%s}]", kinds[i].members);
        const struct event *ev = read_mail(json, "it is wet", "");
        assert_string_equal(ev->kind, kinds[i].kind);
        assert_int_equal(ev->restored, kinds[i].restored);
        assert_int_equal(ev->severity, kinds[i].severity);
        assert_string_equal(ev->text, "it is wet");
    }
}

static void the_first_rule_that_fits_is_taken_and_rules_come_before_parsers(void **state)
{
    (void)state;
    static const char json[] = "[{\"Name\":\"a\",\"Pattern\":\"nothing\",\"Kind\":\"alarm.fire\"},"
                               "{\"Name\":\"b\",\"Pattern\":\"Zone:(?<zone>\\\\d+)\",\"Kind\":\"alarm.gas\"},"
                               "{\"Name\":\"c\",\"Pattern\":\"Zone\",\"Kind\":\"alarm.co\"}]";
    const struct event *ev = read_mail(json, "", "Zone:8 Ost 1, Innenbereich Alarm");
    assert_string_equal(ev->kind, "alarm.gas");
    assert_string_equal(events.parser, "rule:b");
    assert_int_equal(ev->zone_number, 8);
    ev = read_mail("[]", "", "Zone:8 Ost 1, Innenbereich Alarm");
    assert_string_equal(events.parser, "lupusec");
}

static void a_rule_that_runs_away_is_named_and_the_others_are_asked(void **state)
{
    (void)state;
    static const char json[] = "[{\"Name\":\"slow\",\"Pattern\":\"(a+)+$\",\"Kind\":\"alarm.fire\"},"
                               "{\"Name\":\"b\",\"Pattern\":\"aa\",\"Kind\":\"alarm.gas\"}]";
    const struct event *ev = read_mail(json, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "");
    assert_string_equal(events.rule_trouble, "slow");
    assert_string_equal(ev->kind, "alarm.gas");
    (void)read_mail(json, "aaa", "");
    assert_null(events.rule_trouble);
}

static void a_group_that_says_nothing_fills_nothing(void **state)
{
    (void)state;
    const struct event *ev = read_mail("[{\"Name\":\"x\",\"Pattern\":\"a(?<zone> *)(?<user>\\\\s*)(?<kind>x?)(?<time>.*)b\",\"Kind\":\"alarm.gas\"}]",
                                       "a   30.02.2026 12:00b", "");
    assert_string_equal(ev->kind, "alarm.gas");
    assert_int_equal(ev->zone_number, ZONE_NONE);
    assert_null(ev->zone_name);
    assert_null(ev->user);
    assert_null(ev->device_time);
}

static void a_zone_that_is_no_number_is_a_name(void **state)
{
    (void)state;
    static const char json[] = "[{\"Name\":\"x\",\"Pattern\":\"at (?<zone>.*)$\",\"Kind\":\"alarm.gas\"}]";
    assert_string_equal(read_mail(json, "at Hof 2", "")->zone_name, "Hof 2");
    assert_string_equal(read_mail(json, "at 1234567890", "")->zone_name, "1234567890");
    assert_int_equal(read_mail(json, "at 007", "")->zone_number, 7);
}

/* --- mistakes ------------------------------------------------------------------------------------------------------ */

struct heard {
    char   text[2000];
    size_t count;
};

static void hear(void *user, size_t rule, const char *member, const char *text)
{
    struct heard *h = user;
    size_t        n = strlen(h->text);
    (void)snprintf(h->text + n, sizeof h->text - n, "%zu %s: %s\n", rule, member, text);
    h->count++;
}

#define EXAMPLE ",\"Example\":\"a 1\""

static const struct {
    const char *json, *says;
    size_t      count;
} mistakes[] = {
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\"" EXAMPLE "}]", "", 0 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\"}]", "0 Example: an example", 1 },
    { "[7]", "0 : a rule is expected", 1 },
    { "[{\"Pattern\":\"a\",\"Kind\":\"alarm.gas\"" EXAMPLE "}]", "0 Name: a name", 1 },
    { "[{\"Name\":\"x\",\"Kind\":\"alarm.gas\"" EXAMPLE "}]", "0 Pattern: a regular expression", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"(a\",\"Kind\":\"alarm.gas\"" EXAMPLE "}]", "0 Pattern: missing closing parenthesis, at byte 2", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"(?<zon>a)\",\"Kind\":\"alarm.gas\"" EXAMPLE "}]", "0 Pattern: a group \"zon\" fills nothing", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gass\"" EXAMPLE "}]", "0 Kind: no kind \"alarm.gass\"", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"system.settings\"" EXAMPLE "}]", "0 Kind: no kind \"system.settings\"", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\"" EXAMPLE "}]", "0 Kind: what is it?", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":7" EXAMPLE "}]", "0 Kind: a kind is expected", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Where\":\"header\"" EXAMPLE "}]", "0 Where: \"header\" is none of", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Where\":[]" EXAMPLE "}]", "0 Where: a place is expected", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Severity\":\"high\"" EXAMPLE "}]", "0 Severity: \"high\" is none of", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Restored\":\"yes\"" EXAMPLE "}]", "0 Restored: true or false", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Kinds\":{\"b\":\"alarm.gas\"}" EXAMPLE "}]", "0 Kinds: the pattern has no group", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"(?<kind>a)\",\"Kinds\":{\"b\":\"gas\"}" EXAMPLE "}]", "0 Kinds: no kind \"gas\"", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"(?<kind>a)\",\"Kinds\":{\"!?\":\"alarm.gas\",\"\":\"alarm.gas\"}" EXAMPLE "}]", "0 Kinds: a word of", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Exampel\":\"a\"" EXAMPLE "}]", "0 Exampel: not known", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"b\",\"Kind\":\"alarm.gas\"" EXAMPLE "}]", "0 Example: the pattern does not fit it", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"(a+)+$\",\"Kind\":\"alarm.gas\",\"Example\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}]",
      "0 Example: the pattern takes too long", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a (?<zone>.)\",\"Kind\":\"alarm.gas\",\"Gives\":{\"zone\":2,\"kind\":\"alarm.gas\"}" EXAMPLE "}]",
      "0 Gives:zone: the example gives \"1\", not \"2\"", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Gives\":{\"zone\":1,\"user\":\"u\"}" EXAMPLE "}]",
      "0 Gives:user: the example gives \"\", not \"u\"", 2 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Gives\":{\"zones\":1}" EXAMPLE "}]", "0 Gives:zones: not known", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\",\"Gives\":[1]" EXAMPLE "}]", "0 Gives: a block", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\"" EXAMPLE "},{\"Name\":\"x\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\"" EXAMPLE "}]",
      "1 Name: there is another rule", 1 },
    { "[{\"Name\":\"x\",\"Pattern\":\"(?<time>.*)\",\"Kind\":\"alarm.gas\",\"Example\":\"2026-11-21 03:12:45\","
      "\"Gives\":{\"time\":\"2026-11-21 03:12:45\",\"severity\":\"alarm\",\"restored\":false}}]", "", 0 },
};

static void every_mistake_is_said_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        struct heard  h = { .text = "", .count = 0 };
        struct rules *rules = NULL;
        struct err    e;
        assert_int_equal(rules_read(mistakes[i].json, strlen(mistakes[i].json), &rules, hear, &h, &e), 0);
        rules_free(&rules);
        if (h.count != mistakes[i].count || !strstr(h.text, mistakes[i].says))
            fail_msg("%s\n%s", mistakes[i].json, h.text);
    }
}

static void what_is_no_list_of_rules_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "{}", "[", "7", "null" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct rules *rules = NULL;
        struct err    e;
        assert_int_equal(rules_read(wrong[i], strlen(wrong[i]), &rules, NULL, NULL, &e), -1);
        assert_null(rules);
    }
    static char many[RULES_BYTES];
    size_t      n = 0;
    for (int i = 0; i <= RULES_MAX; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "%c{\"Name\":\"%d\",\"Pattern\":\"a\",\"Kind\":\"alarm.gas\"}", i ? ',' : '[', i);
    many[n++] = ']';
    struct rules *rules = NULL;
    struct err    e;
    assert_int_equal(rules_read(many, n, &rules, NULL, NULL, &e), -1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(groups_fill_the_event),
        T(a_mail_is_looked_at_where_the_rule_says),
        T(kind_and_severity_are_as_the_rule_says),
        T(the_first_rule_that_fits_is_taken_and_rules_come_before_parsers),
        T(a_rule_that_runs_away_is_named_and_the_others_are_asked),
        T(a_group_that_says_nothing_fills_nothing),
        T(a_zone_that_is_no_number_is_a_name),
        T(every_mistake_is_said_with_its_place),
        T(what_is_no_list_of_rules_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
