/* Opening: the folder, the lock, versions and migrations. */
#include "store/schema.h"
#include "tests/unit/store/temp.h"
#include <fcntl.h>
#include <sys/wait.h>

static const int64_t now = 1795000000000;

static int open_at(const char *folder, struct err *e)
{
    struct store *s = NULL;
    int result = store_open(&(struct store_options){ .folder = folder, .reserve_bytes = 1 << 16 }, &s, e);
    store_close(&s);
    return result;
}

static void test_a_missing_folder_is_made_with_its_parents(void **state)
{
    struct temp *t = *state;
    char path[128];
    struct err e = { 0 };
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/a/b//c/", t->folder);
    assert_int_equal(open_at(path, &e), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_a_second_store_hears_who_has_it(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    char pid[16];
    (void)snprintf(pid, sizeof pid, "process %d", (int)getpid());
    assert_int_equal(open_at(t->folder, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_non_null(strstr(e.text, pid));
}

/* The child has no threads of ours: it is made before this process opens anything. */
static void test_a_second_process_does_too_and_may_come_when_the_first_was_killed(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    int ready[2];
    char byte;
    store_close(&t->store);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *s = NULL;
        if (store_open(&(struct store_options){ .folder = t->folder, .reserve_bytes = 1 << 16 }, &s, &e) < 0)
            _exit(1);
        (void)!write(ready[1], "x", 1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    assert_int_equal(open_at(t->folder, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    temp_open(t);
}

/* --- versions ---------------------------------------------------------------------------------------------------- */

enum { FILES_MAX = 32 };
struct listing {
    struct {
        char name[64];
        int64_t size, changed;
        uint64_t sum;
    } files[FILES_MAX];
    size_t count;
};

static uint64_t sum_of(const char *path)
{
    uint64_t sum = 14695981039346656037U; /* FNV-1a */
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;)
        sum = (sum ^ (unsigned char)c) * 1099511628211U;
    (void)fclose(f);
    return sum;
}

static struct listing *the_listing;

static int list_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    if (kind != FTW_F && kind != FTW_D)
        return 0;
    assert_true(the_listing->count < FILES_MAX);
    size_t i = the_listing->count++;
    (void)snprintf(the_listing->files[i].name, sizeof the_listing->files[i].name, "%s", path + ftw->base);
    the_listing->files[i].size = kind == FTW_F ? (int64_t)st->st_size : -1;
    the_listing->files[i].changed = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec;
    the_listing->files[i].sum = kind == FTW_F ? sum_of(path) : 0;
    return 0;
}

static void list(const char *folder, struct listing *out)
{
    memset(out, 0, sizeof *out);
    the_listing = out;
    assert_int_equal(nftw(folder, list_one, 8, FTW_PHYS), 0);
}

static int set_version(struct store_tx *tx, void *user, struct err *e)
{
    (void)user;
    return db_exec(tx_db(tx), "PRAGMA user_version = 9999", e);
}

static void test_a_newer_folder_is_left_untouched_byte_for_byte(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    static struct listing before, after;
    (void)temp_keep(t, now, "mail");
    assert_int_equal(temp_do(t, STORE_EVENT, set_version, NULL, &e), 0);
    store_close(&t->store);
    (void)unlink("lock");
    list(t->folder, &before);
    assert_int_equal(open_at(t->folder, &e), -1);
    assert_int_equal(e.code, ERR_VERSION);
    assert_non_null(strstr(e.text, "9999"));
    assert_non_null(strstr(e.text, t->folder));
    list(t->folder, &after);
    assert_memory_equal(&before, &after, sizeof before);
}

static int count_named(const char *folder, const char *name)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void test_closing_leaves_no_log_behind(void **state)
{
    struct temp *t = *state;
    (void)temp_keep(t, now, "mail");
    assert_int_equal(count_named(t->folder, "postern.db-wal"), 1);
    store_close(&t->store);
    assert_int_equal(count_named(t->folder, "postern.db-wal"), 0);
}

/* --- clear words ------------------------------------------------------------------------------------------------- */

static void test_a_damaged_database_says_so_and_is_not_overwritten(void **state)
{
    struct temp *t = *state;
    struct err e = { 0 };
    char path[128], garbage[8192], back[8192];
    store_close(&t->store);
    memset(garbage, 'g', sizeof garbage);
    (void)snprintf(path, sizeof path, "%s/postern.db", t->folder);
    int fd = open(path, O_RDWR | O_TRUNC);
    assert_int_equal(write(fd, garbage, sizeof garbage), sizeof garbage);
    memset(garbage + 60, 0, 4); /* the version a header would have */
    assert_int_equal(pwrite(fd, garbage, sizeof garbage, 0), sizeof garbage);
    assert_int_equal(open_at(t->folder, &e), -1);
    assert_int_equal(e.code, ERR_DAMAGED);
    assert_non_null(strstr(e.text, "postern.db"));
    assert_int_equal(pread(fd, back, sizeof back, 0), sizeof back);
    assert_memory_equal(garbage, back, sizeof back);
    (void)close(fd);
}

/* As another user, in a child: root may write everywhere. */
static void test_a_folder_that_is_not_ours_names_owner_mode_and_our_uid(void **state)
{
    struct temp *t = *state;
    store_close(&t->store);
    if (getuid() != 0)
        skip();
    assert_int_equal(chmod(t->folder, 0755), 0);
    pid_t child = fork();
    if (child == 0) {
        struct err e = { 0 };
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(2);
        bool is_clear = open_at(t->folder, &e) < 0 && e.code == ERR_IO && strstr(e.text, t->folder) &&
                        strstr(e.text, "uid 0") && strstr(e.text, "0755") && strstr(e.text, "65534");
        if (!is_clear)
            fprintf(stderr, "said: %s\n", e.text);
        _exit(is_clear ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_missing_folder_is_made_with_its_parents),
        STORE_TEST(test_a_second_store_hears_who_has_it),
        STORE_TEST(test_a_second_process_does_too_and_may_come_when_the_first_was_killed),
        STORE_TEST(test_a_newer_folder_is_left_untouched_byte_for_byte),
        STORE_TEST(test_closing_leaves_no_log_behind),
        STORE_TEST(test_a_damaged_database_says_so_and_is_not_overwritten),
        STORE_TEST(test_a_folder_that_is_not_ours_names_owner_mode_and_our_uid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
