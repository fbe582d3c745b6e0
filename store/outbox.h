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

enum {
    OUTBOX_MEMBERS_MAX = 50, /* deliveries that one message may carry */
    OUTBOX_RECIPIENT = 64,
};

/* One way of a recipient: the settings', by pointer. */
struct outbox_way {
    const char *account, *address;
    bool        is_shut; /* the account refuses us at this time: the next way begins at once, too */
};

/* What the writer's thread must ask to go on by itself. way() reads immutable things only; false: no such way. */
struct outbox_rules {
    bool (*way)(const void *user, const char *recipient, int way, struct outbox_way *out);
    const void *user;
    int64_t     give_up_ms[3]; /* by severity, of running time          */
    int64_t     next_way_ms[3]; /* without SENT until the next way begins */
};
struct outbox_turn {
    const struct outbox_rules *rules;
    int64_t                    run_ms, wall_ms; /* now: store_running_ms() and the wall clock */
};

/* A delivery that reached its end in a transaction: for the log. */
struct outbox_ended {
    char                id[ID_TEXT], recipient[OUTBOX_RECIPIENT];
    enum delivery_state state;
    int64_t             created_run_ms;
};
struct outbox_end_list {
    struct outbox_ended items[OUTBOX_MEMBERS_MAX];
    size_t              count; /* what does not fit is not listed */
};

struct outbox_debt {
    const char   *recipient;
    int64_t       event; /* its seq */
    enum severity severity;
    const char   *title; /* NULL = none */
    int           priority; /* -1 = none */
    int           way;      /* of the recipient, to begin with: 0 but where an account is to be left out */
    char          id[ID_TEXT]; /* of the delivery, given by the caller (id_make) */
    int64_t       delivery; /* out: its seq */
};
/* Owes it, and begins with that way of the recipient (leg 0), or with several if the first are shut. */
int tx_delivery_add(struct store_tx *tx, const struct outbox_turn *t, struct outbox_debt *d, struct err *e) MUST_CHECK;

struct outbox_message {
    int64_t            seq;
    char               id[ID_TEXT];
    const char        *account, *provider, *address;
    enum severity      severity;
    enum message_state state;
    const char        *title, *text; /* title NULL = none */
    int                priority;     /* -1 = none         */
    int                attempts;
    bool               maybe_twice;
    int64_t            due_run_ms;
};
struct outbox_leg {
    int64_t delivery;
    int     n;
};
/* A message of these waiting legs and its first attempt; fills m->seq. 1 made; 0: one of them waits no more, nothing was
 * written; -1. */
int tx_message_add(struct store_tx *tx, const struct outbox_turn *t, struct outbox_message *m, const struct outbox_leg *legs,
                   size_t count, struct err *e) MUST_CHECK;
/* One more attempt. 1: counted; 0: nobody is owed it any more, it was withdrawn; -1. */
int tx_message_again(struct store_tx *tx, const struct outbox_turn *t, int64_t message, struct err *e) MUST_CHECK;

struct outbox_verdict {
    int64_t            message;
    enum message_state state;       /* SENT, FAILED, UNKNOWN, or WAITING until due_run_ms        */
    bool               maybe_twice;
    const char        *verdict, *detail; /* the provider's                                       */
    int64_t            due_run_ms; /* not before; 0: only our own back-off, which a new start need not keep */
    bool               pictures_follow; /* SENT was the text alone: for each member a leg more, for its pictures */
    bool               is_next_way_now; /* while it waits, its deliveries try the next way, too */
};
/* What becomes of its deliveries: SENT withdraws their other waiting legs; FAILED begins the next way at once. */
int tx_message_verdict(struct store_tx *tx, const struct outbox_turn *t, const struct outbox_verdict *v,
                       struct outbox_end_list *ended, struct err *e) MUST_CHECK;

/* Up to OUTBOX_MEMBERS_MAX open deliveries that are due: the next way begins, or they are given up. 1 there may be more, 0, -1. */
int tx_deliveries_due(struct store_tx *tx, const struct outbox_turn *t, struct outbox_end_list *ended, struct err *e) MUST_CHECK;

/* This account:address is no longer in the settings: its messages fail, its legs' deliveries go their next way. 1 there may
 * be more, 0, -1. */
int tx_lane_dissolve(struct store_tx *tx, const struct outbox_turn *t, const char *account, const char *address,
                     struct outbox_end_list *ended, struct err *e) MUST_CHECK;

/* A failed or unknown delivery waits again, from the recipient's first way. 1; 0: no such, or not in such a state; -1
 * (ERR_STATE: its recipient is no longer in the settings). */
int tx_delivery_retry(struct store_tx *tx, const struct outbox_turn *t, const char *id, struct err *e) MUST_CHECK;

/* The state an arrival has in this transaction. 1 found, 0 not, -1. */
int tx_arrival_state_now(struct store_tx *tx, int64_t seq, enum arrival_state *out, struct err *e) MUST_CHECK;

/* --- reading ------------------------------------------------------------------------------------------------ */

/* A leg with all that its message needs to know; strings in the caller's arena. */
struct outbox_member {
    struct outbox_leg   leg;
    char                id[ID_TEXT]; /* of the delivery */
    const char         *recipient, *title;
    int                 priority;
    int64_t             created_run_ms, event_seq;
    bool                is_pictures; /* the text is told: only its pictures are still to go */
    struct event        event;
    struct event_origin origin; /* site is NULL: the caller knows it */
};
/* The oldest waiting legs of a lane and severity: of texts, or if none waits of pictures. How many, or -1. */
int outbox_waiting(struct store_reader *r, const char *account, const char *address, enum severity s,
                   struct outbox_member *members, size_t max, struct arena *a, struct err *e) MUST_CHECK;
/* The oldest open message of a lane and severity, with its members: 1, 0 there is none, -1. */
int outbox_open_message(struct store_reader *r, const char *account, const char *address, enum severity s,
                        struct outbox_message *out, struct outbox_member *members, size_t max, size_t *count_out,
                        struct arena *a, struct err *e) MUST_CHECK;

/* Every account:address with open work. Strings are good during the call. */
typedef void outbox_lane_fn(void *user, const char *account, const char *address);
int outbox_lanes(struct store_reader *r, outbox_lane_fn *each, void *user, struct err *e) MUST_CHECK;
/* How much waits per account and since when. */
typedef void outbox_pending_fn(void *user, const char *account, int64_t count, int64_t oldest_run_ms);
int outbox_pending(struct store_reader *r, outbox_pending_fn *each, void *user, struct err *e) MUST_CHECK;
/* The texts of the last messages that were made, newest first. Strings are good during the call. */
typedef void outbox_text_fn(void *user, const char *account, const char *address, const char *text);
int outbox_last_texts(struct store_reader *r, outbox_text_fn *each, void *user, struct err *e) MUST_CHECK;
/* When the next open delivery is due; INT64_MAX: none. */
int outbox_next_due(struct store_reader *r, int64_t *run_ms_out, struct err *e) MUST_CHECK;
