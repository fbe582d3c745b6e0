/* test_smtp_settings: users and profiles as the owner writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/settings.h"
#include <string.h>
#include <sys/socket.h>

enum { ARENA_MAX = 1024 * 1024 };

struct read {
    struct arena         arena;
    struct mistakes      mistakes;
    struct smtp_settings smtp;
    int64_t              policy;
};

static void read_text(struct read *r, int64_t policy, const char *text)
{
    struct conf *root;
    struct err   e;
    *r = (struct read){ .policy = policy };
    arena_init(&r->arena, ARENA_MAX);
    r->mistakes.arena = &r->arena;
    assert_int_equal(conf_read(text, strlen(text), (char *[]){ NULL }, &r->arena, &r->mistakes, &root, &e), 0);
    assert_int_equal(smtp_settings_read(root, &r->arena, &r->mistakes, &r->policy, &r->smtp), 0);
}

static const char *profile_at(const struct read *r, const char *address)
{
    struct cidr                c;
    struct err                 e;
    const struct smtp_profile *profile;
    assert_int_equal(cidr_parse(address, &c, &e), 0);
    profile = smtp_settings_profile(&r->smtp, c.bytes);
    return profile ? profile->name : "";
}

static void test_users_and_profiles_are_read(void **state)
{
    (void)state;
    struct read r;
    read_text(&r, SMTP_AUTH_REQUIRED,
              "{\"Smtp\":{\"Users\":{\"cam\":{\"Password\":\"$y$j75$ksJe96xSgajJqA3e2f1JQ.$I/A6BxaMufgjO5894qsseUsdtLTwc1QHf3gMrLr6vk7\","
              "\"Device\":\"x\"},\"tim\":{\"Secret\":\"s\"}},\"Profiles\":[{\"Address\":\"10.0.0.1\",\"Profile\":\"Reolink\"},"
              "{\"AllowFrom\":[\"10.0.0.0/24\",\"fd00::/8\"],\"Profile\":\"short\"}]}}");
    assert_int_equal(r.mistakes.count, 0);
    assert_int_equal(r.policy, SMTP_AUTH_REQUIRED);
    assert_int_equal(r.smtp.users.count, 2);
    assert_string_equal(r.smtp.users.items[0].name, "cam");
    assert_memory_equal(r.smtp.users.items[0].hash, "$y$", 3);
    assert_null(r.smtp.users.items[0].secret);
    assert_string_equal(r.smtp.users.items[1].secret, "s");
    assert_string_equal(profile_at(&r, "10.0.0.1"), "reolink");
    assert_string_equal(profile_at(&r, "10.0.0.2"), "short");
    assert_string_equal(profile_at(&r, "fd00::1"), "short");
    assert_string_equal(profile_at(&r, "10.0.1.1"), "");
    arena_done(&r.arena);
}

static void test_what_is_wrong_is_left_out_and_nobody_is_locked_out(void **state)
{
    (void)state;
    struct read r;
    read_text(&r, SMTP_AUTH_REQUIRED, "{\"Smtp\":{\"Users\":{\"cam\":{\"Password\":\"plain\"}},\"Profiles\":[{\"Address\":\"x\",\"Profile\":\"short\"}]}}");
    assert_int_equal(r.mistakes.count, 3);
    assert_int_equal(r.policy, SMTP_AUTH_ANY);
    assert_int_equal(r.smtp.users.count, 0);
    assert_int_equal(r.smtp.rule_count, 0);
    arena_done(&r.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_and_profiles_are_read),
        cmocka_unit_test(test_what_is_wrong_is_left_out_and_nobody_is_locked_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
