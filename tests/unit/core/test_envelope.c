/* test_envelope: the device's name by its rules, and the envelope there and back. */
#include "core/envelope.h"
#include "core/utf8.h"
#include "testing.h"

struct device_case {
    const char *login, *to[3], *from, *device;
};

static const struct device_case device_cases[] = {
    { "einfahrt", { "alarm@h" }, "cam@h", "einfahrt" },
    { "", { "garten@h", "alarm@h" }, "cam@h", "garten" },
    { "", { "alarm@h" }, "panel@h", "panel" },
    { "", { "ALARM@h", "garten@h" }, "panel@h", "panel" },
    { "", { "Status@h" }, "panel@h", "panel" },
    { "", { "status@h" }, "", "192.0.2.7" },
    { "", { "Contact-ID@h" }, "panel@h", "panel" },
    { "", { NULL }, "cam@h", "cam" },
    { "", { NULL }, "", "192.0.2.7" },
    { "", { "@h" }, "@h", "192.0.2.7" },
    { "", { "bare" }, "", "bare" },
    { "", { "\"a@b\"@h" }, "", "\"a@b\"" },
    { "", { "alarms@h" }, "panel@h", "alarms" },
    { "a\r\nb\x7f", { NULL }, "", "a  b " },
    { "\xC2\x9B" "a", { NULL }, "", "  a" },
};

static struct envelope envelope_of(const struct device_case *c)
{
    size_t count = 0;
    while (count < COUNT(c->to) && c->to[count])
        count++;
    return (struct envelope){ .listener = "smtp", .peer = "192.0.2.7", .helo = "", .login = c->login, .from = c->from, .to = c->to, .to_count = count };
}

static void test_envelope_device_is_login_recipient_sender_or_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(device_cases); i++) {
        CLEANUP(arena_done) struct arena a;
        arena_init(&a, 4096);
        struct envelope env = envelope_of(&device_cases[i]);
        assert_string_equal(envelope_device(&env, "alarm", "status", &a), device_cases[i].device);
    }
}

static void test_envelope_device_has_64_bytes_of_whole_characters(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 4096);
    char login[201] = "x";
    for (size_t i = 1; i + 2 < sizeof login; i += 2)
        memcpy(login + i, "ü", 3);
    struct envelope env = envelope_of(&(struct device_case){ .login = login, .from = "" });
    const char     *device = envelope_device(&env, "alarm", "status", &a);
    assert_int_equal(strlen(device), 63);
    assert_true(utf8_is_valid(device, strlen(device)));
    struct arena none;
    arena_init(&none, 0);
    assert_string_equal(envelope_device(&env, "alarm", "status", &none), "");
}

static void test_envelope_is_for_any_recipient_without_regard_to_case(void **state)
{
    (void)state;
    struct envelope env = envelope_of(&(struct device_case){ .login = "", .to = { "garten@h", "Alarm@House.example" }, .from = "" });
    assert_true(envelope_is_for(&env, "alarm"));
    assert_true(envelope_is_for(&env, "GARTEN"));
    assert_false(envelope_is_for(&env, "alar"));
    assert_false(envelope_is_for(&env, "alarms"));
    assert_false(envelope_is_for(&env, "house.example"));
}

static void test_envelope_comes_back_as_written(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf text;
    CLEANUP(arena_done) struct arena a;
    buf_init(&text, 10000);
    arena_init(&a, 10000);
    const char *const to[] = { "a@b", "\"q\\\"\"@c", "K\xFChl" };
    struct envelope   env = { .listener = "smtp", .peer = "::1", .helo = "[1.2.3.4]", .login = "ü", .tls = "TLSv1.3", .from = "", .to = to, .to_count = 3 };
    struct json_out   w = json_begin(&text);
    json_object(&w, NULL);
    envelope_write(&w, &env);
    json_end(&w);
    struct json *root = json_parse(buf_str(&text), text.len, NULL);
    assert_non_null(root);
    struct envelope back;
    assert_int_equal(envelope_read(root, &a, &back), 0);
    assert_string_equal(back.peer, "::1");
    assert_string_equal(back.helo, "[1.2.3.4]");
    assert_string_equal(back.login, "ü");
    assert_string_equal(back.tls, "TLSv1.3");
    assert_string_equal(back.from, "");
    assert_int_equal(back.to_count, 3);
    assert_string_equal(back.to[1], "\"q\\\"\"@c");
    assert_string_equal(back.to[2], "K\xEF\xBF\xBDhl");
    struct arena none;
    arena_init(&none, 60);
    assert_int_equal(envelope_read(root, &none, &back), -1);
    arena_done(&none);
    json_free(&root);
}

static void test_envelope_missing_members_are_empty(void **state)
{
    (void)state;
    static const char *const texts[] = { "{}", "{\"to\":\"x\",\"from\":1}", "{\"to\":[1,null,[]]}", "[]", "7" };
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(arena_done) struct arena a;
        arena_init(&a, 10000);
        struct json    *root = json_parse(texts[i], strlen(texts[i]), NULL);
        struct envelope back;
        assert_int_equal(envelope_read(root, &a, &back), 0);
        assert_string_equal(back.login, "");
        assert_string_equal(back.from, "");
        assert_int_equal(back.to_count, 0);
        json_free(&root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelope_device_is_login_recipient_sender_or_address),
        cmocka_unit_test(test_envelope_device_has_64_bytes_of_whole_characters),
        cmocka_unit_test(test_envelope_is_for_any_recipient_without_regard_to_case),
        cmocka_unit_test(test_envelope_comes_back_as_written),
        cmocka_unit_test(test_envelope_missing_members_are_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
