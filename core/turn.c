/* turn: niceness is the share of the processor; how long a thread waits for it is another thing: since 6.12 Linux lets a thread that
 * asks for short turns (sched_setattr(2), sched_runtime) interrupt others. Older ones pass that over. */
#include "core/turn.h"
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOT_OF_CHILDREN = 1 /* SCHED_FLAG_RESET_ON_FORK */ };

static const struct {
    int      nicer, flags;
    uint64_t turn_ns; /* the system's own are of 1 to 3 ms: also for what the kernel does to sync a file */
} turns[] = {
    [TURN_DEVICE] = { 0, NOT_OF_CHILDREN, 200 * 1000 },
    [TURN_TELLER] = { 3, 0, 5 * 1000 * 1000 },
    [TURN_READER] = { 8, 0, 20 * 1000 * 1000 },
    [TURN_LATER] = { 15, 0, 50 * 1000 * 1000 },
};

/* struct sched_attr of linux/sched/types.h, as it was first; newer C libraries have it, too, so that neither can be included. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t  nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

void turn_take(enum turn turn)
{
    struct attributes a = { .size = sizeof a, .policy = SCHED_OTHER, .flags = (uint64_t)turns[turn].flags, .runtime = turns[turn].turn_ns };
    a.nice = nice(turns[turn].nicer); /* Linux: the calling thread's */
    (void)syscall(SYS_sched_setattr, 0, &a, 0);
}
