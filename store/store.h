/* store: everything that must survive. One SQLite database (WAL, synchronous=FULL), written by one thread (group commit),
 * and one file per large arrival. Life: store_open → any thread submits, readers read → store_close.
 *
 * Writing is done by operations. An operation says in apply() what to write, inside the writer's transaction, by the tx_*
 * functions of this folder; done() hears whether it is on disk. So whatever belongs together is one operation: events with
 * their deliveries and the first attempt of their messages. The writer takes everything that waits, in the order of ranks,
 * syncs each touched folder once, commits one transaction and then calls every done(). */
#pragma once
#include "core/envelope.h"
#include "core/err.h"
#include "core/event.h"

struct store;
struct store_tx;     /* the writer's open transaction: only inside apply()        */
struct store_reader; /* one read-only connection; one thread at a time            */

/* How much of the past is kept; 0 is no such bound. A rule for kinds goes before those of severities, and the first that fits an event
 * is its rule; PICTURES is for all. */
struct keep_rule {
    enum { KEEP_EVENTS, KEEP_PICTURES } what;
    int     severity; /* -1: any                       */
    char    kind[48]; /* "camera.*"; "": any           */
    int     days;     /* since it was received         */
    int64_t count;    /* the newest so many            */
    int64_t bytes;    /* of mails; of pictures as sent */
};
enum { KEEP_KINDS_MAX = 8, KEEP_RULES_MAX = KEEP_KINDS_MAX + 4 };

struct store_options {
    const char *folder;        /* made (0700) if missing, with its parents synced           */
    int64_t     inline_max;    /* bytes; smaller arrivals go inline, larger become files (65536) …       */
    int64_t     inline_slow;   /* … larger than this on a disk with slow syncs (1 MiB) …                 */
    int64_t     inline_memory; /* … while those that wait in memory take no more than this (64 MiB)      */
    int64_t     reserve_bytes; /* given up when the disk is full (32 MiB)                   */
    int64_t     floor_bytes;   /* with less free room than this …                           */
    int         floor_percent; /* … or this much of the file system the disk is low; both 0: never */
    int64_t     max_bytes;     /* of the folder; 0: half of the file system                 */
    int         keep_raw_days; /* raw mails older than this go, their events stay (30; as the settings have it: 730) */
    bool        is_prepared_beside; /* a migration does not keep store_open waiting: see store_phase */
    /* The keeper's thread, once a day: what was forgotten since. May be NULL. */
    void (*forgotten)(void *user, int64_t events, int64_t mails, int64_t pictures, int64_t bytes);
    /* Any thread: events were erased. Messages of theirs are withdrawn, and their others wait again. May be NULL. */
    void (*erased)(void *user);
    const struct keep_rule *rules; /* copied by store_open */
    size_t      rule_count;    /* at most KEEP_RULES_MAX */
    bool        has_archive;   /* no event is forgotten that it does not have yet */
    void *user;
    /* The keeper's thread, after the start: this arrival waits for the inspector, but its file is gone. May be NULL. */
    void (*raw_is_missing)(void *user, int64_t seq);
};

/* ERR_VERSION: the folder is of a newer Postern, nothing was written (exit 78). ERR_BUSY: another process has it open.
 * ERR_IO: it cannot be written; text names folder, owner, mode and our uid. Starts the writer and checkpoint threads. */
int  store_open(const struct store_options *options, struct store **out, struct err *e) MUST_CHECK;
/* What store_open left to a thread: as long as it works nobody reads, and whatever is submitted hears ERR_BUSY. STORE_FAILED: it
 * cannot be used; store_failure says why, and the next start tries again. Any thread. */
enum store_phase { STORE_READY, STORE_MIGRATING, STORE_REBUILDING, STORE_FAILED };
enum store_phase store_phase(const struct store *s);
const char *store_failure(const struct store *s);
/* SQLite has met pages that are not what was written. Any thread. */
bool store_is_damaged(const struct store *s);
/* Asks for a new database, made at the next start from what can be read. ERR_STATE: that was done less than an hour ago. */
int  store_mark_damaged(struct store *s, struct err *e) MUST_CHECK;
/* What is to be told of that afterwards, until store_rebuilt_told; NULL: nothing. */
const char *store_rebuilt(const struct store *s);
int  store_rebuilt_told(struct store *s, struct err *e) MUST_CHECK;
void store_close(struct store **s); /* after the last submit: empties the queue, checkpoints, joins the threads */

