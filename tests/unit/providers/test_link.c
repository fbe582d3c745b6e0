/* link: what a picture's address looks like, and which are good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "providers/link.h"
#include <string.h>

static const unsigned char key[LINK_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const char path[] = "/api/v1/events/01J0000000000000000000000A/media/1";
/* python3 -c 'import hmac; print(hmac.new(b"0123456789abcdef0123456789abcde\0", b"" + PATH + b"\n1795000000", "sha256").hexdigest())' */
static const char signature[] = "37cb77e4f24810b1e8b7540f9f23d7ded61d99373ca2ff4639aa34ebb31dee45";

static void test_a_link_is_path_end_and_signature(void **state)
{
    (void)state;
    char out[LINK_TEXT], long_url[LINK_TEXT];
    assert_int_equal(link_write("https://h.example/p//", key, path, INT64_C(1795000000999), out), 0);
    assert_int_equal(strncmp(out, "https://h.example/p/api/v1/events/01J0000000000000000000000A/media/1?expires=1795000000&key=", 92), 0);
    assert_string_equal(out + 92, signature);
    assert_int_equal(link_write("", key, path, 0, out), -1);
    memset(long_url, 'a', sizeof long_url - 1);
    long_url[sizeof long_url - 1] = '\0';
    assert_int_equal(link_write(long_url, key, path, 0, out), -1);
}

static void test_only_the_whole_signature_in_time_is_good(void **state)
{
    (void)state;
    static const struct {
        const char *path, *expires, *signature;
        int64_t wall_ms;
        enum link_state state;
    } rows[] = {
        { path, "1795000000", signature, INT64_C(1794999999999), LINK_GOOD },
        { path, "1795000000", signature, INT64_C(1795000000000), LINK_EXPIRED },
        { path, "1795000001", signature, 0, LINK_WRONG },
        { path, "1795000000", "", 0, LINK_WRONG },
        { path, "1795000000", "abc", 0, LINK_WRONG },
        { path, "1795000000", NULL, 0, LINK_WRONG },
        { path, NULL, signature, 0, LINK_WRONG },
        { path, "", signature, 0, LINK_WRONG },
        { "/api/v1/events/01J0000000000000000000000A/media/2", "1795000000", signature, 0, LINK_WRONG },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (link_check(key, rows[i].path, rows[i].expires, rows[i].signature, rows[i].wall_ms) != rows[i].state)
            fail_msg("row %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_link_is_path_end_and_signature),
        cmocka_unit_test(test_only_the_whole_signature_in_time_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
