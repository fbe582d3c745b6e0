/* What mail.c builds on: transfer encodings, charsets, folding, first bytes, HTML. */
#include "core/fold.h"
#include "core/decoder.h"
#include "parsers/charset.h"
#include "parsers/html.h"
#include "parsers/sniff.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    enum encoding encoding;
    const char   *text, *bytes;
} transfers[] = {
    { ENCODING_NONE, "as it is", "as it is" },
    { ENCODING_BASE64, "TWFu", "Man" },
    { ENCODING_BASE64, "TWE=", "Ma" },
    { ENCODING_BASE64, "TQ==TWFu", "MMan" },
    { ENCODING_BASE64, "T W\r\nFu!", "Man" },
    { ENCODING_QUOTED_PRINTABLE, "a=20b", "a b" },
    { ENCODING_QUOTED_PRINTABLE, "Caf=C3=a9", "Caf\xC3\xA9" },
    { ENCODING_QUOTED_PRINTABLE, "soft=\r\n break", "soft break" },
    { ENCODING_QUOTED_PRINTABLE, "soft= \t\r\nblank", "softblank" },
    { ENCODING_QUOTED_PRINTABLE, "soft=\nlf", "softlf" },
    { ENCODING_QUOTED_PRINTABLE, "1=1 =zz =4", "1=1 =zz =4" },
    { ENCODING_QUOTED_PRINTABLE, "a = b", "a = b" },
    { ENCODING_UUENCODE, "Hello\nbegin 644 a\n#0V%T\n`\nend\n", "Cat" },
    { ENCODING_UUENCODE, "begin 644 a\n#0V%T\n`\nend\n", "Cat" },
    { ENCODING_UUENCODE, "words\r\nbegin 644 a\r\n%0V%T0V$\r\n`\r\nend\r\nmore", "CatCa" },
    { ENCODING_UUENCODE, "nothing", "" },
};

static void encodings_are_undone_in_one_piece_and_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(transfers); i++) {
        const char     *text = transfers[i].text, *bytes = transfers[i].bytes;
        unsigned char   out[128];
        struct decoder  whole, single;
        decoder_init(&whole, transfers[i].encoding);
        decoder_init(&single, transfers[i].encoding);
        size_t n = decoder_feed(&whole, text, strlen(text), out);
        n += decoder_end(&whole, out + n);
        assert_int_equal(n, strlen(bytes));
        assert_memory_equal(out, bytes, n);
        n = 0;
        for (const char *c = text; *c; c++)
            n += decoder_feed(&single, c, 1, out + n);
        n += decoder_end(&single, out + n);
        assert_int_equal(n, strlen(bytes));
        assert_memory_equal(out, bytes, n);
        assert_int_equal(decoder_size(transfers[i].encoding, text, strlen(text)), strlen(bytes));
    }
}

static const struct {
    const char *label, *text, *expected;
} texts[] = {
    { NULL, "plain", "plain" },
    { NULL, "Caf\xE9", "Caf\u00E9" },
    { NULL, "Caf\xC3\xA9", "Caf\u00E9" },
    { "utf-8", "Caf\xE9", "Caf\u00E9" },
    { "UTF-8", "\x80", "\u20AC" },
    { "iso-8859-1", "Caf\xC3\xA9", "Caf\u00E9" },
    { "iso-8859-15", "\xA4", "\u20AC" },
    { "windows-1252", "\x80\x81", "\u20AC\uFFFD" },
    { "gb2312", "\xD2\xC6\xB6\xAF", "\u79FB\u52A8" },
    { "gbk", "\xD2\xC6\xB6", "\u79FB" },
    { "utf-7", "+AOk-", "\u00E9" },
    { "iso-2022-jp", "\x1B$B4A\x1B(B", "\u6F22" },
    { "x-nobody-knows", "Caf\xE9", "Caf\u00E9" },
    { "", "Caf\xE9", "Caf\u00E9" },
};

static void texts_become_utf8_whatever_they_say_they_are(void **state)
{
    (void)state;
    charset_setup();
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct buf out;
        buf_init(&out, 100);
        charset_put(&out, texts[i].label, texts[i].text, strlen(texts[i].text));
        assert_string_equal(buf_str(&out), texts[i].expected);
        assert_false(out.failed);
        buf_done(&out);
    }
}

static void a_text_stops_at_its_ceiling_between_two_characters(void **state)
{
    (void)state;
    const char *const labels[] = { NULL, "utf-8", "iso-8859-15", "windows-1252" };
    charset_setup();
    for (size_t i = 0; i < COUNT(labels); i++)
        for (size_t max = 1; max < 9; max++) {
            struct buf out;
            buf_init(&out, max);
            charset_put(&out, labels[i], "a\xE9\xE9\xE9z", 5);
            assert_false(out.failed);
            assert_true(out.len <= max && out.len + 2 > (max < 8 ? max : 8));
            buf_done(&out);
        }
}

