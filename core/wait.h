/* wait: for another thread, but not for ever. By the steady clock (core/clock.h): neither a step of the wall clock nor a test ends such a
 * wait early or prolongs it. Any condition variable will do: it is told the clock at each wait. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* That time from now, for wait_until; a wait that is to last over several of them takes it once, before the first. */
int64_t wait_deadline_us(int64_t in_ms);
/* As pthread_cond_wait (with the lock; it may return for nothing), false: the time is over. */
bool wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t steady_us);
