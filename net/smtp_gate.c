/* smtp_gate: see smtp_gate.h. */
#include "net/smtp_gate.h"
#include "core/clock.h"

enum reason { TOO_MANY, TOO_MUCH, TOO_OFTEN, LOW, FULL };

static const struct smtp_refusal refusals[] = {
    [TOO_MANY] = { "421 4.3.2 too many mails are under way, try again", "Smtp:MaxMailsInFlight", "overload", true },
    [TOO_MUCH] = { "421 4.3.2 too much mail waits for the disk, try again", "Smtp:MaxMemory", "overload", true },
    [TOO_OFTEN] = { "450 4.7.1 too many mails in a minute, try again", "Smtp:MailsPerMinute", "rate", true },
    [LOW] = { "452 4.3.1 the disk is nearly full, only small messages are kept", "Store:Floor", "storage", true },
    [FULL] = { "452 4.3.1 the disk is full, only small messages are kept", "Store:MaxBytes", "storage", true },
};

const struct smtp_refusal *smtp_gate_watch(const struct smtp_gate *g, int64_t bytes)
{
    if (bytes <= store_small_max(g->store))
        return NULL;
    if (store_is_full(g->store))
        return &refusals[FULL];
    return store_is_low(g->store) ? &refusals[LOW] : NULL;
}

const struct smtp_refusal *smtp_gate_ask(struct smtp_gate *g, const unsigned char address[16], bool is_limited, uint64_t size)
{
    const struct smtp_gate_limits *l = &g->limits;
    size_t most = is_limited ? 1 : 2; /* an alarm panel still finds room where cameras do not */
    if (l->mails > 0 && intakes_count(g->intakes) / most >= l->mails)
        return &refusals[TOO_MANY];
    if (l->bytes > 0 && intakes_bytes(g->intakes) / most >= l->bytes)
        return &refusals[TOO_MUCH];
    const struct smtp_refusal *no_room = smtp_gate_watch(g, size < INT64_MAX ? (int64_t)size : INT64_MAX);
    if (no_room)
        return no_room;
    if (l->mails_per_minute > 0 && is_limited && !rates_take(&g->rates, address, l->mails_per_minute, clock_mono_ms()))
        return &refusals[TOO_OFTEN];
    return NULL;
}
