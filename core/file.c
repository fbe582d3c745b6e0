/* file: see file.h. */
#include "core/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

void file_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

int file_read(int fd, struct buf *out, struct err *e)
{
    char chunk[8192];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return err_set(e, ERR_IO, "read: %m");
        if (n > 0 && buf_add(out, chunk, (size_t)n, e) < 0)
            return -1;
    }
}

int file_write(int fd, const void *bytes, size_t n)
{
    for (const char *p = bytes; n > 0;) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno != EINTR)
            return -1;
        p += written > 0 ? written : 0;
        n -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int write_synced(const char *path, const void *bytes, size_t n, struct err *e)
{
    CLEANUP(file_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600) < 0)
        return err_set(e, ERR_IO, "%s: %m", path);
    if (file_write(fd, bytes, n) < 0 || fsync(fd) < 0)
        return err_set(e, ERR_IO, "write %s: %m", path);
    return 0;
}

int file_keep(const char *folder, const char *name, const void *bytes, size_t n, struct err *e)
{
    char path[PATH_BYTES], fresh[PATH_BYTES + 8];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    if (write_synced(fresh, bytes, n, e) < 0)
        return -1;
    CLEANUP(file_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rename(fresh, path) < 0 || fd < 0 || fsync(fd) < 0)
        return err_set(e, ERR_IO, "%s: %m", path);
    return 0;
}
