/* settings: every bound is crossed, every mistake has its path, documents and table agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-settings-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/appsettings.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void load(struct settings *s, const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
    struct err e;
    if (settings_read(path, NULL, s, &e) < 0)
        fail_msg("%s", e.text);
}

static bool names(const struct settings *s, const char *where, const char *part)
{
    for (size_t i = 0; i < s->mistakes.count; i++)
        if (strcmp(s->mistakes.items[i].path, where) == 0 && strstr(s->mistakes.items[i].text, part))
            return true;
    return false;
}

static void test_every_mistake_is_named_with_its_path(void **state)
{
    static const struct {
        const char *text, *path, *part;
    } table[] = {
        { "{\"Smtp\":{\"Port\":70000}}", "Smtp:Port", "70000 is above 65535" },
        { "{\"Smtp\":{\"Port\":-1}}", "Smtp:Port", "-1 is below 0" },
        { "{\"Smtp\":{\"Auth\":\"all\"}}", "Smtp:Auth", "none of any|users|required" },
        { "{\"Smtp\":{\"Auth\":\"required\"}}", "Smtp:Auth", "nobody in Smtp:Users can log in; any is used" },
        { "{\"Smtp\":{\"Users\":{\"cam\":{\"Password\":\"secret\"}}}}", "Smtp:Users:cam:Password", "`postern hash-password` makes one" },
        { "{\"Smtp\":{\"Users\":{\"cam\":{\"Secret\":\"<secret>\"}}}}", "Smtp:Users:cam:Secret", "still a placeholder" },
        { "{\"Smtp\":{\"Users\":{\"cam\":{}}}}", "Smtp:Users:cam", "neither Password nor Secret" },
        { "{\"Smtp\":{\"Users\":{\"cam\":\"secret\"}}}", "Smtp:Users:cam", "should be a block" },
        { "{\"Smtp\":{\"Users\":{\"cam\":{\"Secret\":\"x\",\"Pasword\":\"y\"}}}}", "Smtp:Users:cam:Pasword", "did you mean Password?" },
        { "{\"Smtp\":{\"Users\":{\"cam\":{\"Secret\":\"x\"}}}}", "Smtp:Users", "while Smtp:Auth is any" },
        { "{\"Smtp\":{\"Users\":3}}", "Smtp:Users", "should be a block" },
        { "{\"Smtp\":{\"Profiles\":[{\"Address\":\"10.0.0.1\",\"Profile\":\"reolnik\"}]}}", "Smtp:Profiles:0:Profile", "did you mean reolink?" },
        { "{\"Smtp\":{\"Profiles\":[{\"Address\":\"10.0.0.\",\"Profile\":\"short\"}]}}", "Smtp:Profiles:0:Address", "10.0.0." },
        { "{\"Smtp\":{\"Profiles\":[{\"Profile\":\"short\"}]}}", "Smtp:Profiles:0", "has no Address" },
        { "{\"Smtp\":{\"Profiles\":[{\"Address\":\"10.0.0.1\"}]}}", "Smtp:Profiles:0", "has no Profile" },
        { "{\"Smtp\":{\"Profiles\":[{\"Adress\":\"10.0.0.1\"}]}}", "Smtp:Profiles:0:Adress", "did you mean Address?" },
        { "{\"Smtp\":{\"Port\":\"many\"}}", "Smtp:Port", "no whole number" },
        { "{\"Smtp\":{\"Port\":99999999999999999999}}", "Smtp:Port", "no whole number" },
        { "{\"Smtp\":{\"Prt\":1}}", "Smtp:Prt", "did you mean Smtp:Port" },
        { "{\"Smtp\":{\"MaxConection\":1}}", "Smtp:MaxConection", "did you mean Smtp:MaxConnections" },
        { "{\"Wibble\":{\"Wobble\":1}}", "Wibble:Wobble", "not known" },
        { "{\"Smtp\":{\"AllowFrom\":[\"10.0.0.0/8\",\"300.1.1.1\"]}}", "Smtp:AllowFrom:1", "300.1.1.1" },
        { "{\"Log\":{\"Level\":\"loud\"}}", "Log:Level", "none of error|warn|info|debug" },
        { "{\"Inspect\":{\"Sandbox\":\"maybe\"}}", "Inspect:Sandbox", "neither true nor false" },
        { "{\"Site\":{\"TimeZone\":\"Mars/Olympus\"}}", "Site:TimeZone", "no such time zone" },
        { "{\"Site\":{\"Language\":\"fr\"}}", "Site:Language", "neither de nor en" },
        { "{\"Api\":{\"Token\":\"<token>\"}}", "Api:Token", "placeholder" },
        { "{\"Store\":{\"Folder\":[\"a\"]}}", "Store:Folder", "a single value" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct settings s;
        load(&s, table[i].text);
        if (!names(&s, table[i].path, table[i].part))
            fail_msg("%s: no mistake at %s with \"%s\"", table[i].text, table[i].path, table[i].part);
        settings_done(&s);
    }
}

static void test_all_mistakes_come_at_once_and_the_rest_works(void **state)
{
    (void)state;
    struct settings s;
    load(&s, "{\"Smtp\":{\"Port\":0,\"MaxMessage\":9999,\"Nope\":1},\"Log\":{\"Level\":\"debug\",\"Format\":\"xml\"}}");
    assert_int_equal(settings_mistakes(&s), 3);
    assert_int_equal(s.smtp_port, 0);
    assert_int_equal(s.smtp_max_message_mib, 50);
    assert_int_equal(s.log_level, LOG_DEBUG);
    settings_done(&s);
}

static void test_a_broken_file_leaves_the_defaults(void **state)
{
    (void)state;
    struct settings s;
    load(&s, "{ \"Smtp\": { \"Port\": 2525 ");
    assert_int_equal(settings_mistakes(&s), 1);
    assert_int_equal(s.smtp_port, 2025);
    assert_true(s.people.is_nobody_told);
    settings_done(&s);
}

static void test_a_path_that_is_no_file_is_explained(void **state)
{
    (void)state;
    struct settings s;
    struct err      e;
    assert_int_equal(settings_read(folder, NULL, &s, &e), -1);
    assert_non_null(strstr(e.text, "is a directory, not a file"));
    assert_non_null(strstr(e.text, "our uid"));
    settings_done(&s);
}

static void test_a_file_that_is_missing_or_too_large_is_a_mistake(void **state)
{
    (void)state;
    struct settings s;
    struct err      e;
    char           *env[] = { (char[]){ "Smtp__Port=2526" }, NULL };
    assert_int_equal(settings_read("/nowhere/at/all.json", env, &s, &e), 0);
    assert_true(names(&s, "/nowhere/at/all.json", "no such file"));
    assert_int_equal(s.smtp_port, 2526);
    settings_done(&s);

    FILE *f = fopen(path, "we");
    assert_non_null(f);
    for (int i = 0; i < (1 << 20) / 64 + 1; i++)
        (void)fprintf(f, "%-63s\n", i == 0 ? "{\"Smtp\":{\"Port\":1}}" : "//");
    (void)fclose(f);
    assert_int_equal(settings_read(path, env, &s, &e), 0);
    assert_true(names(&s, path, "1048576"));
    assert_int_equal(s.smtp_port, 2526);
    settings_done(&s);
}

static void test_secrets_are_never_printed(void **state)
{
    (void)state;
    struct settings s;
    load(&s, "{\"Api\":{\"Token\":\"hush-hush-hush\"}}");
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1 << 20);
    settings_print(&s, &out);
    assert_null(strstr(buf_str(&out), "hush"));
    assert_non_null(strstr(buf_str(&out), "***"));
    settings_done(&s);
}

static void read_whole(const char *name, struct buf *out)
{
    char full[512], chunk[4096];
    (void)snprintf(full, sizeof full, "%s/%s", SOURCE_ROOT, name);
    FILE *f = fopen(full, "re");
    assert_non_null(f);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_put(out, chunk, n);
    (void)fclose(f);
}

static void test_the_page_holds_every_row_of_the_table(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf page, rows;
    buf_init(&page, 1 << 20);
    buf_init(&rows, 1 << 20);
    read_whole("docs/settings.md", &page);
    settings_document(&rows);
    size_t in_page = 0, in_table = 0;
    for (char *line = rows.data; *line; in_table++) {
        size_t n = strcspn(line, "\n");
        line[n] = '\0';
        if (!strstr(buf_str(&page), line))
            fail_msg("docs/settings.md lacks: %s", line);
        line += n + 1;
    }
    for (const char *p = buf_str(&page); (p = strstr(p, "\n| `")); p++)
        in_page++;
    assert_int_equal(in_page, in_table);
}

static void test_the_example_has_no_mistake_once_it_is_filled(void **state)
{
    (void)state;
    char *env[] = { strdup("Accounts__sms__Username=casa"), strdup("Accounts__sms__Token=key"),
                    strdup("Accounts__hook__Url=https://hook.example.org/in"),
                    strdup("Accounts__hook__Secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), NULL };
    struct settings s;
    struct err      e;
    char            full[512];
    (void)snprintf(full, sizeof full, "%s/appsettings.example.json", SOURCE_ROOT);
    assert_int_equal(settings_read(full, env, &s, &e), 0);
    for (size_t i = 0; i < s.mistakes.count; i++)
        if (!s.mistakes.items[i].is_note)
            fail_msg("%s: %s", s.mistakes.items[i].path, s.mistakes.items[i].text);
    settings_done(&s);
    assert_int_equal(settings_read(full, NULL, &s, &e), 0);
    assert_true(names(&s, "Accounts:sms:Token", "placeholder"));
    settings_done(&s);
    for (size_t i = 0; env[i]; i++)
        free(env[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_mistake_is_named_with_its_path),
        cmocka_unit_test(test_all_mistakes_come_at_once_and_the_rest_works),
        cmocka_unit_test(test_a_broken_file_leaves_the_defaults),
        cmocka_unit_test(test_a_path_that_is_no_file_is_explained),
        cmocka_unit_test(test_a_file_that_is_missing_or_too_large_is_a_mistake),
        cmocka_unit_test(test_secrets_are_never_printed),
        cmocka_unit_test(test_the_page_holds_every_row_of_the_table),
        cmocka_unit_test(test_the_example_has_no_mistake_once_it_is_filled),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
