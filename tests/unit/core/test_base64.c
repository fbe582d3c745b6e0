/* test_base64: the vectors of RFC 4648, what is refused, and bodies that come in pieces. */
#include "core/base64.h"
#include "testing.h"

static const struct {
    const char *plain, *coded;
} vectors[] = { /* RFC 4648 section 10 */
    { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
};

static void test_base64_follows_the_vectors_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        CLEANUP(buf_done) struct buf coded;
        CLEANUP(buf_done) struct buf plain;
        buf_init(&coded, 100);
        buf_init(&plain, 100);
        struct err e;
        base64_encode(&coded, vectors[i].plain, strlen(vectors[i].plain));
        assert_string_equal(buf_str(&coded), vectors[i].coded);
        assert_int_equal(base64_decode(&plain, vectors[i].coded, strlen(vectors[i].coded), &e), 0);
        assert_string_equal(buf_str(&plain), vectors[i].plain);
        buf_clear(&plain);
        size_t bare = strcspn(vectors[i].coded, "=");
        assert_int_equal(base64_decode(&plain, vectors[i].coded, bare, &e), 0);
        assert_string_equal(buf_str(&plain), vectors[i].plain);
    }
}

static void test_base64_decode_refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = { "A", "=", "==", "Z===", "Zg=", "Zg===", "Zg==Zg==", "Z g=", "Zg\n=", "Zm9v-_", "Zm9vY", "Zm9v\x80" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CLEANUP(buf_done) struct buf out;
        buf_init(&out, 100);
        struct err e = { 0 };
        if (base64_decode(&out, wrong[i], strlen(wrong[i]), &e) == 0)
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

static void test_base64_keeps_the_ceiling_of_its_output(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 5);
    struct err e;
    assert_int_equal(base64_decode(&out, "Zm9vYmFy", 8, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    buf_clear(&out);
    base64_encode(&out, "foobar", 6);
    assert_true(out.failed);
}

static void test_base64_carries_every_byte(void **state)
{
    (void)state;
    unsigned char all[256];
    for (unsigned i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)(i * 7 + 3);
    for (size_t n = 0; n <= sizeof all; n++) {
        CLEANUP(buf_done) struct buf coded;
        CLEANUP(buf_done) struct buf back;
        buf_init(&coded, 1000);
        buf_init(&back, 1000);
        struct err e;
        base64_encode(&coded, all, n);
        assert_int_equal(base64_decode(&back, buf_str(&coded), coded.len, &e), 0);
        assert_int_equal(back.len, n);
        assert_memory_equal(buf_str(&back), all, n);
    }
}

/* A body with line ends, blanks, foreign characters, and a second run after padding. */
static const char body[] = "Zm9v\r\nYm Fy!\r\nZm8=\r\nZg==Zm9vYg\r\n=\n";
static const char body_plain[] = "foobarfoffoob";

static void test_base64_stream_gives_the_same_in_every_split(void **state)
{
    (void)state;
    const size_t n = sizeof body - 1;
    for (size_t first = 0; first <= n; first++)
        for (size_t second = first; second <= n; second++) {
            struct base64_stream s = { 0 };
            unsigned char        out[sizeof body] = { 0 };
            size_t               have = base64_stream_decode(&s, body, first, out);
            assert_true(have <= first);
            have += base64_stream_decode(&s, body + first, second - first, out + have);
            have += base64_stream_decode(&s, body + second, n - second, out + have);
            assert_int_equal(have, sizeof body_plain - 1);
            assert_memory_equal(out, body_plain, have);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_follows_the_vectors_both_ways),
        cmocka_unit_test(test_base64_decode_refuses_what_is_none),
        cmocka_unit_test(test_base64_keeps_the_ceiling_of_its_output),
        cmocka_unit_test(test_base64_carries_every_byte),
        cmocka_unit_test(test_base64_stream_gives_the_same_in_every_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
