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
    int      nicer;
    uint64_t turn_ns; /* 0: as long as the system's, some milliseconds */
} turns[] = {
    [TURN_DEVICE] = { 0, 200 * 1000 },
    [TURN_READER] = { 5, 0 },
    [TURN_LATER] = { 10, 0 },
};

/* struct sched_attr of linux/sched/types.h, as it was first; newer C libraries have it, too, so that neither can be included. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t  nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static void shorten(uint64_t turn_ns)
{
    struct attributes a = { .size = sizeof a, .policy = SCHED_OTHER, .flags = NOT_OF_CHILDREN, .nice = getpriority(PRIO_PROCESS, 0), .runtime = turn_ns };
    (void)syscall(SYS_sched_setattr, 0, &a, 0);
}

void turn_take(enum turn turn)
{
    if (turns[turn].nicer > 0)
        (void)!nice(turns[turn].nicer); /* Linux: the calling thread's */
    if (turns[turn].turn_ns > 0)
        shorten(turns[turn].turn_ns);
}
