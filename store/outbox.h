/* outbox: the debt on disk: deliveries, their legs, and the messages that pay them. What is written here is decided in
 * service/relay.c; only what must be one with the transaction (the next way of a recipient, the end of a delivery) is done here.
 *
 *   delivery   one event owed to one recipient
 *   leg        that debt on its way through one account:address of the recipient; several may be open at a time
 *   message    one request: it takes the waiting legs of one account:address; they are its members for good */
#pragma once
#include "store/store.h"

enum delivery_state { DELIVERY_WAITING, DELIVERY_SENDING, DELIVERY_SENT, DELIVERY_UNKNOWN, DELIVERY_FAILED };
const char *delivery_state_name(enum delivery_state s); /* "waiting" "sending" "sent" "unknown" "failed" */

enum leg_state {
    LEG_WAITING,   /* for a message of its account:address  */
    LEG_TAKEN,     /* member of an open message             */
    LEG_SENT, LEG_UNKNOWN, LEG_FAILED,
    LEG_WITHDRAWN, /* another leg was quicker               */
};
enum message_state {
    MESSAGE_SENDING, /* an attempt is committed: its request may have left */
    MESSAGE_WAITING, /* for its next attempt, at due_run_ms                */
    MESSAGE_SENT, MESSAGE_UNKNOWN, MESSAGE_FAILED,
    MESSAGE_WITHDRAWN, /* nobody is owed it any more */
};
