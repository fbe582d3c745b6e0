/* `postern selftest`: what this build is made of, whether its widths hold, and one mail from the store to the reader. */
#include "core/clock.h"
#include "service/commands.h"
#include "service/helper.h"
#include "store/db.h"
#include "store/mongo.h"
#include "store/store.h"
#include <curl/curl.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

static const char mail[] = "Subject: Alarm\r\n\r\nZone:8 Ost 1, Innenbereich Alarm\r\n";

static const int64_t far_ms = INT64_C(4102444800000); /* 2100-01-01 */

static int check(bool is_good, const char *what)
{
    (void)printf("%-6s %s\n", is_good ? "ok" : "FAILED", what);
    return is_good ? 0 : 1;
}

static void print_versions(void)
{
    (void)printf("postern %s, libuv %s, SQLite %s, libmongoc %s, %s\n", POSTERN_VERSION, uv_version_string(), db_library(), mongo_library(), curl_version());
    (void)printf("widths: pointer %zu, time_t %zu, off_t %zu, long %zu\n", 8 * sizeof(void *), 8 * sizeof(time_t), 8 * sizeof(off_t),
                 8 * sizeof(long));
}

static int check_clock(void)
{
    char    text[CLOCK_TEXT];
    int64_t ms = 0;
    int     failed = check(clock_parse_rfc3339("2100-01-01T00:00:00Z", &ms) == 0 && ms == far_ms, "a date after 2038 is read");
    failed += check(mongo_keeps_time(far_ms), "it comes back from BSON");
    return failed + check(strcmp(clock_rfc3339(text, ms), "2100-01-01T00:00:00.000Z") == 0, "a date after 2038 is written");
}

static void on_kept(struct arrival *a, const struct err *failed)
{
    __atomic_store_n((int *)a->user, failed ? -1 : 1, __ATOMIC_SEQ_CST);
}

/* Keeps the mail and waits until it heard so (5 s). */
static bool keep(struct store *s)
{
    int            heard = 0;
    struct arrival a = {
        .received_ms = far_ms, .envelope = "{\"to\":[\"alarm@house\"]}", .bytes = sizeof mail - 1, .data = mail,
        .kept = on_kept, .user = &heard,
    };
    (void)id_make(a.id, a.received_ms);
    store_accept(s, &a);
    for (int i = 0; i < 500 && __atomic_load_n(&heard, __ATOMIC_SEQ_CST) == 0; i++)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    return __atomic_load_n(&heard, __ATOMIC_SEQ_CST) == 1;
}

static bool is_read_back(struct store *s)
{
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, 1 << 16);
    struct store_reader *r = NULL;
    struct arrival_row   row;
    struct err           e;
    bool                 is_same = false;
    if (store_reader_open(s, &r, &e) == 0)
        is_same = store_waiting_arrivals(r, true, 0, &row, 1, &arena, &e) == 1 && row.received_ms == far_ms;
    store_reader_close(&r);
    return is_same;
}

static int check_store(const char *folder)
{
    struct store_options o = { .folder = folder, .inline_max = 65536, .reserve_bytes = 1 << 20, .keep_raw_days = 30 };
    struct store        *s = NULL;
    struct err           e;
    if (store_open(&o, &s, &e) < 0)
        return check(false, e.text);
    int failed = check(keep(s), "a mail is kept");
    failed += check(is_read_back(s), "it is read back, with a date after 2038");
    store_close(&s);
    return failed;
}

/* What postern-inspect prints of the mail, and its exit code; -1: it could not be run, or was killed. There may be no shell. */
static int ask_inspector(const char *program, bool is_sandboxed, char *out, size_t size)
{
    char name[] = "postern-inspect", file[] = "-", key[] = "--recipient", value[] = "alarm@house", open[] = "--sandbox=off";
    char *const argv[] = { name, file, key, value, is_sandboxed ? NULL : open, NULL };
    int         to = memfd_create("mail", MFD_CLOEXEC), from[2];
    if (to < 0 || write(to, mail, sizeof mail - 1) != sizeof mail - 1 || lseek(to, 0, SEEK_SET) != 0 || pipe2(from, O_CLOEXEC) < 0)
        return -1;
    posix_spawn_file_actions_t files;
    pid_t                      child = -1;
    int                        status = -1;
    if (posix_spawn_file_actions_init(&files) == 0) {
        if (posix_spawn_file_actions_adddup2(&files, to, STDIN_FILENO) != 0 || posix_spawn_file_actions_adddup2(&files, from[1], STDOUT_FILENO) != 0
            || posix_spawn(&child, program, &files, NULL, argv, environ) != 0)
            child = -1;
        (void)posix_spawn_file_actions_destroy(&files);
    }
    (void)close(to);
    (void)close(from[1]);
    size_t n = 0;
    for (ssize_t got = 1; child > 0 && got > 0 && n + 1 < size; n += got > 0 ? (size_t)got : 0)
        got = read(from[0], out + n, size - 1 - n);
    out[n] = '\0';
    (void)close(from[0]);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Feeds the mail to postern-inspect and looks for the kind it must find. Under qemu, and on some kernels, there is no seccomp:
 * then the reading itself is tested without. */
static int check_inspector(const struct settings *settings)
{
    char program[4096], line[2048];
    if (helper_path(program, sizeof program) < 0)
        return check(false, "postern-inspect is beside this program");
    int code = ask_inspector(program, settings->is_inspect_sandboxed, line, sizeof line);
    if (code == EX_UNAVAILABLE) {
        (void)puts("not run here: the sandbox (this machine has no seccomp; see Inspect:Sandbox)");
        code = ask_inspector(program, false, line, sizeof line);
    }
    return check(code == 0 && strstr(line, "\"alarm.interior\"") != NULL, "a mail is understood");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int cmd_selftest(const struct settings *s, int argc, char **argv)
{
    (void)argc, (void)argv;
    print_versions();
    char folder[] = "/tmp/postern-selftest-XXXXXX";
    if (!mkdtemp(folder))
        return check(false, "a folder under /tmp");
    int failed = check_clock() + check_store(folder) + check_inspector(s);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return failed > 0;
}
