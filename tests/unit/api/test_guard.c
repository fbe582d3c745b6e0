/* guard: who may ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/guard.h"
#include "core/attr.h"
#include <string.h>

static void test_loopback_is_an_address_not_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool        is_loopback;
    } rows[] = {
        { "127.0.0.1", true }, { "127.0.0.2", true }, { "::1", true },      { "::ffff:127.0.0.1", true }, { "0.0.0.0", false },
        { "", false },         { "::", false },       { "10.0.0.1", false }, { "localhost", false },       { "::ffff:10.0.0.1", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (guard_is_loopback(rows[i].address) != rows[i].is_loopback)
            fail_msg("%s", rows[i].address);
}

static void test_a_token_follows_its_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *authorization, *token;
    } rows[] = {
        { "Bearer s3cret", "s3cret" }, { "bearer s3cret", "s3cret" }, { "Bearer  s3cret", "s3cret" }, { "Bearer a b", "a b" },
        { "Bearer ", NULL },           { "Bearer", NULL },            { "Basic s3cret", NULL },       { "s3cret", NULL },
        { "", NULL },                  { NULL, NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *found = guard_bearer(rows[i].authorization);
        if ((found != NULL) != (rows[i].token != NULL) || (found && strcmp(found, rows[i].token) != 0))
            fail_msg("row %zu: %s", i, rows[i].authorization ? rows[i].authorization : "(none)");
    }
}

static void test_only_origins_of_the_list_are_named(void **state)
{
    (void)state;
    static const char *const list[] = { "https://app.example", "http://tablet:3000", NULL };
    assert_true(guard_is_listed_origin("https://app.example", list));
    assert_true(guard_is_listed_origin("https://APP.example", list));
    assert_true(guard_is_listed_origin("http://tablet:3000", list));
    assert_false(guard_is_listed_origin("http://tablet:3001", list));
    assert_false(guard_is_listed_origin("http://app.example", list));
    assert_false(guard_is_listed_origin("https://app.example.evil", list));
    assert_false(guard_is_listed_origin("null", list));
    assert_false(guard_is_listed_origin(NULL, list));
    assert_false(guard_is_listed_origin("https://app.example", NULL));
}

static void test_only_our_hosts_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *host, *bound, *url;
        bool        is_ours;
    } rows[] = {
        { "localhost", "127.0.0.1", "", true },
        { "LOCALHOST:8080", "127.0.0.1", "", true },
        { "127.0.0.1:9999", "127.0.0.1", "", true },
        { "[::1]", "127.0.0.1", "", true },
        { "[::1]:80", "::1", "", true },
        { "127.0.0.9:80", "127.0.0.9", "", true },
        { "127.0.0.9:80", "127.0.0.1", "", false },
        { "house.example", "127.0.0.1", "https://house.example/postern", true },
        { "house.example:8443", "127.0.0.1", "https://house.example:8443", true },
        { "other.example", "127.0.0.1", "https://house.example", false },
        { "evil.example", "127.0.0.1", "", false },
        { "localhost.evil.example", "127.0.0.1", "", false },
        { "localhost:80.evil.example", "127.0.0.1", "", false },
        { "localhost@evil.example", "127.0.0.1", "", false },
        { "127.0.0.1.evil.example", "127.0.0.1", "", false },
        { "[::1", "::1", "", false },
        { "[::1]x", "::1", "", false },
        { "::1", "::1", "", false },
        { "", "127.0.0.1", "", false },
        { NULL, "127.0.0.1", "", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (guard_is_our_host(rows[i].host, rows[i].bound, rows[i].url) != rows[i].is_ours)
            fail_msg("row %zu: %s", i, rows[i].host ? rows[i].host : "(none)");
}

static void test_only_our_own_pages_change_anything(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *host, *url;
        bool        is_ours;
    } rows[] = {
        { NULL, "localhost:8080", "", true },
        { "http://localhost:8080", "localhost:8080", "", true },
        { "https://house.example", "127.0.0.1:8080", "https://house.example/postern", true },
        { "http://localhost:3000", "localhost:8080", "", false },
        { "http://evil.example", "localhost:8080", "", false },
        { "http://localhost:8080.evil.example", "localhost:8080", "", false },
        { "http://localhost:8080/evil", "localhost:8080", "", false },
        { "null", "localhost:8080", "", false },
        { "", "localhost:8080", "", false },
        { "http://", "", "", false },
        { "http://evil.example", NULL, "", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (guard_is_our_origin(rows[i].origin, rows[i].host, rows[i].url) != rows[i].is_ours)
            fail_msg("row %zu: %s", i, rows[i].origin ? rows[i].origin : "(none)");
}

static void test_json_is_what_no_form_can_send(void **state)
{
    (void)state;
    assert_true(guard_is_json("application/json"));
    assert_true(guard_is_json("Application/JSON; charset=utf-8"));
    assert_false(guard_is_json("application/jsonp"));
    assert_false(guard_is_json("text/plain"));
    assert_false(guard_is_json("text/plain; application/json"));
    assert_false(guard_is_json(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_is_an_address_not_a_name),
        cmocka_unit_test(test_a_token_follows_its_scheme),
        cmocka_unit_test(test_only_origins_of_the_list_are_named),
        cmocka_unit_test(test_only_our_hosts_are_answered),
        cmocka_unit_test(test_only_our_own_pages_change_anything),
        cmocka_unit_test(test_json_is_what_no_form_can_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
