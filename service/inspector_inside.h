/* inspector_inside: what the inspector's four files share; nobody else includes it.
 *   inspector.c          the two lanes and their life
 *   inspector_read.c     one arrival: ask, count failures, give up
 *   inspector_promise.c  the 10 s promise
 *   inspector_hand.c     waiting, waking, and handing over to the relay */
#pragma once
#include "service/inspect_process.h"
#include "service/inspector.h"
#include <pthread.h>
#include <stdatomic.h>

enum {
    BATCH = 32,
    BATCH_ARENA = 16 * 1024 * 1024,
    IN_FLIGHT_MAX = 512, /* understandings that the relay holds */
    MARKS = 64,
    RULES_TOLD_MAX = 100, /* names of rules; the helper could make up any */
};

/* At that time, that was the last arrival. */
struct mark {
    int64_t mono_ms, seq;
};

struct lane {
    struct inspector      *in;
    const char            *name;
    bool                   is_quick, is_started;
    pthread_cond_t         woken; /* with the inspector's lock */
    uint64_t               wakes;
    pthread_t              thread;
    struct inspect_process process;
    struct store_reader   *reader;
    int64_t                after;                /* cursor                                    */
    int64_t                pause_until, pause_ms; /* not before that (mono): store or program  */
    bool                   is_sick;              /* its process cannot be started              */
    int64_t                idle_since;
};

struct inspector {
    struct store            *store;
    struct relay            *relay;
    struct inspector_options options;
    struct lane              quick, slow;

    /* Only quick's thread. */
    struct mark marks[MARKS]; /* a ring, oldest at `oldest` */
    int         oldest, mark_count;
    int64_t     promised;     /* all up to here are told or understood */

    atomic_int     sick_lanes;
    atomic_bool    is_stopping;
    atomic_int_fast64_t slow_seq; /* with the relay, of slow; 0: none */

    pthread_mutex_t lock; /* guards the rest */
    int             quick_flying, slow_flying, told_flying; /* with the relay, not yet committed */
    int64_t         rewind_to; /* the lowest of quick's that could not be committed; 0: none */
    bool            has_slow_failed; /* slow's could not */
    char           *rules_told[RULES_TOLD_MAX]; /* of whose trouble the owner knows */
    size_t          rules_told_count;
};

/* --- inspector_hand.c ----------------------------------------------------------------------------------------- */

void     lane_wake(struct lane *l);
uint64_t lane_wakes(struct lane *l); /* so far */
/* Until somebody woke it since `seen`, at most wait_ms. */
void lane_wait(struct lane *l, uint64_t seen, int64_t wait_ms);
int  inspector_flying(struct inspector *in, const int *count);
/* The next try not before a pause that doubles; a success ends it. */
void lane_pause(struct lane *l);

/* Who sent what when, still without events; NULL when memory ran out. */
struct understanding *understanding_of(const struct arrival_row *row);
/* The event of a mail that nobody could read: who sent it is all we know. NULL when memory ran out. */
struct understanding *understanding_unreadable(const struct inspector *in, const struct arrival_row *row);
/* To the relay; count goes down again when it is committed. */
void inspector_hand_over(struct inspector *in, struct understanding *u, enum arrival_state state, int *count);

/* A rule of the owner's was given up on: told once. */
void inspector_tell_rule(struct inspector *in, const char *rule);

/* --- inspector_promise.c (quick's thread) --------------------------------------------------------------------- */

void inspector_keep_promise(struct inspector *in);
/* How long quick may sleep without breaking it. */
int64_t inspector_promise_wait_ms(const struct inspector *in);

/* --- inspector_read.c ----------------------------------------------------------------------------------------- */

enum ending {
    DONE,    /* handed to the relay, or its failure is committed */
    NOT_NOW, /* not the arrival's fault: later                   */
};
/* Reads them in order, the cursor follows; how many are done. */
int lane_read(struct lane *l, const struct arrival_row *rows, int n);
int         lane_ensure_process(struct lane *l); /* -1: it cannot be started; the lane pauses */
