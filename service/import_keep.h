/* import_keep: rows that are understood and wait for their transaction: thirty or so at once, each with its events. One thread. */
#pragma once
#include "inspect/job.h"
#include "service/import_row.h"
#include "store/store.h"

enum { IMPORT_BATCH = 32, IMPORT_BATCH_BYTES = 1 << 20 };

struct import_batch {
    struct store        *store;
    const char          *source, *site;
    struct import_entry *entries[IMPORT_BATCH];
    size_t               count;
    int64_t              bytes;
    int64_t              kept, already, events, persons; /* counts of all flushes */
};

/* One row of a batch. What inspect reads goes into events (their arena is the entry's own). */
struct import_entry {
    struct arena      arena;
    struct arrival    arrival;
    struct events     events;
    struct job_answer answer;
    enum arrival_state state;
    char              saw_person[ID_TEXT];
    int64_t           new_persons;
    bool              is_new;
};

/* An entry with copies of the row's bytes and this envelope; NULL: out of memory. */
struct import_entry *import_entry_new(const struct import_row *row, const char *id, const char *envelope);
void                 import_entry_free(struct import_entry **entry);

/* Takes the entry on every path. Flushes when the batch is full. -1: not kept, nothing of the batch. */
int  import_batch_add(struct import_batch *b, struct import_entry *entry, struct err *e) MUST_CHECK;
int  import_batch_flush(struct import_batch *b, struct err *e) MUST_CHECK;
void import_batch_done(struct import_batch *b); /* drops what is not flushed */
