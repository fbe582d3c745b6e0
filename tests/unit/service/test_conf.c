/* conf: what .NET's settings readers accept, and what the environment lays over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/conf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct arena       arena;
    struct mistakes    mistakes;
    struct conf    *root;
    struct err         e;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, 1 << 20);
    f->mistakes.arena = &f->arena;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    free(f);
    return 0;
}

/* "A=1\nB=2" as an environment. */
static char **environment(struct fixture *f, const char *lines)
{
    char **env = arena_alloc(&f->arena, 16 * sizeof *env), **end = env;
    for (size_t n; *lines; lines += n + (lines[n] == '\n')) {
        n = strcspn(lines, "\n");
        *end++ = arena_copy(&f->arena, lines, n);
    }
    return env;
}

static int load(struct fixture *f, const char *text, const char *lines)
{
    char **env = environment(f, lines);
    return conf_read(text, text ? strlen(text) : 0, env, &f->arena, &f->mistakes, &f->root, &f->e);
}

static const char *value(struct fixture *f, const char *path)
{
    return conf_text(conf_at(f->root, path), NULL);
}

static void test_what_dotnet_allows_is_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f,
                          "\xEF\xBB\xBF{\r\n// a comment with \"quotes\" and , }\r\n\"Smtp\": { \"Port\": \"2025\", /* block\r\n */ "
                          "\"Hostname\": \"a//b /* no comment */\", },\r\n\"Recipients\": { \"anna\": [ \"tg:1\", \"sms:2\", ] },\r\n}",
                          ""), 0);
    assert_string_equal(value(f, "smtp:port"), "2025");
    assert_string_equal(value(f, "Smtp:Hostname"), "a//b /* no comment */");
    assert_int_equal(conf_at(f->root, "Recipients:anna")->type, CONF_LIST);
    assert_string_equal(value(f, "Recipients:anna:1"), "sms:2");
    assert_int_equal(f->mistakes.count, 0);
}

static void test_scalars_come_as_text(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "{\"Smtp\":{\"A\":2025,\"B\":true,\"C\":0.5,\"D\":null,\"E\":-9007199254740991}}", ""), 0);
    assert_string_equal(value(f, "Smtp:A"), "2025");
    assert_string_equal(value(f, "Smtp:B"), "true");
    assert_string_equal(value(f, "Smtp:C"), "0.5");
    assert_null(value(f, "Smtp:D"));
    assert_string_equal(value(f, "Smtp:E"), "-9007199254740991");
}

static void test_environment_wins_and_merges_lists(void **state)
{
    struct fixture *f = *state;
    const char     *env = "smtp__port=26\nRecipients__anna__1=sms:9\nRecipients__bert__0=tg:7\nRecipients__bert__1=tg:8\n"
                      "PATH=/bin\nSmtpx__Port=1\nService__ClickSend__Token=s=ecret";
    assert_int_equal(load(f, "{\"Smtp\":{\"Port\":2025},\"Recipients\":{\"anna\":[\"tg:1\",\"sms:2\"]}}", env), 0);
    assert_string_equal(value(f, "Smtp:Port"), "26");
    assert_string_equal(value(f, "Recipients:anna:0"), "tg:1");
    assert_string_equal(value(f, "Recipients:anna:1"), "sms:9");
    assert_int_equal(conf_at(f->root, "Recipients:bert")->type, CONF_LIST);
    assert_string_equal(value(f, "Recipients:bert:1"), "tg:8");
    assert_string_equal(value(f, "Service:ClickSend:Token"), "s=ecret");
    assert_null(conf_at(f->root, "PATH"));
    assert_null(conf_at(f->root, "Smtpx"));
    assert_string_equal(conf_at(f->root, "Smtp:Port")->source, "environment smtp__port");
}

static void test_ten_list_items_keep_their_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, "Recipients__a__10=k\nRecipients__a__9=j\nRecipients__a__2=c"), 0);
    const struct conf *c = conf_at(f->root, "Recipients:a")->first;
    assert_string_equal(c->text, "c");
    assert_string_equal(c->next->text, "j");
    assert_string_equal(c->next->next->text, "k");
}

static void test_secrets_come_from_files(void **state)
{
    struct fixture *f = *state;
    char            path[] = "/tmp/postern-secret-XXXXXX", env[160];
    int             fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "hush\n", 5) == 5);
    (void)close(fd);
    (void)snprintf(env, sizeof env, "Accounts__sms__Token_FILE=%s\nAccounts__sms__Other_FILE=/nowhere/at/all", path);
    assert_int_equal(load(f, NULL, env), 0);
    assert_string_equal(value(f, "Accounts:sms:Token"), "hush");
    assert_int_equal(f->mistakes.count, 1);
    assert_string_equal(f->mistakes.items[0].path, "Accounts:sms:Other");
    (void)unlink(path);
}

static void test_a_key_that_stands_twice_is_a_mistake_and_the_last_counts(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "{\"Smtp\":{\"Port\":1,\"PORT\":2}}", ""), 0);
    assert_string_equal(value(f, "Smtp:Port"), "2");
    assert_int_equal(f->mistakes.count, 1);
}

static void test_what_is_no_json_is_named_by_line(void **state)
{
    static const struct {
        const char *text, *part;
    } table[] = {
        { "{\n\"Smtp\": {\n\"Port\" 2025 } }", "line 3" },
        { "", "not JSON" },
        { "[1]", "no JSON object" },
        { "{} {}", "follows" },
        { "{\"a\": \"unended }", "not JSON" },
        { "{ /* unended", "not JSON" },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(load(f, table[i].text, ""), -1);
        if (!strstr(f->e.text, table[i].part))
            fail_msg("%zu: %s", i, f->e.text);
        assert_non_null(f->root);
    }
}

static void test_depth_has_a_ceiling(void **state)
{
    struct fixture *f = *state;
    char            text[400] = "";
    for (int i = 0; i < 30; i++)
        strncat(text, "{\"a\":", sizeof text - strlen(text) - 1);
    strncat(text, "1", 2);
    for (int i = 0; i < 30; i++)
        strncat(text, "}", 2);
    assert_int_equal(load(f, text, ""), 0);
    assert_int_equal(f->mistakes.count, 1);
}

static void test_placeholders_are_known(void **state)
{
    (void)state;
    assert_true(conf_is_placeholder("<CM API key>"));
    assert_false(conf_is_placeholder("<>"));
    assert_false(conf_is_placeholder("a<b>"));
    assert_false(conf_is_placeholder(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_dotnet_allows_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scalars_come_as_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_environment_wins_and_merges_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ten_list_items_keep_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secrets_come_from_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_key_that_stands_twice_is_a_mistake_and_the_last_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_json_is_named_by_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_has_a_ceiling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_placeholders_are_known, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
