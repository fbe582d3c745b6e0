/* lane: what one account:address does next. No clock, no curl, no disk: service/relay.c asks and obeys.
 *
 * At most one commit or request at a time. Of each severity at most one message is open (between its attempts); what else is
 * owed waits on disk as legs and is folded by the next message. So a waiting alarm never sits behind the back-off of an info. */
#pragma once
#include "core/kind.h"
#include "service/bucket.h"

enum { SEVERITIES = 3 };
#define LANE_NEVER INT64_MAX

struct lane {
    struct bucket bucket;
    bool          is_busy;                /* a commit or a request is under way                       */
    bool          is_waiting[SEVERITIES]; /* legs may wait on disk                                    */
    int64_t       due_ms[SEVERITIES];     /* next attempt of the open message; LANE_NEVER: none is open */
    int64_t       shut_until_ms;          /* the far side asked for quiet, or refuses the account     */
};
struct lane lane_make(double rate_per_minute, int burst, int64_t now_ms);

enum lane_step {
    LANE_REST,  /* nothing before *wake_ms_out                          */
    LANE_AGAIN, /* the open message of *severity_out has its next attempt */
    LANE_NEW,   /* a new message of the legs of *severity_out           */
};
/* Most severe first; an open message that is due goes before what waits behind it. Takes no token. */
enum lane_step lane_choose(struct lane *l, int64_t now_ms, enum severity *severity_out, int64_t *wake_ms_out);
/* Whether a new event of this severity may go out at once, before all that waits. */
bool lane_is_free(struct lane *l, enum severity s, int64_t now_ms);

/* Before the next attempt after `attempts` that were not accepted: 5 s·2^n up to 5 min (alarms 1 min), with jitter from
 * `chance` (any 32 bits), never before the server's own wish (wait_ms, -1 = none; believed up to an hour). */
int64_t lane_backoff_ms(int attempts, enum severity s, int64_t wait_ms, uint32_t chance);
