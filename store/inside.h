/* inside: what the files of the store share among themselves. */
#pragma once
#include "store/db.h"
#include "store/pace.h"
#include "store/store.h"
#include <pthread.h>
#include <stdatomic.h>

struct writer;
struct keeper;
struct examiner;
struct retention_rules;

enum writes { WRITES_FILES, WRITES_DATABASE, WRITES_KINDS };

enum { DAY_TEXT = 11, FILE_TEXT = 64 }; /* "2026/11/21" and "arrivals/2026/11/21/<id>.eml", with the NUL */

enum { RUNNING_SAVE_MS = 60000 }; /* so much running time may be lost with the power */

struct store {
    struct store_options options;
    char *folder, *database; /* paths */
    int folder_fd, lock_fd;
    atomic_int  phase;      /* enum store_phase                                   */
    atomic_bool is_closing;
    struct err  failed;     /* the preparer's, until the phase is STORE_FAILED    */
    bool        is_damaged; /* when it was opened: the preparer makes a new one   */
    char        rebuilt[400]; /* what is to be told of it; ""                     */
    pthread_t   preparer;
    bool        has_preparer;
    struct writer *writer;
    struct keeper *keeper;
    struct examiner *examiner; /* NULL: nobody waits for us */

    atomic_int_fast64_t last_arrival;  /* highest seq on disk                                         */
    atomic_int_fast64_t files_bytes;   /* of large arrivals since store_open, and before once counted */
    atomic_int_fast64_t running_saved; /* running time as the database has it                         */
    int64_t running_start, mono_start; /* running time at store_open, and the clock then  */
    atomic_int failures[WRITES_KINDS]; /* in a row                                          */
    atomic_int conversations;
    atomic_int_fast64_t waiting_bytes; /* of inline arrivals that are not small, from store_accept until kept() */
    atomic_int file_syncs; /* running now */
    atomic_int erasing;    /* erase_all: how many are under way */
    struct pace pace;
    atomic_bool is_full; /* the reserve is given up */
    atomic_bool is_low;  /* free room is below the floor */

    struct retention_rules *rules; /* the keeper's thread's own; NULL: none */

    atomic_uint_fast64_t commits;
    atomic_int           watchers;  /* who wait for the next one                */
    pthread_mutex_t      watch_lock;
    pthread_cond_t       committed; /* on the monotonic clock, with watch_lock  */

    pthread_mutex_t days_lock; /* guards ready_days; held while a day's folders are made and synced: once a day   */
    char ready_days[4][DAY_TEXT];
    unsigned next_day;

    pthread_mutex_t spools_lock; /* guards spools */
    struct spool *spools;        /* files whose rows are not yet on disk */
};

/* The open transaction. What was synced or failed to sync is known for the whole batch, also when its operations are tried singly. */
struct store_tx {
    struct store *store;
    struct db *db;
    int64_t bytes;        /* of arrivals in this transaction */
    int64_t last_arrival; /* highest seq written in it       */
    int64_t files_bytes;  /* what it adds to the files       */
    int64_t running_ms;   /* running time it saves; 0: none  */
    struct {
        char day[DAY_TEXT];
        struct err failed; /* code ERR_NONE: synced */
    } days[4];
    unsigned day_count;
};

/* --- reader.c -------------------------------------------------------------------------------------------------- */

/* The columns of an arrival_row, and its rows as a statement gives them: how many, or -1. */
#define ARRIVAL_ROW "seq, id, received_ms, bytes, state, tries, envelope, parser, subject, file IS NOT NULL OR raw IS NOT NULL"
int read_arrival_rows(struct stmt *s, struct arrival_row *rows, int limit, struct arena *a, struct err *e) MUST_CHECK;

/* --- watch.c --------------------------------------------------------------------------------------------------- */

void watch_init(struct store *s);
void watch_done(struct store *s);
void watch_note_commit(struct store *s); /* the writer, after each one */

/* --- arrivals.c ------------------------------------------------------------------------------------------------ */

int tx_arrival(struct store_tx *tx, struct arrival *a, struct err *e) MUST_CHECK; /* keeps it: a->seq */

/* --- folder.c ------------------------------------------------------------------------------------------------- */

int folder_make(const char *path, struct err *e) MUST_CHECK;            /* with its parents, each synced into its own */
int folder_sync(int at, const char *path, struct err *e) MUST_CHECK;    /* a fresh descriptor each time */
int folder_complain(const char *path, const char *what, struct err *e); /* owner, mode, our uid; returns -1 */
void day_of(char out[DAY_TEXT], int64_t wall_ms);                       /* UTC */
/* Makes the day's folder and syncs what is new into its parents, once per process and day. */
int day_make(struct store *s, const char *day, struct err *e) MUST_CHECK;
void day_forget(struct store *s, const char *day); /* it may have been removed */

/* --- reserve.c ------------------------------------------------------------------------------------------------ */

void reserve_give_up(struct store *s); /* the disk is full; any thread */
void reserve_take(struct store *s);    /* keeper: makes it, or takes it back when there is room again */
int64_t floor_missing(const struct store *s); /* bytes until large arrivals are taken again */
void floor_look(struct store *s);      /* at start, then the keeper: how much room is there?          */

/* --- failures.c ----------------------------------------------------------------------------------------------- */

void note_write(struct store *s, enum writes kind, bool succeeded); /* with its sync */
void probe_writes(struct store *s); /* keeper: what failed is tried again, so that it is known when it works */

/* --- spool.c -------------------------------------------------------------------------------------------------- */

const char *spool_file(const struct spool *f); /* below the data folder */
const char *spool_day(const struct spool *f);
bool spool_is_synced(const struct spool *f);
const unsigned char *spool_hash(const struct spool *f); /* SHA256_BYTES, once synced; NULL: not known */
void spool_kept(struct spool **f);                     /* its row is on disk */
bool spool_is_open(struct store *s, const char *file); /* its row is not yet on disk */

/* --- the keeper's chores ---------------------------------------------------------------------------------------- */

int save_running_now(struct store *s, struct err *e) MUST_CHECK; /* keeper.c: a commit with one row */
int keeper_start(struct store *s, struct keeper **out, struct err *e) MUST_CHECK;
void recover(struct store *s, struct db *db);      /* recovery.c */
void keeper_wake(struct keeper *k, int log_pages); /* a commit: pages now in the log */
bool keeper_is_wanted(struct keeper *k);           /* there is enough to copy: its own chores should end for now */
void keeper_hurry(struct keeper *k);               /* something is wrong: chores soon */
void keeper_begin(struct keeper *k);               /* somebody waits for its chores: now      */
void keeper_stop(struct keeper *k);                /* joins the thread; wakes stay allowed until keeper_free */
void keeper_free(struct keeper **k);

/* --- writer.c --------------------------------------------------------------------------------------------------- */

int tx_running(struct store_tx *tx, struct err *e) MUST_CHECK; /* writes the running time */
int writer_start(struct store *s, struct db *db, struct writer **out, struct err *e) MUST_CHECK;
void writer_submit(struct writer *w, struct store_op *op);
void writer_stop(struct writer **w); /* empties the queue first */
