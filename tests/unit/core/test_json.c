/* test_json: what is written is always valid, what is read is never more than was there. */
#include "core/json.h"
#include "core/utf8.h"
#include "testing.h"

static void test_json_writer_keeps_commas_and_depth(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1000);
    struct json_out w = json_begin(&out);
    json_object(&w, NULL);
    json_s(&w, "id", "x");
    json_array(&w, "zones");
    json_i(&w, NULL, 8);
    json_array(&w, NULL);
    json_end(&w);
    json_object(&w, NULL);
    json_end(&w);
    json_null(&w, NULL);
    json_end(&w);
    json_b(&w, "on", true);
    json_b(&w, "off", false);
    json_s(&w, "none", NULL);
    json_s_opt(&w, "left out", NULL);
    json_s_opt(&w, "left out", "");
    json_time(&w, "at", 0);
    json_raw(&w, "raw", "[1]");
    json_i(&w, "min", INT64_MIN);
    json_end(&w);
    assert_string_equal(buf_str(&out), "{\"id\":\"x\",\"zones\":[8,[],{},null],\"on\":true,\"off\":false,\"none\":null,"
                                       "\"at\":\"1970-01-01T00:00:00.000Z\",\"raw\":[1],\"min\":-9223372036854775808}");
}

static void test_json_writer_reaches_its_depth(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1000);
    struct json_out w = json_begin(&out);
    for (int i = 0; i < 63; i++) {
        json_array(&w, NULL);
        json_i(&w, NULL, i);
    }
    for (int i = 0; i < 63; i++)
        json_end(&w);
    struct err   e;
    struct json *root = json_parse(buf_str(&out), out.len, &e);
    assert_non_null(root);
    json_free(&root);
}

static const struct {
    const char *in;
    size_t      n;
    const char *out;
} strings[] = {
    { BYTES(""), "\"\"" },
    { BYTES("a \"b\" \\c/"), "\"a \\\"b\\\" \\\\c/\"" },
    { BYTES("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\"" },
    { BYTES("\x01\x1f\x7f"), "\"\\u0001\\u001f\\u007f\"" },
    { BYTES("a\0b"), "\"a\\u0000b\"" },
    { BYTES("Küche 🔥"), "\"Küche 🔥\"" },
    { BYTES("\xC2\x9B" "31m \xC2\xA0"), "\"\\u009b31m \xC2\xA0\"" }, /* C1: the terminal's CSI */
    { BYTES("K\xFC" "che"), "\"K\xEF\xBF\xBD" "che\"" },
    { BYTES("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
    { BYTES("x\xE2\x82"), "\"x\xEF\xBF\xBD\xEF\xBF\xBD\"" },
};

static void test_json_strings_are_escaped_and_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(strings); i++) {
        CLEANUP(buf_done) struct buf out;
        buf_init(&out, 1000);
        json_put_string(&out, strings[i].in, strings[i].n);
        assert_string_equal(buf_str(&out), strings[i].out);
    }
}

static void test_json_any_two_bytes_come_out_readable(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1000);
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char bytes[2] = { (char)(unsigned char)(pair >> 8), (char)(unsigned char)pair };
        buf_clear(&out);
        json_put_string(&out, bytes, 2);
        if (!utf8_is_valid(buf_str(&out), out.len))
            fail_msg("%04x is not UTF-8", pair);
        struct json *root = json_parse(buf_str(&out), out.len, NULL);
        if (!root)
            fail_msg("%04x is not JSON", pair);
        json_free(&root);
    }
}

static void test_json_writer_says_when_it_did_not_fit(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 10);
    struct json_out w = json_begin(&out);
    json_object(&w, NULL);
    json_s(&w, "key", "a longer value");
    json_end(&w);
    assert_true(out.failed);
}

