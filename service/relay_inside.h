/* relay_inside: what relay.c (the thread), relay_take.c (events become debts) and relay_send.c (messages) share. Everything
 * here belongs to the relay's thread, but for the inbox, which has a lock, and what an operation holds while the writer has it. */
#pragma once
#include "service/acts.h"
#include "service/lane.h"
#include "service/relay.h"
#include "service/courier.h"
#include "store/outbox.h"
#include <pthread.h>

struct relay;

/* A store operation that comes back to the relay's thread: after() is called there, once the writer is done with it. */
struct relay_op {
    struct store_op  op;
    struct relay    *relay;
    struct relay_op *next;
    void (*after)(struct relay_op *o, const struct err *failed);
    bool       has_failed;
    struct err failed;
};

/* Where the events of a message live: an understanding, or what was read back from disk. Counted by the flights that use it. */
struct source {
    int                   users;
    struct understanding *u;     /* or NULL */
    struct event_origin   origin; /* of its events */
    struct arena          arena; /* when read back */
};

/* The reasons of refusals that were told since it last worked, a line each. One that finds no room counts as told. */
struct refusals {
    char reasons[400];
    bool is_changed; /* since it was noted on disk */
};

struct station { /* one account:address */
    struct station       *next;
    const struct account *account;
    const char           *address;
    char                 *last_text;    /* the last one composed for it; NULL = none */
    struct refusals       refusals;     /* of this address */
    char                  moved_to[32]; /* the address has a new name; "" = no */
    struct lane           lane;
    struct flight        *open[SEVERITIES]; /* messages between their attempts, by severity */
    struct flight        *flying;           /* its request is on its way */
};

/* One message from its first commit to its last verdict. */
struct flight {
    struct relay_op       op; /* its attempt's, then its verdict's */
    struct station       *station;
    struct source        *source;
    struct arena          arena; /* text, title, legs, events */
    struct manner         manner; /* of all its members */
    struct outbox_message row;
    struct outbox_leg    *legs;
    size_t                leg_count;
    const struct event         **events; /* the source's; each once, though two recipients may share the address */
    const struct event_origin  **origins;
    size_t                       event_count;
    size_t                      *leg_events; /* index of the event beside each leg */
    int64_t               due_ms;       /* of its next attempt */
    int64_t               since_run_ms; /* the oldest member's 250, as far as we know */
    int64_t               started_ms;   /* this attempt, monotonic */
    bool                  is_pictures;  /* its text went before, as a message of its own */
    bool                  is_bare;      /* the far side refused it with its pictures: now without */
    int64_t               picture_bytes; /* on their way */
    bool                  is_new;       /* its first attempt is not committed yet */
    bool                  is_made;      /* apply() made it (or counted the attempt) */
    struct outbox_turn    turn;
    struct outbox_verdict verdict;
    struct outcome        outcome;
    struct outbox_end_list ended;
    bool                   is_heard; /* the far side gave a whole answer */
    struct flight         *next_unkept; /* the disk refused its verdict: tried again */
};

struct account_state {
    const struct account *account;
    bool is_shut;  /* refuses whatever we send. Read by the writer's thread, too: __atomic */
    bool is_paused; /* by the operator. __atomic, too */
    bool is_ailing;  /* health was told */
    struct relay_account seen; /* guarded by the relay's lock */
    struct refusals refusals; /* told by system.delivery events; one more is owed when it works again */
    struct bucket   bucket;   /* of the whole account, beside the one of each lane */
    int             waiting;  /* the most severe of what waits for a token of that; -1: nothing does */
};

struct own_event { /* of the last hour */
    char    key[96];
    int64_t mono_ms; /* when it was told */
    int     kept;    /* since then       */
};
enum { OWN_EVENTS = 256, OWN_KEPT_MAX = 60 /* an hour and key */ };

struct relay {
    struct store         *store;
    struct store_reader  *reader;
    struct relay_options  options;
    struct outbox_rules   rules;
    struct courier     *courier;
    struct account_state *accounts; /* beside options.people->accounts */
    struct station       *stations;
    struct station       *turn; /* the first that went without a token of its account; NULL: the first of all */
    pthread_t             thread;

    pthread_mutex_t       lock; /* guards the inbox: the next five */
    struct understanding *first, *last;
    struct relay_op      *finished, *last_finished;
    bool                  is_stopping, is_look_asked, is_erased_from;
    struct own_event      said[OWN_EVENTS];

    struct understanding *later; /* our own events that could not be kept: tried again */
    struct flight *unkept;
    int64_t  picture_bytes; /* of all flights that are on their way */
    size_t   ops_open; /* with the writer */
    bool     is_due_asked, has_changed, is_ending;
    int64_t  next_look_ms, next_due_run_ms;
    int64_t  heartbeat_ms; /* __atomic; by the steady clock, that no test moves */
    uint32_t chance;
    struct acts acts; /* the writer's thread alone, inside take_apply */
};

