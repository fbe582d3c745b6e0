/* memory_file: a memfd, written once. */
#include "service/memory_file.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int memory_file_open(const char *text, size_t n, int *fd_out, struct err *e)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "memfd: %m");
    for (size_t done = 0; done < n;) {
        ssize_t written = write(fd, text + done, n - done);
        if (written < 0 && errno != EINTR) {
            (void)err_set(e, ERR_IO, "memfd: %m");
            (void)close(fd);
            return -1;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    (void)lseek(fd, 0, SEEK_SET);
    *fd_out = fd;
    return 0;
}
