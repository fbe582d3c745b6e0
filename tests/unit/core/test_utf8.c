/* test_utf8: the table of RFC 3629, counted against every code point and every pair of bytes. */
#include "core/utf8.h"
#include "testing.h"

/* An encoder of our own, straight from RFC 3629 section 3. */
static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t         n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    const unsigned heads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(unsigned char)(0x80U | (c & 0x3FU));
    out[0] = (char)(unsigned char)(heads[n] | c);
    return n;
}

static void test_utf8_takes_every_code_point_but_surrogates(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x120000; c++) {
        char   s[4];
        size_t n = encode(c, s);
        bool   is_good = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
        if (utf8_length(s, n) != (is_good ? n : 0) || (is_good && utf8_code(s) != c))
            fail_msg("U+%04X", (unsigned)c);
        if (n > 1 && utf8_length(s, n - 1) != 0)
            fail_msg("U+%04X cut short", (unsigned)c);
    }
}

static void test_utf8_refuses_overlong_forms_and_strays(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t      n;
    } wrong[] = {
        { BYTES("\x80") }, { BYTES("\xBF") }, { BYTES("\xC0\x80") }, { BYTES("\xC1\xBF") }, { BYTES("\xE0\x9F\xBF") }, { BYTES("\xF0\x8F\xBF\xBF") },
        { BYTES("\xF4\x90\x80\x80") }, { BYTES("\xF5\x80\x80\x80") }, { BYTES("\xFE") }, { BYTES("\xFF") }, { BYTES("\xC3(") }, { BYTES("\xE2\x82(") },
        { BYTES("K\xFC" "che") }, { BYTES("\xED\xA0\x80") },
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(utf8_is_valid(wrong[i].bytes, wrong[i].n));
    assert_true(utf8_is_valid(BYTES("")));
    assert_true(utf8_is_valid(BYTES("Küche a\0b 🔥")));
    assert_int_equal(utf8_length("", 0), 0);
}

static void test_utf8_cut_leaves_whole_characters(void **state)
{
    (void)state;
    const char  *text = "aü€🔥";
    const size_t n = strlen(text);
    const size_t expected[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };
    for (size_t max = 0; max < COUNT(expected); max++)
        assert_int_equal(utf8_cut(text, n, max), expected[max]);
}

static void test_utf8_count_counts_a_wrong_byte_as_one(void **state)
{
    (void)state;
    assert_int_equal(utf8_count(BYTES("aü€🔥")), 4);
    assert_int_equal(utf8_count(BYTES("")), 0);
    assert_int_equal(utf8_count(BYTES("\xFF\xFE" "a")), 3);
    assert_int_equal(utf8_count(BYTES("\xE2\x82")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_takes_every_code_point_but_surrogates),
        cmocka_unit_test(test_utf8_refuses_overlong_forms_and_strays),
        cmocka_unit_test(test_utf8_cut_leaves_whole_characters),
        cmocka_unit_test(test_utf8_count_counts_a_wrong_byte_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