/* net says how many conversations are open: on slow disks the writer waits a little for those who are about to finish. */
void store_hint_conversation(struct store *s, int delta);

const char *store_folder(const struct store *s);
/* An arrival up to this is small: always inline, and kept even when the disk is full. */
int64_t store_small_max(const struct store *s);
/* Up to this an arrival that is complete in memory goes inline now: more on a disk with slow syncs, where a file's own
 * syncs would cost most. Changes all the time; any thread. */
int64_t store_inline_max(const struct store *s);

/* --- writing ------------------------------------------------------------------------------------------------ */

enum store_rank {
    STORE_ARRIVAL, /* first in every transaction                                                     */
    STORE_EVENT,   /* events, deliveries, an attempt that is about to leave: committed at once        */
    STORE_LARGE,   /* the store's own: inline arrivals that are not small, as many as one transaction takes */
    STORE_LATER,   /* verdicts and bookkeeping: up to 50 ms later, with a commit that happens anyway  */
    STORE_IDLE,    /* what nobody waits for: with such a commit, too, but up to a second later        */
    STORE_RANKS
};

struct store_op {
    enum store_rank rank;
    /* Writer's thread. 0, or -1 with *e: then everything this operation wrote is undone and done() hears e.
     * May run twice: if a batch fails, each operation is tried once in a transaction of its own. */
    int (*apply)(struct store_tx *tx, struct store_op *op, struct err *e);
    /* Writer's thread, after the sync; failed is NULL when it is kept. Owns op from here. Must not block. */
    void (*done)(struct store_op *op, const struct err *failed);
    struct store_op *next; /* the store's own */
};
void store_submit(struct store *s, struct store_op *op);
/* What waits for somebody else's commit waits no longer. */
void store_hurry(struct store *s);
/* Submits and waits until it is on disk (tests, commands); done is ignored. Not from the writer's thread. */
int store_do(struct store *s, struct store_op *op, struct err *e) MUST_CHECK;

/* How many transactions were written since store_open: what was read after one answer is no older than it. Any thread. */
uint64_t store_commits(const struct store *s);
/* Waits until there are others than `seen`, at most this long; how many there are then. */
uint64_t store_wait_commit(struct store *s, uint64_t seen, int64_t timeout_ms);

/* --- large arrivals on their way to disk -------------------------------------------------------------------- */

/* Created in its day folder under its last name; one call at a time, any thread (net uses libuv's pool).
 * A failed sync is never repeated: the caller abandons, the device hears 451. */
struct spool;
int  spool_open(struct store *s, const char *id, int64_t received_ms, struct spool **out, struct err *e) MUST_CHECK;
int  spool_write(struct spool *f, const void *bytes, size_t n, struct err *e) MUST_CHECK; /* ERR_FULL, ERR_IO */
int  spool_sync(struct spool *f, struct err *e) MUST_CHECK;
void spool_abandon(struct spool **f); /* closes and removes; NULL inside is nothing */

/* --- arrivals ----------------------------------------------------------------------------------------------- */

struct arrival {
    struct store_op op; /* set by store_accept … */
    struct store   *store; /* … this too        */
    char            id[ID_TEXT];
    int64_t         seq; /* set when kept */
    int64_t         received_ms;
    const char     *envelope; /* JSON of core/envelope.h                                      */
    int64_t         bytes;    /* as received                                                  */
    const char     *data;     /* inline, until kept(); NULL: spool holds it                   */
    struct spool   *spool;    /* synced; the store's from store_accept on, on every path      */
    /* Writer's thread; failed is NULL when it survives a power cut: only then may SMTP say 250, FTP 226.
     * ERR_FULL: answer 452. ERR_BUSY, ERR_IO: 451. Must not block. */
    void (*kept)(struct arrival *a, const struct err *failed);
    void *user;
};
void store_accept(struct store *s, struct arrival *a);

