/* verdict: what a verdict means for the message: again, marked, given up, through another account. All policy of law 5 is here; pure. */
#pragma once
#include "providers/provider.h"
#include "store/outbox.h"

enum { ACCOUNT_PROBE_MS = 5 * 60 * 1000 }; /* how often an account that refuses us is tried */

struct decision {
    enum message_state state; /* SENT, FAILED, UNKNOWN or WAITING */
    bool               maybe_twice;
    int64_t            wait_ms;         /* WAITING: before the next attempt                               */
    bool               is_next_way_now; /* its deliveries try the recipient's next way at once            */
    bool               shuts_account;   /* it refuses us whatever we send                                 */
    bool               shuts_lane;      /* the server asked for quiet for wait_ms                         */
};
/* attempts: made so far, with this one. chance: any 32 bits, for the jitter. */
struct decision verdict_decide(const struct account *a, const struct outcome *o, enum severity s, int attempts, bool maybe_twice,
                               uint32_t chance);
