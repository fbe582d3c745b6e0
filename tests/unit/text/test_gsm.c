/* SMS sizes and the GSM-7 alphabet. tests/protocol/test_sms_size.py counts the golden texts a second, independent way. */
#include "service/gsm.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* */
#include <cmocka.h>

static void test_what_the_alphabet_lacks_is_replaced_or_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
        bool        is_gsm;
    } rows[] = {
        { "Gästezimmer, Straße, Übergang, Café", "Gästezimmer, Straße, Übergang, Café", true },
        { "„Haus“ – ‚Hof‘ … ‹so› «da»", "\"Haus\" - 'Hof' ... 'so' \"da\"", true },
        { "á ç ñ å ø æ ő Ł Ž ș", "a c ñ å ø æ ö L Z s", true },
        { "Motion 🚨 detected ⚠️!", "Motion  detected !", true },
        { "5 € [a] {b} ~ ^ | \\", "5 € [a] {b} ~ ^ | \\", true },
        { "`x´", "'x'", true },
        { "a\tb\r\nc\x01", "a b\nc", true },
        { "a\xFFz", "az", true },
        { "Straße№ 5™", "StraßeNo. 5(TM)", true },
        { "e\xCC\x81", "e", true },
        { "ΔΩ", "ΔΩ", true },
        { "Тревога", "Тревога", false },
        { "警報 Haus", "警報 Haus", false },
        { "", "", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_done) struct buf out;
        buf_init(&out, 1000);
        assert_int_equal(gsm_transliterate(rows[i].text, &out), rows[i].is_gsm);
        assert_string_equal(buf_str(&out), rows[i].want);
    }
}

static void test_every_character_of_latin_becomes_gsm_7(void **state)
{
    (void)state;
    for (uint32_t code = 0x20; code < 0x180; code++) {
        char text[3] = { (char)code };
        if (code >= 0x80) {
            text[0] = (char)(0xC0 | code >> 6);
            text[1] = (char)(0x80 | (code & 0x3F));
        }
        CLEANUP(buf_done) struct buf out;
        buf_init(&out, 100);
        assert_true(gsm_transliterate(text, &out));
        bool is_gsm;
        (void)gsm_units(buf_str(&out), &is_gsm);
        assert_true(is_gsm);
    }
}

/* text repeated so often, then its parts. */
static int parts_of(const char *text, size_t times)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 10000);
    for (size_t i = 0; i < times; i++)
        buf_puts(&b, text);
    return gsm_parts(buf_str(&b));
}

static void test_parts_end_where_the_standard_ends_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t      times;
        int         parts;
    } rows[] = {
        { "a", 0, 1 },   { "a", 160, 1 }, { "a", 161, 2 }, { "a", 306, 2 },  { "a", 307, 3 },  { "a", 459, 3 },
        { "ä", 160, 1 }, { "ä", 161, 2 }, { "€", 80, 1 },  { "€", 81, 2 },   { "€", 152, 2 },  { "€", 153, 3 },
        { "ж", 70, 1 },  { "ж", 71, 2 },  { "ж", 132, 2 }, { "ж", 133, 3 },  { "🚨", 35, 1 },  { "🚨", 36, 2 },
        { "🚨", 66, 2 }, { "🚨", 67, 3 },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(parts_of(rows[i].text, rows[i].times), rows[i].parts);
}

static void test_units_are_septets_or_utf_16(void **state)
{
    (void)state;
    bool is_gsm;
    assert_int_equal(gsm_units("a€ö", &is_gsm), 4);
    assert_true(is_gsm);
    assert_int_equal(gsm_units("aж🚨", &is_gsm), 4);
    assert_false(is_gsm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_alphabet_lacks_is_replaced_or_dropped),
        cmocka_unit_test(test_every_character_of_latin_becomes_gsm_7),
        cmocka_unit_test(test_parts_end_where_the_standard_ends_them),
        cmocka_unit_test(test_units_are_septets_or_utf_16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
