/* mongo: the documents of the archive in a MongoDB-compatible server. libmongoc stays inside mongo*.c; only calls that 1.23 and 2.x
 * both have. One client, one thread at a time: it has no threads of its own, so that every wait happens in one of these calls and has
 * an end. After a call that failed on the way the next one connects anew.
 *
 * Collections (docs/archive.md): `events`, `gateways`, and GridFS' `fs.files` and `fs.chunks`. What is written has an _id that
 * follows from its content, and "it is already there" is success: everything may be written again after a doubt. */
#pragma once
#include "core/buf.h"
#include "core/id.h"

enum {
    MONGO_BATCH_MAX = 1000,  /* events of one insert                                                       */
    MONGO_UPDATE_MAX = 50,   /* of one update: with 100 FerretDB 1.24's database hangs for good            */
    MONGO_FILES_MAX = 64,    /* media of one event                                                         */
    MONGO_CHUNK = 255 * 1024, /* GridFS                                                                    */
    MONGO_EVENT_MAX = 1 << 20, /* its JSON                                                                  */
    MONGO_VERSION = 1,       /* "v" of what we write                                                       */
};

struct mongo;
struct mongo_options {
    const char *uri;     /* holds secrets: in no error, in no log */
    int64_t     call_ms; /* deadline of one call, unless the string has its own (20 s) */
};
/* ERR_INPUT: it is no connection string, or names no database. Nothing is said of what it holds. */
int mongo_check(const char *uri, struct err *e) MUST_CHECK;
/* Connects to nothing yet. */
int mongo_open(const struct mongo_options *o, struct mongo **out, struct err *e) MUST_CHECK;
void mongo_close(struct mongo **m);
/* "db1:27017,db2:27017/postern": hosts and database, for people. */
const char *mongo_where(const struct mongo *m);

const char *mongo_library(void); /* its version */
/* First thing of a program, before any thread. Before main() libmongoc makes an object of shared memory for its counters, named after
 * the pid, which a kill -9 leaves behind; the next process of that pid would print a line of libmongoc's own. Nobody reads it. */
void mongo_hide_counters(void);
/* Whether a time comes back from a document as it went in: for postern selftest, on machines with narrow types. */
bool mongo_keeps_time(int64_t wall_ms) MUST_CHECK;

/* --- writing. -1: ERR_TIMEOUT, ERR_IO: nobody can say what was done, say it all again later. ERR_INPUT: the server took the rest, but
 * refused these documents for what they are, or has no room for them; see mongo_refused. ---------------------------------------- */

struct mongo_event {
    char        id[ID_TEXT];
    int64_t     seq, changed, received_ms;
    const char *json; /* as everybody sees it */
    size_t      json_length;
    struct mongo_file_of {
        int         n;    /* the medium's */
        const char *hash; /* its file     */
    } files[MONGO_FILES_MAX];
    size_t file_count;
};
int mongo_insert(struct mongo *m, const char *site, const struct mongo_event *events, size_t n, struct err *e) MUST_CHECK;
/* Which of the last insert were refused: their indexes. */
const size_t *mongo_refused(const struct mongo *m, size_t *count_out);
/* In place of one that is refused: says that it was there and why it is not here. */
int mongo_insert_stub(struct mongo *m, const char *site, const struct mongo_event *event, const char *why, struct err *e) MUST_CHECK;
/* They are now thus; what is not there is put there. At most MONGO_UPDATE_MAX. */
int mongo_update(struct mongo *m, const char *site, const struct mongo_event *events, size_t n, struct err *e) MUST_CHECK;
/* These events are gone, and those of their files that no other event has. At most MONGO_UPDATE_MAX. */
int mongo_erase(struct mongo *m, const char (*ids)[ID_TEXT], size_t n, struct err *e) MUST_CHECK;
/* By age: a bite of the site's events from before then go, but for those that somebody keeps; or only their files. How many events
 * were met; 0: that was all; -1. */
int mongo_forget_events(struct mongo *m, const char *site, int64_t before_ms, struct err *e) MUST_CHECK;
int mongo_forget_files(struct mongo *m, const char *site, int64_t before_ms, struct err *e) MUST_CHECK;

/* One piece of a file, MONGO_CHUNK bytes but for the last; and the file itself, said last: so what is listed is whole. */
int mongo_put_chunk(struct mongo *m, const char *hash, int n, const void *bytes, size_t length, struct err *e) MUST_CHECK;
int mongo_put_file(struct mongo *m, const char *hash, const char *type, const char *site, int64_t bytes, int64_t wall_ms, struct err *e) MUST_CHECK;

/* How far a gateway is, as the archive itself has it: an archive that was lost or came back from a backup says so. 1, 0: it does
 * not know this gateway, -1. */
int mongo_get_mark(struct mongo *m, const char *gateway, int64_t *seq_out, int64_t *changed_out, struct err *e) MUST_CHECK;
int mongo_put_mark(struct mongo *m, const char *gateway, const char *site, int64_t seq, int64_t changed, int64_t wall_ms,
                   struct err *e) MUST_CHECK;
/* Indexes for what is asked below, where they are of use. */
int mongo_make_indexes(struct mongo *m, struct err *e) MUST_CHECK;

/* --- reading (FerretDB 1.24 reads the whole collection for each of these, whatever is asked) ------------------------------------ */

/* NULL, -1 and 0 mean any. */
struct mongo_filter {
    const char *site, *kind, *device, *zone_name, *user; /* kind: "alarm.tamper", "alarm.*" */
    const char *const *terms; /* NULL ends; folded: " motion ", " doo", " front door ": all are in it */
    int         zone, severity, is_acknowledged, is_kept, has_picture, has_person;
    int64_t     since_ms, until_ms;
    const char *beyond; /* _id: older than this (or younger, if is_oldest_first) */
    bool        is_oldest_first;
    int         limit;
};
const char *mongo_first_id(char out[ID_TEXT], int64_t wall_ms); /* the lowest of that millisecond */
/* Hands out the JSON of each: the text is good during the call; false ends it. How many were handed out, or -1. */
int mongo_find(struct mongo *m, const struct mongo_filter *f, bool (*on_event)(void *user, const char *id, const char *json), void *user,
               struct err *e) MUST_CHECK;
/* The time that an id begins with. */
int64_t mongo_id_ms(const char *id);
/* All of them, in no order; kind and device are "" where there is none. false ends it. ERR_INPUT: after until_ms (monotonic) there were more. */
int mongo_scan(struct mongo *m, const struct mongo_filter *f, int64_t until_ms,
               bool (*on_event)(void *user, const char *id, const char *kind, const char *device), void *user, struct err *e) MUST_CHECK;
/* Whether the last mongo_find found less than there is, for want of memory. */
bool mongo_was_cut(const struct mongo *m);
/* Its JSON: 1, 0: no such event, -1. */
int mongo_find_one(struct mongo *m, const char *id, struct buf *json_out, struct err *e) MUST_CHECK;

struct mongo_file {
    char    hash[72], type[80];
    int64_t bytes;
};
/* The file of an event's n-th medium: 1, 0: no such, -1. */
int mongo_find_file(struct mongo *m, const char *event, int n, struct mongo_file *out, struct err *e) MUST_CHECK;
/* Its n-th piece (from 0) added to out: 1, 0: no such, -1. */
int mongo_read_chunk(struct mongo *m, const char *hash, int n, struct buf *out, struct err *e) MUST_CHECK;
