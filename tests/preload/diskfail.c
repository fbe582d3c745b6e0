/* diskfail: LD_PRELOAD that makes a disk fail where a test wants it to.
 *
 *   DISKFAIL_FOLDER   only what is below it fails (real path)
 *   DISKFAIL_RULES    a file, read anew whenever it has changed; one rule per line:
 *                       sync *.eml 1 EIO        the first sync of such a file fails
 *                       write *-wal 3+ ENOSPC   the third write and all later ones
 *                       create * 1+ EROFS       opening for writing what is not there yet
 *                       mkdir * 1+ EROFS
 *                       open * 1+ EROFS         opening anything for writing
 *                       quota * 2000000 ENOSPC  what all files together may hold, in bytes
 *                       create * 1+ HANG        does not return as long as the rule stands there
 *                     Patterns are matched against the path below the folder ("." is the folder itself); * also fits "/".
 *   DISKFAIL_HITS     a file: a line "<rule>" is added whenever one strikes */
#undef _FILE_OFFSET_BITS /* pwrite and pwrite64 are two names here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { RULES_MAX = 32, HANG = 10000 };

#define REAL(name)                                                                                                             \
    __extension__({                                                                                                            \
        static __typeof__(&name) real;                                                                                         \
        if (!real)                                                                                                             \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                         \
        real;                                                                                                                  \
    })

