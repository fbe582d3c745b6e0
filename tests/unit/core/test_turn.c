/* test_turn: a thread's turn is its own; what it starts inherits nothing but the niceness. */
#include "core/turn.h"
#include "testing.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct attributes { /* as sched_getattr(2) has them */
    uint32_t size, policy;
    uint64_t flags;
    int32_t  nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static uint64_t turn_ns(void)
{
    struct attributes a = { 0 };
    return syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) == 0 ? a.runtime : 0;
}

struct seen {
    enum turn turn;
    int       nice, nice_of_child;
    uint64_t  ns, ns_of_child;
};

static void *look(void *user)
{
    struct seen *s = user;
    s->nice_of_child = getpriority(PRIO_PROCESS, 0);
    s->ns_of_child = turn_ns();
    return NULL;
}

static void *take(void *user)
{
    struct seen *s = user;
    pthread_t    child;
    turn_take(s->turn);
    s->nice = getpriority(PRIO_PROCESS, 0);
    s->ns = turn_ns();
    if (pthread_create(&child, NULL, look, s) == 0)
        (void)pthread_join(child, NULL);
    return NULL;
}

static struct seen turn_of(enum turn turn)
{
    struct seen s = { .turn = turn };
    pthread_t   thread;
    assert_int_equal(pthread_create(&thread, NULL, take, &s), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return s;
}

static void test_who_may_wait_is_nicer_than_who_started_it_and_so_are_its_own(void **state)
{
    (void)state;
    int         ours = getpriority(PRIO_PROCESS, 0);
    struct seen reader = turn_of(TURN_READER), later = turn_of(TURN_LATER);
    assert_true(reader.nice > ours && later.nice > reader.nice);
    assert_int_equal(reader.nice_of_child, reader.nice);
    assert_int_equal(later.nice_of_child, later.nice);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), ours);
}

static void test_who_answers_devices_has_short_turns_where_the_kernel_has_them(void **state)
{
    (void)state;
    struct seen device = turn_of(TURN_DEVICE);
    assert_int_equal(device.nice, getpriority(PRIO_PROCESS, 0));
    assert_true(device.ns == 200000 || device.ns == turn_ns()); /* a kernel before 6.12 */
    assert_int_equal(device.ns_of_child, turn_ns());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_wait_is_nicer_than_who_started_it_and_so_are_its_own),
        cmocka_unit_test(test_who_answers_devices_has_short_turns_where_the_kernel_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
