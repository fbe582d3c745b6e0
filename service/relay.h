/* relay: one thread that owes: it routes what was understood, keeps the debt with the events in one transaction, and pays it.
 * Lanes: one per account:address, with a token bucket, at most one message in flight, back-off. Laws 4 and 5 of the journey live here. */
#pragma once
#include "service/people.h"
#include "store/audit.h"
#include "store/store.h"

struct relay;

/* What the inspector read (or could not). Heap; owns its arena; the relay's from relay_take on. */
struct understanding {
    struct arena        arena;
    int64_t             arrival_seq; /* 0: we made it ourselves (system.*)                                 */
    char                arrival_id[ID_TEXT];
    int64_t             received_ms;   /* wall clock of the 250                                            */
    int64_t             kept_mono_ms;  /* 0 = not known (before this start)                                */
    struct envelope     envelope;
    struct events       events;        /* in arena                                                         */
    const char         *parser, *subject;
    enum arrival_state  state;         /* what the arrival is from here: TOLD, UNDERSTOOD or GIVEN_UP      */
    const char         *only_recipient; /* `send-test --to`: nobody else; NULL = by the routes             */
    const struct account *except;      /* told through every account but this one; NULL = through all      */
    const char           *except_address; /* … but to this address of it; NULL = to none. The relay's own */
    bool                is_untold;     /* kept and told nobody                                             */
    int64_t             quotes;        /* the message whose refusal it tells (store/quotes.h); 0 = none    */
    /* Any thread, once, when the events are kept (or could not be). May be NULL. */
    void (*kept)(void *user, const struct err *failed);
    void *user;
    struct understanding *next; /* the relay's own */
};
struct understanding *understanding_new(void);
void                  understanding_free(struct understanding **u);

struct relay_options {
    const struct people *people;
    const char          *site, *language, *alarm_user, *status_user, *technician;
    const char          *public_url;  /* of the API, for links; "" or NULL: none */
    const unsigned char *link_key;    /* providers/link.h; NULL: no links        */
    int64_t              reply_max;   /* bytes of an answer that are read (64 KiB) */
    int64_t              request_seconds;
    int64_t              same_act_seconds; /* a panel's mails about one act, to its several recipients, come within this; 0: never linked */
    int64_t              give_up_hours[3];    /* by severity, of running time              */
    int64_t              next_way_seconds[3]; /* without a yes until the next way is tried */
};
/* Starts the thread; takes up what the last run left. */
int  relay_start(struct store *s, const struct relay_options *o, struct relay **out, struct err *e) MUST_CHECK;
void relay_stop(struct relay **r); /* lets requests in flight end (10 s), joins */
void relay_take(struct relay *r, struct understanding *u); /* any thread */
/* An event of our own, told like any other, but at most one in an hour per key (NULL: always): the others are only kept, up to
 * sixty an hour. Any thread. */
void relay_system(struct relay *r, const char *kind, bool restored, const char *key, const char *text);
/* POST /deliveries/{id}/retry: 1 waits again, 0 no such or not failed/unknown, -1. Any thread, waits for the disk. */
int relay_retry(struct relay *r, const char *delivery_id, struct err *e) MUST_CHECK;
/* Deliveries may wait that did not before. Any thread. */
void relay_look_soon(struct relay *r);
/* Events were erased: what this keeps in memory of answers to their messages goes, and others of those wait again. Any thread. */
void relay_erased(struct relay *r);
/* What an operator sees of an account. Times are the wall clock's; 0: never (as far as the last messages say). */
struct relay_account {
    const struct account *account;
    bool    is_paused, is_shut; /* by the operator; the far side refuses us */
    int64_t success_ms, error_ms;
    char    error[200];         /* the last, in the provider's words, no secrets */
    int64_t error_message;      /* that it answered to; 0: none (any more)       */
    int64_t pending, oldest_ms; /* deliveries not yet told through it, and how long the oldest waits */
    double  tokens;             /* of its bucket: so many may go at once now */
};
/* In the order of the settings; how many. Any thread. */
size_t relay_accounts(struct relay *r, struct relay_account *out, size_t max);
/* Nothing leaves through a paused account: its deliveries take the recipient's next way at once, and wait where there is none. It
 * stays so over restarts. ERR_NOT_FOUND. Any thread, waits for the disk. */
int relay_pause(struct relay *r, const char *account, bool is_paused, const struct audit_entry *by, struct err *e) MUST_CHECK;
/* false: its thread has not turned for 30 s. Any thread. */
bool relay_is_alive(const struct relay *r);
