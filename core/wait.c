/* wait: pthread_cond_clockwait with a time that can be counted with. */
#include "core/wait.h"
#include "core/clock.h"
#include <time.h>

int64_t wait_deadline_us(int64_t in_ms)
{
    return clock_steady_us() + in_ms * 1000;
}

bool wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t steady_us)
{
    struct timespec until = { .tv_sec = (time_t)(steady_us / 1000000), .tv_nsec = (long)(steady_us % 1000000) * 1000 };
    return pthread_cond_clockwait(changed, lock, CLOCK_MONOTONIC, &until) == 0;
}
