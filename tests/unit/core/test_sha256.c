/* test_sha256: the vectors of FIPS 180-2, whole and in pieces, and what was lost on the way. */
#include "core/sha256.h"
#include "testing.h"

static const struct {
    const char *bytes, *hash;
} vectors[] = { /* FIPS 180-2, B.1 and B.2 */
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void test_sha256_is_the_same_whole_and_in_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        unsigned char hash[SHA256_BYTES];
        char          text[SHA256_TEXT];
        size_t        n = strlen(vectors[i].bytes);
        assert_int_equal(sha256(vectors[i].bytes, n, hash), 0);
        assert_string_equal(sha256_text(text, hash), vectors[i].hash);
        for (size_t cut = 0; cut <= n; cut++) {
            struct sha256 *h = sha256_new();
            sha256_add(h, vectors[i].bytes, cut);
            sha256_add(h, vectors[i].bytes + cut, n - cut);
            assert_int_equal(sha256_end_text(h, text), 0);
            assert_string_equal(text, vectors[i].hash);
            sha256_free(&h);
            assert_null(h);
        }
    }
}

static void test_sha256_without_memory_fails_at_the_end(void **state)
{
    (void)state;
    char           text[SHA256_TEXT];
    struct sha256 *none = NULL;
    sha256_add(none, "a", 1);
    assert_int_equal(sha256_end_text(none, text), -1);
    sha256_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_is_the_same_whole_and_in_every_split),
        cmocka_unit_test(test_sha256_without_memory_fails_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
