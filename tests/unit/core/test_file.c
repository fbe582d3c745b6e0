/* test_file: writing all of it, and a small file that is there whole or not at all. */
#include "core/file.h"
#include "testing.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 1 << 20 };

static void *drain(void *user)
{
    static char chunk[4096];
    const int  *fd = user;
    size_t      total = 0;
    ssize_t     n;
    while ((n = read(*fd, chunk, sizeof chunk)) > 0)
        total += (size_t)n;
    return (void *)total;
}

static void test_file_write_goes_on_until_all_is_written(void **state)
{
    (void)state;
    static const char bytes[MANY];
    int               ends[2];
    pthread_t         reader;
    void             *total = NULL;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&reader, NULL, drain, &ends[0]), 0);
    assert_int_equal(file_write(ends[1], bytes, sizeof bytes), 0); /* a pipe takes 64 KiB at once */
    file_close(&ends[1]);
    assert_int_equal(pthread_join(reader, &total), 0);
    assert_int_equal((size_t)total, MANY);
    file_close(&ends[0]);
}

static void test_file_write_says_why_it_failed(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC), none = -1;
    assert_true(fd >= 0);
    assert_int_equal(file_write(fd, "a", 1), -1);
    assert_int_equal(errno, ENOSPC);
    file_close(&fd);
    file_close(&none);
}

static void test_file_read_adds_all_up_to_the_ceiling(void **state)
{
    (void)state;
    static char  bytes[20000];
    struct buf   got;
    struct err   e;
    FILE        *f = tmpfile();
    const int    fd = fileno(f);
    memset(bytes, 'a', sizeof bytes);
    buf_init(&got, 1 + sizeof bytes);
    buf_putc(&got, '>');
    assert_int_equal(file_write(fd, bytes, sizeof bytes), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(file_read(fd, &got, &e), 0);
    assert_int_equal(got.len, 1 + sizeof bytes);
    assert_memory_equal(got.data + 1, bytes, sizeof bytes);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(file_read(fd, &got, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    assert_int_equal(file_read(-1, &got, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    buf_done(&got);
    (void)fclose(f);
}

static size_t content(const char *folder, const char *name, char *out, size_t size, mode_t *mode)
{
    char        path[128];
    struct stat st = { 0 };
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE  *f = fopen(path, "re");
    size_t n = f ? fread(out, 1, size, f) : 0;
    if (f && fstat(fileno(f), &st) == 0)
        *mode = st.st_mode & 0777;
    if (f)
        (void)fclose(f);
    return n;
}

static void test_file_keep_puts_the_new_where_the_old_was(void **state)
{
    (void)state;
    char       folder[] = "/tmp/test-file-XXXXXX", got[16];
    mode_t     mode = 0;
    struct err e;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(file_keep(folder, "key", "old one", 7, &e), 0);
    assert_int_equal(file_keep(folder, "key", "new", 3, &e), 0);
    assert_int_equal(content(folder, "key", got, sizeof got, &mode), 3);
    assert_memory_equal(got, "new", 3);
    assert_int_equal(mode, 0600);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/key", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
    assert_int_equal(file_keep(folder, "key", "new", 3, &e), -1);
    assert_int_equal(e.code, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_write_goes_on_until_all_is_written),
        cmocka_unit_test(test_file_write_says_why_it_failed),
        cmocka_unit_test(test_file_read_adds_all_up_to_the_ceiling),
        cmocka_unit_test(test_file_keep_puts_the_new_where_the_old_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
