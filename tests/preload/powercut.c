/* powercut: LD_PRELOAD that remembers what would survive a power cut. No sync reaches the disk: what it covers is copied into a
 * shadow instead, so that after a kill -9 powercut.py can put the folder back as the disk would have it.
 *
 *   POWERCUT_FOLDER   the data folder (real path)
 *   POWERCUT_SHADOW   a folder: "log", and one file per inode, named by its number, with the bytes its last sync covered
 *   POWERCUT_SWALLOW  file | folder | parent | root | wal | database: syncs of this kind say yes and keep nothing
 *
 * The log has one record per line: "inode <ino> <number>" (from here on this inode has this number; 0: forgotten) and
 * "folder <number>[\t<name>\t<number>]…" (the names that a folder's last sync covered). powercut.py writes the first records. */
#undef _FILE_OFFSET_BITS /* pwrite and pwrite64 are two names here */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INODES_MAX = 65536, PAGE = 4096 };

#define REAL(name)                                                                                                             \
    __extension__({                                                                                                            \
        static __typeof__(&name) real;                                                                                         \
        if (!real)                                                                                                             \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                         \
        real;                                                                                                                  \
    })

static struct inode {
    uint64_t ino;
    unsigned number;      /* 0: not below the folder, or forgotten */
    unsigned char *dirty; /* one per page                          */
    size_t pages;
} inodes[INODES_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all of this */
static size_t inode_count;
static unsigned last_number;
static char folder[4096];
static const char *shadow, *swallowed;
static int log_fd = -1;
static dev_t device;

static struct inode *find(uint64_t ino)
{
    for (size_t i = inode_count; i > 0; i--)
        if (inodes[i - 1].ino == ino)
            return &inodes[i - 1];
    return NULL;
}

static struct inode *add(uint64_t ino, unsigned number)
{
    struct inode *found = find(ino);
    if (!found) {
        if (inode_count == INODES_MAX)
            abort();
        found = &inodes[inode_count++];
    }
    free(found->dirty);
    *found = (struct inode){ .ino = ino, .number = number };
    if (number > last_number)
        last_number = number;
    return found;
}

static void record(const char *line, size_t n)
{
    if (REAL(write)(log_fd, line, n) != (ssize_t)n)
        abort();
}

static struct inode *number_it(uint64_t ino)
{
    char line[64];
    struct inode *added = add(ino, last_number + 1);
    int n = snprintf(line, sizeof line, "inode %llu %u\n", (unsigned long long)ino, added->number);
    record(line, (size_t)n);
    return added;
}

__attribute__((constructor)) static void begin(void)
{
    char path[4200], line[512];
    const char *wanted = getenv("POWERCUT_FOLDER");
    struct stat st;
    shadow = getenv("POWERCUT_SHADOW");
    swallowed = getenv("POWERCUT_SWALLOW");
    if (!wanted || !shadow || stat(wanted, &st) < 0)
        return;
    device = st.st_dev;
    (void)snprintf(folder, sizeof folder, "%s", wanted);
    (void)snprintf(path, sizeof path, "%s/log", shadow);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long ino;
        unsigned number;
        if (sscanf(line, "inode %llu %u", &ino, &number) == 2)
            (void)add(ino, number);
    }
    if (f)
        (void)fclose(f);
    log_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

/* The path below the folder ("" is the folder itself), or NULL. */
static const char *path_below(int fd, char *path, size_t size)
{
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, size - 1);
    if (n < 0)
        return NULL;
    path[n] = '\0';
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    return path + length + (path[length] == '/');
}