/* While the disk is full (the reserve is given up) small arrivals are still kept. Any thread. */
bool store_is_full(const struct store *s);
/* Free room is below the floor: whoever takes arrivals takes no large ones. Looked at every few seconds. Any thread. */
bool store_is_low(const struct store *s);
/* Writes with their syncs that failed in a row; three make /readyz red. Tried again every few seconds. Any thread. */
int store_failed_syncs(const struct store *s);

enum arrival_state {
    ARRIVAL_KEPT,       /* waits for the inspector                                            */
    ARRIVAL_TOLD,       /* told as unreadable, still waits for the inspector                  */
    ARRIVAL_UNDERSTOOD,
    ARRIVAL_GIVEN_UP,   /* nobody could read it; told                                         */
};

/* An arrival as the inspector and the API read it. Strings in the caller's arena. */
struct arrival_row {
    int64_t            seq;
    char               id[ID_TEXT];
    int64_t            received_ms, bytes;
    enum arrival_state state;
    int                tries;    /* times the inspector failed with it                        */
    const char        *envelope; /* JSON                                                      */
    const char        *parser, *subject;
    bool               is_large; /* over STORE_QUICK_BYTES, in a file or inline               */
    bool               has_raw;  /* false: forgotten                                          */
};
int store_reader_open(struct store *s, struct store_reader **out, struct err *e) MUST_CHECK;
/* One that answers many questions: up to 2 MiB of the file stay in memory with it. */
int store_history_open(struct store *s, struct store_reader **out, struct err *e) MUST_CHECK;
void store_reader_close(struct store_reader **r);

enum { STORE_QUICK_BYTES = 65536 }; /* larger ones are slow's, wherever their bytes are */

/* Up to `limit` arrivals with seq > after that still wait for the inspector; quick: small ones that never failed, else the
 * others. Returns how many, or -1. */
int store_waiting_arrivals(struct store_reader *r, bool is_quick, int64_t after, struct arrival_row *rows, int limit,
                           struct arena *a, struct err *e) MUST_CHECK;
/* Kept (not told, not understood) with seq <= up_to: what the 10 s promise has run out for. */
int store_overdue_arrivals(struct store_reader *r, int64_t up_to, struct arrival_row *rows, int limit, struct arena *a,
                           struct err *e) MUST_CHECK;
int64_t store_last_arrival(const struct store *s); /* highest seq kept so far; any thread */

/* 1 found, 0 not found, -1. */
int store_find_arrival(struct store_reader *r, const char *id, struct arrival_row *out, struct arena *a, struct err *e) MUST_CHECK;
/* The raw bytes of one that is inline, added to out: 1; 0: it is in a file, or forgotten; -1. */
int store_copy_raw(struct store_reader *r, int64_t seq, struct buf *out, struct err *e) MUST_CHECK;
/* The raw bytes as a descriptor at offset 0, the caller's: the file, or a memfd of the inline bytes. ERR_NOT_FOUND: forgotten. */
int store_open_raw(struct store_reader *r, int64_t seq, int *fd_out, struct err *e) MUST_CHECK;

/* --- inside a transaction (writer's thread, from apply()) ---------------------------------------------------- */

/* The arrival's events replace what was there by n (1, 2, …): rows that stand keep id and seq and are corrected; *is_new_out[i]
 * says which are new. Fills ev->id. arrival_seq 0: an event of our own (system.*). seqs_out[i]: the event's seq. */
int tx_events(struct store_tx *tx, int64_t arrival_seq, const struct event_origin *origin, struct events *list,
              int64_t *seqs_out, bool *is_new_out, struct err *e) MUST_CHECK;
int tx_arrival_state(struct store_tx *tx, int64_t seq, enum arrival_state state, const char *parser, const char *subject,
                     struct err *e) MUST_CHECK;
int tx_arrival_failed(struct store_tx *tx, int64_t seq, struct err *e) MUST_CHECK; /* tries + 1 */
/* address: where it spoke from; "" or NULL: not known. */
int tx_device_seen(struct store_tx *tx, const char *device, const char *address, int64_t wall_ms, struct err *e) MUST_CHECK;

/* Milliseconds the gateway has run in all its life, monotonic, kept at least every minute: the clock for back-off and for giving up. */
int64_t store_running_ms(const struct store *s);
