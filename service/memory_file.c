/* memory_file: a memfd, written once. */
#include "service/memory_file.h"
#include "core/file.h"
#include <sys/mman.h>
#include <unistd.h>

int memory_file_open(const char *text, size_t n, int *fd_out, struct err *e)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "memfd: %m");
    if (file_write(fd, text, n) < 0) {
        (void)err_set(e, ERR_IO, "memfd: %m");
        (void)close(fd);
        return -1;
    }
    (void)lseek(fd, 0, SEEK_SET);
    *fd_out = fd;
    return 0;
}