/* With the lock. The inode of a descriptor that is of interest, or NULL. */
static struct inode *inode_of(int fd, struct stat *st)
{
    if (log_fd < 0 || fstat(fd, st) < 0 || st->st_dev != device || !(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
        return NULL;
    struct inode *known = find(st->st_ino);
    if (known && known->number)
        return known;
    char path[4200];
    return path_below(fd, path, sizeof path) ? number_it(st->st_ino) : NULL;
}

/* --- writes ------------------------------------------------------------------------------------------------------ */

static void mark(int fd, int64_t offset, int64_t n)
{
    struct stat st;
    int saved = errno;
    (void)pthread_mutex_lock(&lock);
    struct inode *f = inode_of(fd, &st);
    if (f && n > 0) {
        size_t last = (size_t)((offset + n - 1) / PAGE);
        if (last >= f->pages) {
            size_t pages = last * 2 + 16;
            unsigned char *grown = realloc(f->dirty, pages);
            if (!grown)
                abort();
            memset(grown + f->pages, 0, pages - f->pages);
            f->dirty = grown;
            f->pages = pages;
        }
        for (size_t page = (size_t)(offset / PAGE); page <= last; page++)
            f->dirty[page] = 1;
    }
    (void)pthread_mutex_unlock(&lock);
    errno = saved;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    ssize_t written = REAL(write)(fd, bytes, n);
    off_t end = log_fd < 0 || written <= 0 ? -1 : lseek(fd, 0, SEEK_CUR);
    if (end >= 0)
        mark(fd, end - written, written);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    ssize_t written = REAL(pwrite)(fd, bytes, n, offset);
    mark(fd, offset, written);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
    ssize_t written = REAL(pwrite64)(fd, bytes, n, offset);
    mark(fd, offset, written);
    return written;
}

/* --- syncs ------------------------------------------------------------------------------------------------------- */

static const char *kind_of(const char *below, const struct stat *st)
{
    size_t n = strlen(below);
    if (S_ISDIR(st->st_mode))
        return n == 0 ? "root" : n == strlen("arrivals/2026/11/21") ? "folder" : "parent";
    if (n > 4 && strcmp(below + n - 4, "-wal") == 0)
        return "wal";
    return strcmp(below, "postern.db") == 0 ? "database" : "file";
}

/* The pages written since the last sync, as they are now, and the size. */
static int copy_pages(int fd, struct inode *f, const struct stat *st)
{
    char path[4200], page[PAGE];
    (void)snprintf(path, sizeof path, "%s/%u", shadow, f->number);
    int out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    /* fd may be write-only */
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int in = open(link, O_RDONLY | O_CLOEXEC);
    if (out < 0 || in < 0)
        abort();
    for (size_t i = 0; i < f->pages; i++) {
        if (!f->dirty[i])
            continue;
        ssize_t n = pread(in, page, sizeof page, (off_t)(i * PAGE));
        if (n > 0 && REAL(pwrite)(out, page, (size_t)n, (off_t)(i * PAGE)) != n)
            abort();
        f->dirty[i] = 0;
    }
    if (ftruncate(out, st->st_size) < 0)
        abort();
    (void)close(in);
    (void)close(out);
    return 0;
}

static int copy_names(int fd, const struct inode *f)
{
    static char line[1 << 20]; /* with the lock */
    size_t n = (size_t)snprintf(line, sizeof line, "folder %u", f->number);
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    if (!d)
        abort();
    for (const struct dirent *entry; (entry = readdir(d));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const struct inode *child = find(entry->d_ino);
        if (!child || !child->number)
            child = number_it(entry->d_ino);
        n += (size_t)snprintf(line + n, sizeof line - n, "\t%s\t%u", entry->d_name, child->number);
        if (n + 300 > sizeof line)
            abort();
    }
    (void)closedir(d);
    line[n++] = '\n';
    record(line, n);
    return 0;
}

static int keep(int fd)
{
    struct stat st;
    char path[4200];
    int result = -1;
    (void)pthread_mutex_lock(&lock);
    struct inode *f = inode_of(fd, &st);
    const char *below = f ? path_below(fd, path, sizeof path) : NULL;
    if (below)
        result = swallowed && strcmp(kind_of(below, &st), swallowed) == 0 ? 0
                 : S_ISDIR(st.st_mode)                                    ? copy_names(fd, f)
                                                                          : copy_pages(fd, f, &st);
    (void)pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd)
{
    return keep(fd) == 0 ? 0 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    return keep(fd) == 0 ? 0 : REAL(fdatasync)(fd);
}

/* --- names that go: the inode may come back as another file -------------------------------------------------------- */

static uint64_t ino_at(int at, const char *path)
{
    struct stat st;
    return log_fd >= 0 && fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == device && st.st_nlink <= 2
               ? st.st_ino
               : 0;
}

static void forget(uint64_t ino)
{
    char line[64];
    (void)pthread_mutex_lock(&lock);
    struct inode *f = find(ino);
    if (f && f->number) {
        f->number = 0;
        free(f->dirty);
        f->dirty = NULL;
        f->pages = 0;
        int n = snprintf(line, sizeof line, "inode %llu 0\n", (unsigned long long)ino);
        record(line, (size_t)n);
    }
    (void)pthread_mutex_unlock(&lock);
}

int unlinkat(int at, const char *path, int flags)
{
    uint64_t ino = ino_at(at, path);
    if (ino)
        forget(ino); /* before it goes: another thread's new file may have the inode the moment after */
    return REAL(unlinkat)(at, path, flags);
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}