static struct rule {
    char what[16], pattern[128], line[200];
    int64_t nth, seen;
    bool is_lasting; /* "3+" */
    int code;
} rules[RULES_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the rules and total */
static int rule_count;
static struct stat read_of;
static char folder[4096];
static const char *rules_path, *hits_path;
static int64_t total;

__attribute__((constructor)) static void begin(void)
{
    const char *wanted = getenv("DISKFAIL_FOLDER");
    (void)snprintf(folder, sizeof folder, "%s", wanted ? wanted : "");
    rules_path = wanted ? getenv("DISKFAIL_RULES") : NULL;
    hits_path = getenv("DISKFAIL_HITS");
}

static int code_of(const char *name)
{
    if (strcmp(name, "HANG") == 0)
        return HANG;
    return strcmp(name, "EIO") == 0 ? EIO : strcmp(name, "ENOSPC") == 0 ? ENOSPC : strcmp(name, "EROFS") == 0 ? EROFS : EINVAL;
}

/* With the lock. */
static void read_rules(void)
{
    struct stat st;
    if (!rules_path || stat(rules_path, &st) < 0)
        return;
    bool is_same = st.st_mtim.tv_sec == read_of.st_mtim.tv_sec && st.st_mtim.tv_nsec == read_of.st_mtim.tv_nsec &&
                   st.st_ino == read_of.st_ino && st.st_size == read_of.st_size; /* the kernel's clock ticks every 4 ms only */
    if (is_same)
        return;
    read_of = st;
    rule_count = 0;
    FILE *f = fopen(rules_path, "re");
    char line[200], number[32], code[16];
    while (f && rule_count < RULES_MAX && fgets(line, sizeof line, f)) {
        struct rule *r = &rules[rule_count];
        *r = (struct rule){ 0 };
        if (sscanf(line, "%15s %127s %31s %15s", r->what, r->pattern, number, code) != 4)
            continue;
        r->nth = strtoll(number, NULL, 10);
        r->is_lasting = strchr(number, '+') != NULL;
        r->code = code_of(code);
        line[strcspn(line, "\n")] = '\0';
        memcpy(r->line, line, sizeof r->line);
        rule_count++;
    }
    if (f)
        (void)fclose(f);
}

static void note_hit(const struct rule *r)
{
    int fd = hits_path ? open(hits_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    char line[256];
    int n = snprintf(line, sizeof line, "%s\n", r->line);
    if (REAL(write)(fd, line, (size_t)n) != n)
        abort();
    (void)close(fd);
}

/* The path below the folder ("." is the folder itself), or NULL. */
static const char *below(char *path)
{
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    return path[length] == '/' && path[length + 1] ? path + length + 1 : ".";
}

static const char *path_of(int fd, char *path, size_t size)
{
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, size - 1);
    if (n < 0)
        return NULL;
    path[n] = '\0';
    return below(path);
}

static const char *path_at(int at, const char *name, char *path, size_t size)
{
    char base[4096] = "";
    if (name[0] != '/') {
        char link[64] = "/proc/self/cwd";
        if (at != AT_FDCWD)
            (void)snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t n = readlink(link, base, sizeof base - 1);
        if (n < 0)
            return NULL;
        base[n] = '\0';
    }
    (void)snprintf(path, size, "%s%s%s", base, base[0] ? "/" : "", name);
    return below(path);
}

/* As a share whose server is away: until the rule is gone. */
static int hang(const char *what, const char *path)
{
    for (bool is_hanging = true; is_hanging;) {
        (void)usleep(20000);
        is_hanging = false;
        (void)pthread_mutex_lock(&lock);
        read_rules();
        for (int i = 0; i < rule_count; i++)
            is_hanging |= rules[i].code == HANG && strcmp(rules[i].what, what) == 0 && fnmatch(rules[i].pattern, path, 0) == 0;
        (void)pthread_mutex_unlock(&lock);
    }
    return 0;
}

/* The code a call must fail with; 0: let it through. */
static int strike(const char *what, const char *path)
{
    int code = 0;
    if (!rules_path || !path)
        return 0;
    (void)pthread_mutex_lock(&lock);
    read_rules();
    for (int i = 0; i < rule_count && !code; i++) {
        struct rule *r = &rules[i];
        if (strcmp(r->what, what) != 0 || fnmatch(r->pattern, path, 0) != 0)
            continue;
        r->seen++;
        if (r->seen == r->nth || (r->is_lasting && r->seen > r->nth)) {
            code = r->code;
            note_hit(r);
        }
    }
    (void)pthread_mutex_unlock(&lock);
    return code == HANG ? hang(what, path) : code;
}

/* --- quota ------------------------------------------------------------------------------------------------------- */

static int add_size(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    if (kind == FTW_F && strstr(path, "-shm") == NULL)
        total += st->st_size;
    return 0;
}

/* With the lock. */
static const struct rule *quota(void)
{
    read_rules();
    for (int i = 0; i < rule_count; i++)
        if (strcmp(rules[i].what, "quota") == 0)
            return &rules[i];
    return NULL;
}

static int64_t used(void)
{
    total = 0;
    (void)nftw(folder, add_size, 8, FTW_PHYS);
    return total;
}

/* The code with which growing a file to end bytes must fail; 0: there is room. */
static int strike_quota(int fd, int64_t end)
{
    struct stat st;
    int code = 0;
    char path[4200];
    if (!rules_path || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || end <= st.st_size || !path_of(fd, path, sizeof path))
        return 0;
    (void)pthread_mutex_lock(&lock);
    const struct rule *r = quota();
    if (r && used() + end - st.st_size > r->nth) {
        code = r->code;
        note_hit(r);
    }
    (void)pthread_mutex_unlock(&lock);
    return code;
}

static int fail_with(int code)
{
    errno = code;
    return -1;
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

static int strike_write(int fd, int64_t end)
{
    char path[4200];
    const char *p = rules_path ? path_of(fd, path, sizeof path) : NULL;
    int code = p ? strike("write", p) : 0;
    return code ? code : p ? strike_quota(fd, end) : 0;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    int64_t at = rules_path ? lseek(fd, 0, SEEK_CUR) : -1;
    int code = at >= 0 ? strike_write(fd, at + (int64_t)n) : 0;
    return code ? fail_with(code) : REAL(write)(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    int code = strike_write(fd, offset + (int64_t)n);
    return code ? fail_with(code) : REAL(pwrite)(fd, bytes, n, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
    int code = strike_write(fd, offset + (int64_t)n);
    return code ? fail_with(code) : REAL(pwrite64)(fd, bytes, n, offset);
}

static int strike_fd(const char *what, int fd)
{
    char path[4200];
    return rules_path ? strike(what, path_of(fd, path, sizeof path)) : 0;
}

int fsync(int fd)
{
    int code = strike_fd("sync", fd);
    return code ? fail_with(code) : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    int code = strike_fd("sync", fd);
    return code ? fail_with(code) : REAL(fdatasync)(fd);
}

int fallocate(int fd, int mode, off_t offset, off_t n)
{
    int code = strike_write(fd, offset + n);
    return code ? fail_with(code) : REAL(fallocate)(fd, mode, offset, n);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t n)
{
    int code = strike_write(fd, offset + n);
    return code ? fail_with(code) : REAL(fallocate64)(fd, mode, offset, n);
}

static int strike_open(int at, const char *name, int flags)
{
    char path[8400];
    const char *p = rules_path && (flags & (O_WRONLY | O_RDWR)) ? path_at(at, name, path, sizeof path) : NULL;
    int code = p ? strike("open", p) : 0;
    if (code || !p || !(flags & O_CREAT) || faccessat(at, name, F_OK, 0) == 0)
        return code;
    return strike("create", p);
}

static int open_at(int at, const char *name, int flags, va_list args)
{
    int code = strike_open(at, name, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    return code ? fail_with(code) : REAL(openat)(at, name, flags, mode);
}

#define OPEN(function, at, ...)                                                                                                \
    int function(__VA_ARGS__, int flags, ...)                                                                                  \
    {                                                                                                                          \
        va_list args;                                                                                                          \
        va_start(args, flags);                                                                                                 \
        int fd = open_at(at, name, flags, args);                                                                               \
        va_end(args);                                                                                                          \
        return fd;                                                                                                             \
    }
OPEN(open, AT_FDCWD, const char *name)
OPEN(open64, AT_FDCWD, const char *name)
OPEN(openat64, at, int at, const char *name)

int openat(int at, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int code = strike_open(at, name, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return code ? fail_with(code) : REAL(openat)(at, name, flags, mode);
}

int mkdirat(int at, const char *name, mode_t mode)
{
    char path[8400];
    int code = rules_path ? strike("mkdir", path_at(at, name, path, sizeof path)) : 0;
    return code ? fail_with(code) : REAL(mkdirat)(at, name, mode);
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

/* --- how much room there is -------------------------------------------------------------------------------------- */

static void show_quota(int fd, struct statvfs *fs)
{
    char path[4200];
    if (!rules_path || !path_of(fd, path, sizeof path))
        return;
    (void)pthread_mutex_lock(&lock);
    const struct rule *r = quota();
    if (r) {
        int64_t room = r->nth - used();
        fs->f_blocks = (fsblkcnt_t)r->nth / fs->f_frsize;
        fs->f_bavail = fs->f_bfree = room > 0 ? (fsblkcnt_t)room / fs->f_frsize : 0;
    }
    (void)pthread_mutex_unlock(&lock);
}

int fstatvfs(int fd, struct statvfs *fs)
{
    int result = REAL(fstatvfs)(fd, fs);
    if (result == 0)
        show_quota(fd, fs);
    return result;
}

int fstatvfs64(int fd, struct statvfs64 *fs)
{
    return fstatvfs(fd, (struct statvfs *)(void *)fs); /* the same on 64-bit systems */
}
