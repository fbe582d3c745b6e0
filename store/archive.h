/* archive: a thread that copies every event, its later changes and its pictures to MongoDB (store/mongo.h), and forgets there what
 * was erased here. It asks the database by position, holds no queue, and nobody waits for it: a dead, slow, hanging, full or
 * read-only server costs the lag that archive_state tells. Everything it writes may be written again, so that after a doubt it goes
 * back to where both sides are sure: the smaller of its position here (meta) and the mark in the archive. */
#pragma once
#include "store/mongo.h"
#include "store/store.h"

struct archive;
struct archive_options {
    const char *uri, *site;
    int64_t     call_ms;      /* deadline of one call                */
    bool        has_pictures; /* they are copied, too                */
    int64_t     keep_days, keep_pictures_days; /* older ones of this site go there; 0: never */
    void *user;
    /* The archive's thread: something an operator should read once. */
    void (*note)(void *user, const char *text);
};
/* The server need not be there. ERR_INPUT: uri is none. */
int archive_start(struct store *s, const struct archive_options *o, struct archive **out, struct err *e) MUST_CHECK;
/* A call that hangs is left behind after three seconds. After the last archive_reader_back. */
void archive_stop(struct archive **a);

struct archive_state {
    bool     is_failing;
    int64_t  failing_ms;  /* for so long, monotonic                    */
    int64_t  events;      /* that are not there yet, and changes       */
    int64_t  seconds;     /* how old the first of them is              */
    uint64_t copied;      /* events since the start                    */
    uint64_t pictures;
    uint64_t forgotten, forgotten_pictures; /* there, by age: events; events whose pictures went */
    char     text[240];   /* why it fails                              */
};
void        archive_state(struct archive *a, struct archive_state *out); /* any thread */
const char *archive_where(const struct archive *a);                      /* hosts and database, no secret */

/* A connection to read from; a few at once, ERR_BUSY beyond. Any thread. */
int  archive_reader(struct archive *a, struct mongo **out, struct err *e) MUST_CHECK;
void archive_reader_back(struct archive *a, struct mongo **m);