static void test_json_reads_values_and_fallbacks(void **state)
{
    (void)state;
    const char  *text = "{\"s\":\"a\\u00fc\\ud83d\\udd25\",\"n\":9007199254740992,\"neg\":-3.9,\"t\":true,\"f\":false,\"z\":null,"
                        "\"l\":[1,\"two\",{}],\"o\":{\"deep\":1},\"huge\":1e300}";
    struct err   e;
    struct json *root = json_parse(text, strlen(text), &e);
    assert_non_null(root);
    assert_string_equal(json_str(root, "s", ""), "aü🔥");
    assert_string_equal(json_str(root, "n", "fallback"), "fallback");
    assert_null(json_str(root, "S", NULL)); /* exact case */
    assert_true(json_int(root, "n", 0) == INT64_C(9007199254740992));
    assert_true(json_int(root, "neg", 0) == -3);
    assert_true(json_int(root, "huge", 7) == 7);
    assert_true(json_int(root, "s", 7) == 7);
    assert_true(json_bool(root, "t", false));
    assert_false(json_bool(root, "f", true));
    assert_true(json_bool(root, "z", true));
    assert_int_equal(json_type(json_get(root, "z")), JSON_NULL);
    assert_int_equal(json_type(json_get(root, "absent")), JSON_NULL);
    assert_int_equal(json_count(json_get(root, "l")), 3);
    assert_int_equal(json_count(json_get(root, "s")), 0);
    assert_int_equal(json_count(root), 9);
    assert_string_equal(json_text(json_next(json_first(json_get(root, "l")))), "two");
    assert_string_equal(json_key(json_first(root)), "s");
    assert_true(json_int(json_get(root, "o"), "deep", 0) == 1);
    assert_null(json_get(json_get(root, "l"), "deep"));
    assert_null(json_get(NULL, "x"));
    assert_null(json_first(NULL));
    assert_null(json_next(NULL));
    json_free(&root);
    assert_null(root);
    json_free(&root);
}

/* A C string would end there. */
static void test_json_reads_an_escaped_nul_as_a_character(void **state)
{
    (void)state;
    struct json *root = json_parse(BYTES("{\"a\":\"x\\u0000y\\U\",\"b\":1}"), NULL);
    assert_null(root); /* \U is no escape */
    root = json_parse(BYTES("{\"a\":\"x\\u0000y\",\"b\":\"\\\\u0000\",\"c\\u0000d\":\"\\\\\\u0000\"}"), NULL);
    assert_non_null(root);
    assert_string_equal(json_str(root, "a", ""), "x\xef\xbf\xbdy");
    assert_string_equal(json_str(root, "b", ""), "\\u0000");
    assert_string_equal(json_str(root, "c\xef\xbf\xbd""d", ""), "\\\xef\xbf\xbd");
    json_free(&root);
}

static void test_json_refuses_what_is_none_and_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t      n;
    } wrong[] = {
        { BYTES("") }, { BYTES(" ") }, { BYTES("{") }, { BYTES("[1,]") }, { BYTES("{\"a\":1,}") }, { BYTES("{} x") }, { BYTES("{}{}") }, { BYTES("nul") },
        { BYTES("\"\\ud800\"") }, { BYTES("\"\\x\"") }, { BYTES("{\"a\" 1}") }, { BYTES("\"open") }, { BYTES("'a'") },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct err   e = { 0 };
        struct json *root = json_parse(wrong[i].text, wrong[i].n, &e);
        if (root)
            fail_msg("taken: %s", wrong[i].text);
        assert_int_equal(e.code, ERR_INPUT);
    }
    struct err e;
    assert_null(json_parse(BYTES("{\n\n \"a\": x}"), &e));
    assert_non_null(strstr(e.text, "line 3"));
}

static void test_json_reads_no_byte_beyond_its_length(void **state)
{
    (void)state;
    const char text[] = "{\"a\":[1,2,{\"b\":\"c\\u00e4\"}],\"d\":-1.5e3,\"e\":true}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *exact = malloc(n + 1); /* the sanitizer watches its end */
        assert_non_null(exact);
        memcpy(exact, text, n);
        char        *shrunk = n > 0 ? realloc(exact, n) : exact;
        struct json *root = json_parse(shrunk, n, NULL);
        assert_null(root);
        free(shrunk);
    }
}

static void test_json_depth_is_bounded(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    char *text = malloc(DEEP);
    assert_non_null(text);
    memset(text, '[', DEEP);
    struct err e;
    assert_null(json_parse(text, DEEP, &e));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_writer_keeps_commas_and_depth),
        cmocka_unit_test(test_json_writer_reaches_its_depth),
        cmocka_unit_test(test_json_strings_are_escaped_and_valid),
        cmocka_unit_test(test_json_any_two_bytes_come_out_readable),
        cmocka_unit_test(test_json_writer_says_when_it_did_not_fit),
        cmocka_unit_test(test_json_reads_values_and_fallbacks),
        cmocka_unit_test(test_json_reads_an_escaped_nul_as_a_character),
        cmocka_unit_test(test_json_refuses_what_is_none_and_says_where),
        cmocka_unit_test(test_json_reads_no_byte_beyond_its_length),
        cmocka_unit_test(test_json_depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
