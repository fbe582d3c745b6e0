/* test_smtp_users: who is who he says, by hash, by secret, by CRAM-MD5; and the hashes themselves. */
#include "net/cram.h"
#include "net/password.h"
#include "talk.h"

/* "secret", by a cheap yescrypt, so that the tests are quick */
#define HASH "$y$j75$ksJe96xSgajJqA3e2f1JQ.$I/A6BxaMufgjO5894qsseUsdtLTwc1QHf3gMrLr6vk7"

static const struct smtp_user items[] = {
    { .name = "cam", .hash = HASH },
    { .name = "tim", .secret = "tanstaaftanstaaf" },
    { .name = "both", .hash = HASH, .secret = "tanstaaftanstaaf" },
};
static const struct smtp_users users = { items, COUNT(items) };

static void test_a_password_is_right_or_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *user, *password;
        enum smtp_login answer;
    } cases[] = {
        { "cam", "secret", SMTP_LOGIN_RIGHT },           { "cam", "Secret", SMTP_LOGIN_WRONG },
        { "cam", "", SMTP_LOGIN_WRONG },                 { "cam", HASH, SMTP_LOGIN_WRONG },
        { "CAM", "secret", SMTP_LOGIN_WRONG },           { "nobody", "secret", SMTP_LOGIN_WRONG },
        { "", "", SMTP_LOGIN_WRONG },                    { "tim", "tanstaaftanstaaf", SMTP_LOGIN_RIGHT },
        { "tim", "tanstaaftanstaag", SMTP_LOGIN_WRONG }, { "tim", "", SMTP_LOGIN_WRONG },
        { "both", "secret", SMTP_LOGIN_RIGHT },          { "both", "tanstaaftanstaaf", SMTP_LOGIN_WRONG },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct smtp_credentials c = { .user = UNCONST(char, cases[i].user), .password = UNCONST(char, cases[i].password) };
        assert_int_equal(smtp_users_check(&users, &c), cases[i].answer);
    }
}

/* The example of RFC 2195. */
#define CHALLENGE "<1896.697170952@postoffice.reston.mci.net>"
#define DIGEST    "b913a602c7eda7a495b4e6e7334d3890"

static void test_cram_is_as_the_rfc_says(void **state)
{
    (void)state;
    char out[CRAM_TEXT];
    assert_int_equal(cram_md5("tanstaaftanstaaf", CHALLENGE, out), 0);
    assert_string_equal(out, DIGEST);
    static const struct {
        const char *user, *challenge, *digest;
        enum smtp_login answer;
    } cases[] = {
        { "tim", CHALLENGE, DIGEST, SMTP_LOGIN_RIGHT },
        { "tim", CHALLENGE, "B913A602C7EDA7A495B4E6E7334D3890", SMTP_LOGIN_RIGHT },
        { "both", CHALLENGE, DIGEST, SMTP_LOGIN_RIGHT },
        { "cam", CHALLENGE, DIGEST, SMTP_LOGIN_WRONG }, /* has no secret */
        { "tim", "<another>", DIGEST, SMTP_LOGIN_WRONG },
        { "tim", CHALLENGE, "", SMTP_LOGIN_WRONG },
        { "nobody", CHALLENGE, DIGEST, SMTP_LOGIN_WRONG },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct smtp_credentials c = { .user = UNCONST(char, cases[i].user),
                                            .challenge = UNCONST(char, cases[i].challenge),
                                            .digest = UNCONST(char, cases[i].digest) };
        assert_int_equal(smtp_users_check(&users, &c), cases[i].answer);
    }
}

static void test_a_hash_that_is_made_is_one_that_checks(void **state)
{
    (void)state;
    struct err e;
    CLEANUP(buf_done) struct buf hash, other;
    buf_init(&hash, 1024);
    buf_init(&other, 1024);
    assert_int_equal(password_hash("Straße 7", &hash, &e), 0);
    assert_int_equal(password_hash("Straße 7", &other, &e), 0);
    assert_memory_equal(buf_str(&hash), "$y$", 3);
    assert_string_not_equal(buf_str(&hash), buf_str(&other)); /* the salt */
    assert_true(password_is_hash(buf_str(&hash)));
    assert_int_equal(password_check("Straße 7", buf_str(&hash)), 1);
    assert_int_equal(password_check("Strasse 7", buf_str(&hash)), 0);
}

static void test_what_is_no_hash_is_seen_as_such(void **state)
{
    (void)state;
    static const char *const others[] = { "", "secret", "$y$", "$nonsense$x$y", "*", "<hash>" };
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(password_check("secret", others[i]), 0);
        assert_false(password_is_hash(others[i]) && strncmp(others[i], "$y$", 3) != 0);
    }
    char longest[1024];
    struct err e;
    CLEANUP(buf_done) struct buf hash;
    buf_init(&hash, 1024);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(password_hash(longest, &hash, &e), -1);
    assert_int_equal(password_check(longest, HASH), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_password_is_right_or_wrong),
        cmocka_unit_test(test_cram_is_as_the_rfc_says),
        cmocka_unit_test(test_a_hash_that_is_made_is_one_that_checks),
        cmocka_unit_test(test_what_is_no_hash_is_seen_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
