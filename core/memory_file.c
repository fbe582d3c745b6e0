/* memory_file: a memfd, written once. */
#include "core/memory_file.h"
#include "core/file.h"
#include <sys/mman.h>
#include <unistd.h>

int memory_file_open(const void *bytes, size_t n, int *fd_out, struct err *e)
{
    int fd = memfd_create("postern", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "memfd: %m");
    if (file_write(fd, bytes, n) < 0) {
        (void)err_set(e, ERR_IO, "memfd: %m");
        (void)close(fd);
        return -1;
    }
    (void)lseek(fd, 0, SEEK_SET);
    *fd_out = fd;
    return 0;
}
