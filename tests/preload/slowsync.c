/* slowsync: LD_PRELOAD that makes a disk as slow as a memory card: every sync takes SLOWSYNC_MS milliseconds, one at a time
 * across all processes, as a card has one head to turn. It also counts them. SLOWSYNC_FILE names a file of 16 zero bytes that
 * all processes share: the count, then the lock. Without SLOWSYNC_MS syncs are only counted. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct shared {
    uint64_t count;
    uint32_t holder; /* thread id that syncs now; 0: none */
    uint32_t unused;
} *shared;
static int64_t slow_ms;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SLOWSYNC_FILE"), *ms = getenv("SLOWSYNC_MS");
    slow_ms = ms ? strtol(ms, NULL, 10) : 0;
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (map != MAP_FAILED)
        shared = map;
}

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A futex, looked at again every 50 ms: a process that was killed while it held the lock gives it up that way. */
static void lock(void)
{
    uint32_t me = (uint32_t)syscall(SYS_gettid), seen = 0;
    while (!__atomic_compare_exchange_n(&shared->holder, &seen, me, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        struct timespec wait = { .tv_nsec = 50000000 };
        (void)syscall(SYS_futex, &shared->holder, FUTEX_WAIT, seen, &wait, NULL, 0);
        uint32_t dead = seen;
        if (kill((pid_t)seen, 0) != 0 && errno == ESRCH)
            (void)__atomic_compare_exchange_n(&shared->holder, &dead, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
        seen = 0;
    }
}

static void unlock(void)
{
    __atomic_store_n(&shared->holder, 0, __ATOMIC_RELEASE);
    (void)syscall(SYS_futex, &shared->holder, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int slow_sync(const char *name, int fd)
{
    int (*real)(int) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, name);
    if (!shared)
        return real(fd);
    (void)__atomic_add_fetch(&shared->count, 1, __ATOMIC_RELAXED);
    if (slow_ms <= 0)
        return real(fd);
    lock();
    int64_t end = now_us() + slow_ms * 1000;
    int     result = real(fd), saved = errno;
    for (int64_t left = end - now_us(); left > 0; left = end - now_us()) {
        struct timespec wait = { .tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000 };
        (void)nanosleep(&wait, NULL);
    }
    unlock();
    errno = saved;
    return result;
}

int fsync(int fd)
{
    return slow_sync("fsync", fd);
}

int fdatasync(int fd)
{
    return slow_sync("fdatasync", fd);
}

int syncfs(int fd)
{
    return slow_sync("syncfs", fd);
}
