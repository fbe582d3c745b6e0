/* copies: see copies.h. */
#include "store/copies.h"
#include "core/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, PATH_BYTES = 512, DEPTH_MAX = 8 };

static int open_old(int at, const char *name, struct err *e)
{
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "open %s: %m", name);
}

static int fail(const char *what, const char *name, struct err *e)
{
    return err_set(e, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO, "%s %s: %m", what, name);
}

/* 0, -1 the reading failed, -2 the writing. */
static int pump(int from, int to, struct sha256 *h, char *piece, int64_t *bytes_out)
{
    ssize_t n;
    *bytes_out = 0;
    while ((n = read(from, piece, PIECE)) > 0) {
        sha256_add(h, piece, (size_t)n);
        if (file_write(to, piece, (size_t)n) < 0)
            return -2;
        *bytes_out += n;
    }
    return n < 0 ? -1 : 0;
}

static int copy_bytes(int from, int to, const char *name, struct copied *out, struct err *e)
{
    CLEANUP(sha256_free) struct sha256 *h = sha256_new();
    char *piece = h ? malloc(PIECE) : NULL;
    if (!piece)
        return err_set(e, ERR_NOMEM, "out of memory");
    int result = pump(from, to, h, piece, &out->bytes);
    free(piece);
    if (result < 0)
        return fail(result == -1 ? "read" : "write", name, e);
    return sha256_end(h, out->hash) < 0 ? err_set(e, ERR_IO, "SHA-256 of %s failed", name) : 0;
}

static int make_partial(int to, const char *name, char partial[PATH_BYTES], struct err *e)
{
    if (snprintf(partial, PATH_BYTES, "%s.partial", name) >= PATH_BYTES)
        return err_set(e, ERR_INPUT, "the name is too long: %.60s…", name);
    int fd = openat(to, partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd >= 0 ? fd : fail("create", partial, e);
}

static int finish(int to, int fd, const char *partial, const char *name, struct err *e)
{
    if (fsync(fd) < 0)
        return fail("sync", name, e);
    return renameat(to, partial, to, name) < 0 ? fail("rename", partial, e) : 0;
}

int copies_file(int from, int to, const char *name, struct copied *out, struct err *e)
{
    char partial[PATH_BYTES];
    CLEANUP(file_close) int in = open_old(from, name, e);
    if (in < 0)
        return -1;
    CLEANUP(file_close) int fd = make_partial(to, name, partial, e);
    if (fd < 0)
        return -1;
    if (copy_bytes(in, fd, name, out, e) < 0 || finish(to, fd, partial, name, e) < 0) {
        (void)unlinkat(to, partial, 0);
        return -1;
    }
    return 0;
}

static int look_through(int fd, const char *name, struct copied *out, struct err *e)
{
    CLEANUP(sha256_free) struct sha256 *h = sha256_new();
    char   *piece = malloc(PIECE);
    ssize_t n = -1;
    if (!piece)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (out->bytes = 0; (n = read(fd, piece, PIECE)) > 0; out->bytes += n)
        sha256_add(h, piece, (size_t)n);
    free(piece);
    if (n < 0)
        return fail("read", name, e);
    return sha256_end(h, out->hash) < 0 ? err_set(e, ERR_IO, "SHA-256 of %s failed", name) : 0;
}

int copies_look(int at, const char *name, struct copied *out, struct err *e)
{
    CLEANUP(file_close) int fd = open_old(at, name, e);
    if (fd < 0)
        return -1;
    return look_through(fd, name, out, e);
}

int copies_write(int to, const char *name, const void *bytes, size_t n, struct err *e)
{
    char partial[PATH_BYTES];
    CLEANUP(file_close) int fd = make_partial(to, name, partial, e);
    if (fd < 0)
        return -1;
    if (file_write(fd, bytes, n) < 0)
        return fail("write", name, e);
    return finish(to, fd, partial, name, e);
}

int copies_make_folders(int at, const char *name, struct err *e)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s", name) >= (int)sizeof path)
        return err_set(e, ERR_INPUT, "the name is too long: %.60s…", name);
    for (char *end = strchr(path, '/'); end; end = strchr(end + 1, '/')) {
        *end = '\0';
        if (mkdirat(at, path, 0700) < 0 && errno != EEXIST)
            return fail("make folder", path, e);
        *end = '/';
    }
    return 0;
}

int copies_sync(int at, struct err *e)
{
    return syncfs(at) < 0 ? err_set(e, ERR_IO, "sync: %m") : 0;
}

/* --- walking --------------------------------------------------------------------------------------------------- */

static void dir_close(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static int walk(int at, const char *name, int depth, int (*visit)(void *user, const char *path, struct err *e), void *user, struct err *e)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    CLEANUP(dir_close) DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return errno == ENOENT ? 0 : fail("open folder", name, e);
    for (const struct dirent *entry; (entry = readdir(d));) {
        char        path[PATH_BYTES];
        struct stat st;
        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s%s%s", strcmp(name, ".") == 0 ? "" : name, strcmp(name, ".") == 0 ? "" : "/", entry->d_name) >= (int)sizeof path ||
            fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        int result = 0;
        if (S_ISREG(st.st_mode))
            result = visit(user, path, e);
        else if (S_ISDIR(st.st_mode) && depth > 0)
            result = walk(at, path, depth - 1, visit, user, e);
        if (result != 0)
            return result;
    }
    return 0;
}

int copies_walk(int at, const char *name, int (*visit)(void *user, const char *path, struct err *e), void *user, struct err *e)
{
    return walk(at, name, strcmp(name, ".") == 0 ? 0 : DEPTH_MAX, visit, user, e);
}
