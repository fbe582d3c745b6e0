/* verdict: laws 4 and 5 of the journey. */
#include "service/verdict.h"
#include "service/lane.h"

static struct decision again(const struct outcome *o, enum severity s, int attempts, bool maybe_twice, uint32_t chance)
{
    return (struct decision){
        .state = MESSAGE_WAITING,
        .maybe_twice = maybe_twice,
        .wait_ms = lane_backoff_ms(attempts, s, o->wait_ms, chance),
        .shuts_lane = o->wait_ms > 0,
    };
}

static struct decision rejected(const struct outcome *o, bool maybe_twice)
{
    if (o->fault != FAULT_ACCOUNT && o->fault != FAULT_ADDRESS)
        return (struct decision){ .state = MESSAGE_FAILED, .maybe_twice = maybe_twice };
    return (struct decision){
        .state = MESSAGE_WAITING,
        .maybe_twice = maybe_twice,
        .wait_ms = ACCOUNT_PROBE_MS,
        .is_next_way_now = true,
        .shuts_lane = true,
        .shuts_account = o->fault == FAULT_ACCOUNT,
    };
}

/* Once more, marked, unless the account says never; where a repeated request does no harm, like any other retry. */
static struct decision unknown(const struct account *a, const struct outcome *o, enum severity s, int attempts, bool maybe_twice,
                               uint32_t chance)
{
    if (a->provider->is_idempotent)
        return again(o, s, attempts, maybe_twice, chance);
    if (maybe_twice || !a->is_resent_when_unknown)
        return (struct decision){ .state = MESSAGE_UNKNOWN, .maybe_twice = maybe_twice };
    return again(o, s, attempts, true, chance);
}

struct decision verdict_decide(const struct account *a, const struct outcome *o, enum severity s, int attempts, bool maybe_twice,
                               uint32_t chance)
{
    switch (o->verdict) {
    case VERDICT_SENT:
        return (struct decision){ .state = MESSAGE_SENT, .maybe_twice = maybe_twice };
    case VERDICT_RETRY:
        return again(o, s, attempts, maybe_twice, chance);
    case VERDICT_REJECTED:
        return rejected(o, maybe_twice);
    case VERDICT_UNKNOWN:
        break;
    }
    return unknown(a, o, s, attempts, maybe_twice, chance);
}
