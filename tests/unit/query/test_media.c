/* decoder and media: every encoding gives the same bytes however its text is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/decoder.h"
#include "store/media.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROOM = 1024 };

static const struct sample {
    const char   *what;
    enum encoding encoding;
    const char   *text, *bytes;
    size_t        n; /* of bytes; 0: strlen */
} samples[] = {
    { "none is as it came", ENCODING_NONE, "a=3D\r\nb", "a=3D\r\nb", 0 },
    { "base64", ENCODING_BASE64, "SGVsbG8sIFdvcmxkIQ==", "Hello, World!", 0 },
    { "base64 in lines, with foreign characters", ENCODING_BASE64, "SGVs\r\nbG8s\r\n!IFd-vcmxkIQ==\r\n", "Hello, World!", 0 },
    { "base64 without padding", ENCODING_BASE64, "SGVsbG8", "Hello", 0 },
    { "base64 again after its padding", ENCODING_BASE64, "SGk=SGk=", "HiHi", 0 },
    { "base64 of bytes beyond text", ENCODING_BASE64, "AP/+gA==", "\x00\xff\xfe\x80", 4 },
    { "base64 of nothing", ENCODING_BASE64, "\r\n", "", 0 },
    { "quoted-printable", ENCODING_QUOTED_PRINTABLE, "G=C3=A4ste=3Dzimmer", "G\xc3\xa4ste=zimmer", 0 },
    { "small hex digits", ENCODING_QUOTED_PRINTABLE, "=c3=a4", "\xc3\xa4", 0 },
    { "soft line breaks of both kinds", ENCODING_QUOTED_PRINTABLE, "a=\r\nb=\nc\r\nd", "abc\r\nd", 0 },
    { "a soft line break with padding", ENCODING_QUOTED_PRINTABLE, "a= \t \r\nb", "ab", 0 },
    { "an equals sign that is none", ENCODING_QUOTED_PRINTABLE, "1=2;x==41=Z", "1=2;x=A=Z", 0 },
    { "an equals sign at the end", ENCODING_QUOTED_PRINTABLE, "a=", "a=", 0 },
    { "half a byte at the end", ENCODING_QUOTED_PRINTABLE, "a=4", "a=4", 0 },
    { "uuencode", ENCODING_UUENCODE, "begin 644 cat.txt\n#0V%T\n`\nend\n", "Cat", 0 },
    { "uuencode with CR and a zero length line of a blank", ENCODING_UUENCODE, "begin 600 a b\r\n#0V%T\r\n \r\nend\r\n", "Cat", 0 },
    { "uuencode of two lines", ENCODING_UUENCODE, "begin 644 x\n#0V%T\n\"2&D`\n`\nend\n", "CatHi", 0 },
};

static size_t expected(const struct sample *s)
{
    return s->n ? s->n : strlen(s->bytes);
}

static void check(const struct sample *s, const unsigned char *got, size_t n, size_t cut)
{
    if (n != expected(s) || memcmp(got, s->bytes, n) != 0)
        fail_msg("%s, cut at %zu: got %zu bytes \"%.*s\"", s->what, cut, n, (int)n, (const char *)got);
}

static void test_a_cut_anywhere_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        size_t length = strlen(samples[i].text);
        for (size_t cut = 0; cut <= length; cut++) {
            unsigned char  out[ROOM];
            struct decoder d;
            decoder_init(&d, samples[i].encoding);
            size_t n = decoder_feed(&d, samples[i].text, cut, out);
            n += decoder_feed(&d, samples[i].text + cut, length - cut, out + n);
            n += decoder_end(&d, out + n);
            check(&samples[i], out, n, cut);
        }
    }
}

static void test_byte_by_byte_too_and_never_beyond_the_promised_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        unsigned char  out[ROOM];
        size_t         n = 0;
        struct decoder d;
        decoder_init(&d, samples[i].encoding);
        for (const char *c = samples[i].text; *c; c++) {
            size_t one = decoder_feed(&d, c, 1, out + n);
            assert_true(one <= 1 + DECODER_ROOM);
            n += one;
        }
        size_t last = decoder_end(&d, out + n);
        assert_true(last <= DECODER_ROOM);
        check(&samples[i], out, n + last, 1);
    }
}

static int file_of(const char *before, const char *text, const char *after)
{
    int fd = memfd_create("arrival", MFD_CLOEXEC);
    assert_true(fd >= 0);
    (void)dprintf(fd, "%s%s%s", before, text, after);
    return fd;
}

static void test_a_piece_of_an_arrival_is_read_from_its_place_in_small_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        static const char header[] = "Subject: x\r\n\r\nSGVsbG8=";
        struct err        e;
        CLEANUP(media_close) struct media_stream *s = NULL;
        int fd = file_of(header, samples[i].text, "SGVsbG8= trailing");
        int64_t length = (int64_t)strlen(samples[i].text);
        assert_int_equal(media_open(fd, sizeof header - 1, length, samples[i].encoding, &s, &e), 0);
        unsigned char out[ROOM];
        size_t        n = 0;
        ssize_t       got;
        while ((got = media_read(s, out + n, 1 + i % 5, &e)) > 0)
            n += (size_t)got;
        assert_int_equal(got, 0);
        check(&samples[i], out, n, 0);
    }
}

static void test_an_arrival_that_became_shorter_is_an_error(void **state)
{
    (void)state;
    struct err                                e;
    unsigned char                             out[ROOM];
    CLEANUP(media_close) struct media_stream *s = NULL;
    assert_int_equal(media_open(file_of("", "abc", ""), 0, 10, ENCODING_NONE, &s, &e), 0);
    assert_int_equal(media_read(s, out, sizeof out, &e), 3);
    assert_int_equal(media_read(s, out, sizeof out, &e), -1);
    assert_int_equal(e.code, ERR_IO);
}

static void test_minus_one_reads_to_the_end_and_a_wrong_place_is_refused(void **state)
{
    (void)state;
    struct err                                e;
    unsigned char                             out[ROOM];
    CLEANUP(media_close) struct media_stream *s = NULL;
    assert_int_equal(media_open(file_of("head", "tail", ""), 4, -1, ENCODING_NONE, &s, &e), 0);
    assert_int_equal(media_read(s, out, sizeof out, &e), 4);
    assert_memory_equal(out, "tail", 4);
    assert_int_equal(media_read(s, out, sizeof out, &e), 0);
    struct media_stream *none = NULL;
    assert_int_equal(media_open(file_of("", "abc", ""), -1, 2, ENCODING_NONE, &none, &e), -1);
    assert_int_equal(media_open(file_of("", "abc", ""), 9, -1, ENCODING_NONE, &none, &e), -1);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_anywhere_changes_nothing),
        cmocka_unit_test(test_byte_by_byte_too_and_never_beyond_the_promised_room),
        cmocka_unit_test(test_a_piece_of_an_arrival_is_read_from_its_place_in_small_steps),
        cmocka_unit_test(test_an_arrival_that_became_shorter_is_an_error),
        cmocka_unit_test(test_minus_one_reads_to_the_end_and_a_wrong_place_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
