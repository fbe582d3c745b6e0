/* reserve: two floors of free room. Below the first, a part of the file system, large arrivals are not taken any more. The second
 * is the reserve: blocks that are given up when the disk is full, so that small arrivals still find room, and their events and
 * verdicts with them. While it is given up, large arrivals hear ERR_FULL. */
#include "core/file.h"
#include "store/inside.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char name[] = "reserve";
enum { SPARE_BYTES = 16 << 20 }; /* what must be free beside the reserve before it is taken back, and above the floor */

bool store_is_full(const struct store *s)
{
    return atomic_load_explicit(&s->is_full, memory_order_relaxed);
}

bool store_is_low(const struct store *s)
{
    return atomic_load_explicit(&s->is_low, memory_order_relaxed);
}

static int64_t floor_of(const struct store *s, const struct statvfs *fs)
{
    int64_t part = (int64_t)fs->f_blocks / 100 * s->options.floor_percent * (int64_t)fs->f_frsize;
    return part > s->options.floor_bytes ? part : s->options.floor_bytes;
}

/* It ends a little above where it began, so that it does not come and go with each mail. */
void floor_look(struct store *s)
{
    struct statvfs fs;
    if (fstatvfs(s->folder_fd, &fs) < 0)
        return;
    int64_t room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize, floor = floor_of(s, &fs);
    atomic_store(&s->is_low, floor > 0 && room < floor + (store_is_low(s) ? SPARE_BYTES : 0));
}

int64_t floor_missing(const struct store *s)
{
    struct statvfs fs;
    if (fstatvfs(s->folder_fd, &fs) < 0)
        return 0;
    int64_t gap = floor_of(s, &fs) + SPARE_BYTES - (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    return gap > 0 ? gap : 0;
}

void reserve_give_up(struct store *s)
{
    if (atomic_exchange(&s->is_full, true))
        return;
    (void)unlinkat(s->folder_fd, name, 0);
    keeper_hurry(s->keeper);
}

static bool has_room(const struct store *s)
{
    struct statvfs fs;
    if (fstatvfs(s->folder_fd, &fs) < 0)
        return false;
    return (int64_t)fs.f_bavail * (int64_t)fs.f_frsize >= s->options.reserve_bytes + SPARE_BYTES;
}

static bool write_zeros(int fd, int64_t bytes)
{
    static const char zeros[64 * 1024];
    while (bytes > 0) {
        size_t n = bytes < (int64_t)sizeof zeros ? (size_t)bytes : sizeof zeros;
        if (file_write(fd, zeros, n) < 0)
            return false;
        bytes -= (int64_t)n;
    }
    return true;
}

static bool is_whole(const struct store *s, int fd)
{
    return lseek(fd, 0, SEEK_END) == (off_t)s->options.reserve_bytes;
}

/* Real blocks: where the file system has no fallocate they are written. */
static bool make(const struct store *s)
{
    int fd = openat(s->folder_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool made = is_whole(s, fd) || fallocate(fd, 0, 0, (off_t)s->options.reserve_bytes) == 0 ||
                (lseek(fd, 0, SEEK_SET) == 0 && write_zeros(fd, s->options.reserve_bytes));
    int why = errno;
    (void)close(fd);
    if (!made)
        (void)unlinkat(s->folder_fd, name, 0);
    errno = why;
    return made;
}

void reserve_take(struct store *s)
{
    if (store_is_full(s) && !has_room(s))
        return;
    errno = 0;
    bool made = make(s);
    if (made)
        atomic_store(&s->is_full, false);
    else if (errno == ENOSPC || errno == EDQUOT)
        atomic_store(&s->is_full, true);
}
