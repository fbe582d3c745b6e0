/* stallpoll: LD_PRELOAD that stops the relay's thread: while the file STALLPOLL_FILE exists, curl_multi_poll does not come back. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* As libcurl declares them; its header is not needed for names alone. */
int curl_multi_poll(void *multi, void *more, unsigned count, int wait_ms, int *ready_out);

int curl_multi_poll(void *multi, void *more, unsigned count, int wait_ms, int *ready_out)
{
    int (*real)(void *, void *, unsigned, int, int *) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "curl_multi_poll");
    const char *file = getenv("STALLPOLL_FILE");
    while (file && access(file, F_OK) == 0)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
    return real(multi, more, count, wait_ms, ready_out);
}
