/* archive_inside: what the archive's thread holds. archive.c: when; archive_copy.c: what; archive_read.c: out of our own database;
 * archive_pictures.c: into GridFS; carrier.c: batches on their way. */
#pragma once
#include "core/arena.h"
#include "store/archive.h"
#include "store/carrier.h"
#include "store/doubt.h"

enum { KNOWN_FILES = 256, FLIGHTS = 2 };

struct batch {
    struct mongo_event *events; /* MONGO_BATCH_MAX */
    size_t              count;
    struct arena        texts; /* of events */
};
/* A batch, and who has it: while there is a lot to copy, each has a carrier. */
struct flight {
    struct batch    batch;
    struct carrier *carrier;
    int64_t         left_ms;
    bool            is_under_way;
};

struct copying {
    struct archive      *archive;
    struct store        *store;
    struct store_reader *reader;
    struct mongo_options to;
    struct mongo        *mongo;
    const char          *site;
    bool                 has_pictures;
    char                 gateway[ID_TEXT];
    int64_t              seq, changed;   /* up to here it is copied */
    size_t               limit, updates; /* how many at once: as many as take about a second */
    int                  refusals;       /* of the batch at this position, in a row */
    uint64_t             copied, pictures;
    struct flight        flights[FLIGHTS];
    char                 known[KNOWN_FILES][72]; /* files that were lately put there */
    size_t               next_known;
    int64_t              known_ms; /* since then */
    int64_t              keep_days, keep_pictures_days; /* 0: for ever */
    int64_t              next_forgetting_ms;            /* monotonic   */
    uint64_t             forgotten, forgotten_pictures; /* events, and events whose pictures went */
    struct doubt         doubt;
    bool                 has_doubt;
};
/* `to` and what it points to is borrowed. */
int  copying_init(struct copying *c, struct archive *a, struct store *s, const struct mongo_options *to, const char *site, bool has_pictures,
                  struct err *e) MUST_CHECK;
void copying_done(struct copying *c);
void copying_slower(struct copying *c); /* after a failure: less at once */

/* Each does a bite: how much was done, 0: there is nothing to do, -1. */
int copy_events(struct copying *c, struct err *e) MUST_CHECK;
int copy_changes(struct copying *c, struct err *e) MUST_CHECK;
int copy_erasures(struct copying *c, struct err *e) MUST_CHECK;
/* archive_forget.c: now and then; 0, or -1. */
int copy_forgetting(struct copying *c, struct err *e) MUST_CHECK;
/* How many events and changes wait, and when the first of them was received; 0: none does. */
int copy_lag(struct copying *c, int64_t *events_out, int64_t *oldest_ms_out, struct err *e) MUST_CHECK;

/* archive_read.c */
int  batch_init(struct batch *b, struct err *e) MUST_CHECK;
void batch_done(struct batch *b);
/* The batch is the events after this one, as many as c->limit; or those of these ids that are still there. */
int batch_read_new(struct copying *c, struct batch *b, int64_t after_seq, struct err *e) MUST_CHECK;
int batch_add_one(struct copying *c, struct batch *b, const char *id, struct err *e) MUST_CHECK;
void batch_clear(struct batch *b);

/* archive_pictures.c: puts the batch's pictures there; a batch with many ends early. */
int copy_pictures(struct copying *c, struct batch *b, struct err *e) MUST_CHECK;

/* Around each call to the server: no store is touched between the two, nor after archive_home has said -1. */
void archive_away(struct archive *a);
int  archive_home(struct archive *a, int result, struct err *e) MUST_CHECK;
void archive_save(struct archive *a); /* keeps the position; waits for nothing */
