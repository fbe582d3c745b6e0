/* host: one system call, asked for its refusal. */
#include "service/host.h"
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef SYS_clock_gettime64
#define CLOCK_CALL SYS_clock_gettime64
#else
#define CLOCK_CALL SYS_clock_gettime
#endif

bool host_hides_the_clock(void)
{
    long long now[2]; /* the kernel's struct __kernel_timespec, 64 bits on every platform */
    return syscall(CLOCK_CALL, CLOCK_MONOTONIC, now) < 0 && errno == EPERM;
}
