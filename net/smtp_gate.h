/* smtp_gate: what keeps a mail out that its session would take: too many of them under way, too many in a minute from one
 * address, too little room on the disk. Each with the setting that would allow it. Loop's thread. */
#pragma once
#include "net/intake.h"
#include "net/rates.h"
#include "net/smtp_session.h"
#include "store/store.h"

struct smtp_gate_limits {
    size_t mails;             /* on their way to the disk, all addresses together; more: 421. 0: no limit */
    size_t bytes;             /* of those in memory; more: 421. 0: no limit                         */
    int64_t mails_per_minute; /* from one address; more: 450. 0: no limit                           */
};

struct smtp_gate {
    struct store *store;
    struct intakes *intakes;
    struct smtp_gate_limits limits;
    struct rates rates;
};

/* At MAIL. is_limited: not an alarm panel's address. NULL: welcome. */
const struct smtp_refusal *smtp_gate_ask(struct smtp_gate *g, const unsigned char address[16], bool is_limited, uint64_t size);
/* While a mail is read: so many bytes of it are here. NULL: go on. */
const struct smtp_refusal *smtp_gate_watch(const struct smtp_gate *g, int64_t bytes);
