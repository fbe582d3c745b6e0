/* token: made once, kept, private. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/attr.h"
#include "service/token.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-token-XXXXXX", path[64];

static int setup(void **state)
{
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/api-token", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* nothing else may be left in it */
}

static void test_the_first_start_makes_it_and_the_next_finds_it(void **state)
{
    (void)state;
    char        first[TOKEN_BYTES], second[TOKEN_BYTES];
    struct err  e;
    struct stat st;
    assert_int_equal(token_read(folder, "", first, sizeof first, &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    (void)umask(0);
    assert_int_equal(token_ensure(folder, NULL, first, sizeof first, &e), 0);
    assert_int_equal(strlen(first), 64);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(token_ensure(folder, "", second, sizeof second, &e), 0);
    assert_string_equal(first, second);
    assert_int_equal(token_read(folder, "", second, sizeof second, &e), 0);
    assert_string_equal(first, second);
}

static void test_a_setting_wins_and_makes_no_file(void **state)
{
    (void)state;
    char       token[TOKEN_BYTES], room[8];
    struct err e;
    assert_int_equal(token_ensure(folder, "mine", token, sizeof token, &e), 0);
    assert_string_equal(token, "mine");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(token_ensure(folder, "longer than the room", room, sizeof room, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
}

static void test_an_empty_file_is_no_token(void **state)
{
    (void)state;
    char       token[TOKEN_BYTES];
    struct err e;
    FILE      *f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
    assert_int_equal(token_ensure(folder, "", token, sizeof token, &e), 0);
    assert_int_equal(strlen(token), 64);
}

static void test_a_folder_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    char       token[TOKEN_BYTES];
    struct err e;
    assert_int_equal(token_ensure("/nonexistent", "", token, sizeof token, &e), -1);
    assert_int_equal(e.code, ERR_IO);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_the_first_start_makes_it_and_the_next_finds_it),
        WITH_FOLDER(test_a_setting_wins_and_makes_no_file),
        WITH_FOLDER(test_an_empty_file_is_no_token),
        WITH_FOLDER(test_a_folder_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