/* --- relay.c ---- */
void            relay_submit(struct relay *r, struct relay_op *o); /* after() comes later, on this thread */
struct station *relay_station(struct relay *r, const struct account *a, const char *address); /* NULL: out of memory */
struct account_state *relay_account(struct relay *r, const struct account *a);
struct outbox_turn    relay_turn(const struct relay *r);
void                  relay_look_everywhere(struct relay *r); /* legs may have begun on any lane */
void                  relay_open_account(struct relay *r, const struct account *a); /* it takes messages again */
void                  relay_take_later(struct relay *r, struct understanding *u);
uint32_t              relay_chance(struct relay *r);
void            relay_take_tokens(struct relay *r, struct station *s, int64_t run_ms); /* the lane's and the account's */
void            relay_give_tokens(struct relay *r, struct station *s);                 /* of a message that was not made */
void                  relay_log_ended(const struct outbox_end_list *ended, const struct flight *f, int64_t run_ms);

/* At most one event of our own in an hour per key. Any thread. */
bool relay_may_say(struct relay *r, const char *key);

/* --- relay_accounts.c ---- */
bool relay_is_out(const struct account_state *s); /* refused or paused: the next way begins at once. Any thread */
void relay_see_end(struct relay *r, const struct account *a, int64_t message, const struct outcome *o);
void relay_forget_erased(struct relay *r); /* the errors among them that answered to something erased */
void relay_see_pending(struct relay *r, const char *account, int64_t count, int64_t oldest_ms);
void relay_see_buckets(struct relay *r);
int  relay_remember_accounts(struct relay *r, struct err *e) MUST_CHECK;

/* --- relay_report.c ---- */
/* What this end of a message says about its account: refused, or well again; told once. */
void relay_report(struct relay *r, const struct flight *f, const struct outcome *o);
/* An event of our own. Any thread. NULL: no memory. */
struct understanding *relay_own_event(const char *kind, bool restored, const char *text);

/* --- relay_memory.c ---- */
bool refusals_have(const struct refusals *f, const char *reason);
void refusals_add(struct refusals *f, const char *reason);
void refusals_clear(struct refusals *f);
bool refusals_are_told(const struct refusals *f);            /* any */
void relay_note_refusals(struct relay *r);                   /* those that changed, onto the disk */
void relay_note_move(struct relay *r, const struct station *s);
int  relay_remember(struct relay *r, struct err *e) MUST_CHECK; /* what the last run noted, and each lane's last text */

/* --- relay_take.c ---- */
bool relay_may_go(const struct understanding *u, const struct recipient *who); /* has a way that u need not leave out */
void relay_plan(struct relay *r, struct understanding *u);

/* --- relay_acts.c: writer's thread, inside the transaction of the events ---- */
/* What an earlier try of this transaction linked is forgotten. */
void relay_unlink(struct understanding *u);
/* Links the new ones of its events to those that told the same act before: their seqs into same_out[i], 0 ends them. */
int relay_link(struct store_tx *tx, struct relay *r, struct source *source, const int64_t *seqs, const bool *is_new,
               int64_t (*same_out)[ACT_MEMBERS_MAX], struct err *e) MUST_CHECK;
/* Whether the recipient hears of this act by an earlier event, and no milder: 1, 0, -1. */
int relay_is_covered(struct store_tx *tx, const int64_t same[ACT_MEMBERS_MAX], const char *recipient, enum severity severity,
                     struct err *e) MUST_CHECK;

/* --- relay_send.c ---- */
struct flight *flight_new(struct relay *r, struct station *s, struct source *source, enum severity severity);
void           flight_free(struct flight *f);
/* Adds a member; its event and origin stay where they are. -1: no room. */
int  flight_add(struct flight *f, struct outbox_leg leg, const struct event *ev, const struct event_origin *origin);
/* Lets go of the members that one text could not name: they wait for the next message. -1: no room. */
int flight_fit(struct flight *f);
int flight_compose(struct flight *f, const char *title, int priority); /* its text, from its events. -1: no room */
void flight_begin(struct flight *f);                                    /* its attempt is committed: the request may leave */
void flight_keep_verdict(struct flight *f);
enum station_turn {
    STATION_SERVED,       /* the next step, if there was one                              */
    STATION_WENT_WITHOUT, /* it would have had one, but the account's tokens were used up */
};
enum station_turn station_serve(struct station *s, struct relay *r, int64_t now_ms, int64_t *wake_ms);
int  station_take_up(struct station *s, struct relay *r, struct err *e);                  /* what the last run left open */

struct source *source_new(struct understanding *u); /* takes u over (NULL: none) */
void           source_drop(struct source **s);