static const struct {
    const char *text, *tight, *words;
} folds[] = {
    { "Notfall Alarm", "notfallalarm", " notfall alarm " },
    { "  \u00DCberfall-Alarm! ", "uberfall-alarm!", " uberfall alarm " },
    { "Au\u00DFenbereich", "aussenbereich", " aussenbereich " },
    { "D\u00E9clench\u00E9e\u00A0", "declenchee", " declenchee " },
    { "\u0141\u00F3d\u017A 2", "lodz2", " lodz 2 " },
    { "\u041A\u0443\u0445\u043D\u044F", "\u041A\u0443\u0445\u043D\u044F", " \u041A\u0443\u0445\u043D\u044F " },
    { "", "", " " },
    { "!!", "!!", " " },
};

static void folding_leaves_out_case_accents_and_blanks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(folds); i++) {
        char out[80];
        assert_int_equal(fold_tight(out, sizeof out, folds[i].text, strlen(folds[i].text)), strlen(folds[i].tight));
        assert_string_equal(out, folds[i].tight);
        assert_true(fold_is(folds[i].text, out));
        assert_false(fold_is(folds[i].text, "something else"));
        (void)fold_words(out, sizeof out, folds[i].text, strlen(folds[i].text));
        assert_string_equal(out, folds[i].words);
    }
}

static void folding_keeps_its_ceiling(void **state)
{
    (void)state;
    char small[6];
    assert_int_equal(fold_tight(small, sizeof small, "abcdefgh", 8), 0);
    assert_int_equal(fold_tight(small, sizeof small, "abcde", 5), 5);
    assert_true(fold_words(small, sizeof small, "abcdefgh", 8) < sizeof small);
    assert_string_equal(small, " abc ");
}

static void files_are_what_their_first_bytes_say(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t      n;
        const char *type;
    } files[] = {
        { "\xFF\xD8\xFF\xE0", 4, "image/jpeg" },   { "\x89PNG\r\n\x1A\n", 8, "image/png" }, { "GIF89a", 6, "image/gif" },
        { "RIFF\1\2\3\4WEBP", 12, "image/webp" },  { "RIFF\1\2\3\4AVI ", 12, "video/x-msvideo" },
        { "\0\0\0\x20" "ftypisom", 12, "video/mp4" }, { "%PDF-1.7", 8, "application/pdf" }, { "PK\3\4", 4, "application/zip" },
        { "RIFF\1\2\3\4XXXX", 12, NULL },          { "RIFF", 4, NULL },                     { "", 0, NULL },
        { "\xFF\xD8", 2, NULL },                   { "hello", 5, NULL },
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        const char *type = sniff((const unsigned char *)files[i].bytes, files[i].n);
        if (files[i].type)
            assert_string_equal(type, files[i].type);
        else
            assert_null(type);
    }
}

static const struct {
    const char *html, *visible;
} pages[] = {
    { "plain words", "plain words" },
    { "<p>one</p><p>two</p>", "one\ntwo\n" },
    { "a<br>b<BR/>c", "a\nb\nc" },
    { "  a \r\n b  ", "a b " },
    { "<head><title>no</title></head>yes", "yes" },
    { "<head><title>no</title><body>yes", "yes" },
    { "<script>if (a<b) x('</p>')</script>yes", "yes" },
    { "a<!-- <p>no</p> -->b", "ab" },
    { "a &lt; b &amp; c &#228;&#xE4;&auml;&nbsp;&nope; & d", "a < b & c \u00E4\u00E4\u00E4 &nope; & d" },
    { "1 < 2 <3", "1 < 2 " },
    { "<td>a</td><td>b</td>", "a b " },
    { "<unclosed", "" },
    { "<!-- unclosed", "" },
    { "&#0;&#xFFFFFF;&#xD800;x&#x1F6AA;", "x\U0001F6AA" },
};

static void of_html_the_visible_text_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pages); i++) {
        struct buf out;
        buf_init(&out, 200);
        html_visible(&out, pages[i].html, strlen(pages[i].html));
        assert_string_equal(buf_str(&out), pages[i].visible);
        buf_done(&out);
    }
}

static void html_stops_at_its_ceiling(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 5);
    html_visible(&out, "<p>abcdefgh</p> &auml;&auml;", 28);
    assert_false(out.failed);
    assert_string_equal(buf_str(&out), "abcde");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_are_undone_in_one_piece_and_byte_by_byte),
        cmocka_unit_test(texts_become_utf8_whatever_they_say_they_are),
        cmocka_unit_test(a_text_stops_at_its_ceiling_between_two_characters),
        cmocka_unit_test(folding_leaves_out_case_accents_and_blanks),
        cmocka_unit_test(folding_keeps_its_ceiling),
        cmocka_unit_test(files_are_what_their_first_bytes_say),
        cmocka_unit_test(of_html_the_visible_text_is_taken),
        cmocka_unit_test(html_stops_at_its_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
