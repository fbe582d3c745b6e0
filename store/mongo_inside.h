/* mongo_inside: what the files around libmongoc share. */
#pragma once
#include "core/json.h"
#include "store/mongo.h"
#include <mongoc/mongoc.h>

struct mongo {
    mongoc_uri_t    *uri;
    mongoc_client_t *client;  /* NULL: not yet                                    */
    bool             is_lost; /* nobody knows the connection's state: not used again */
    bool             is_known, uses_indexes; /* what its server does */
    bool             is_cut;                 /* see mongo_was_cut */
    char            *where;
    const char      *database; /* of the uri */
    size_t           refused[MONGO_BATCH_MAX];
    size_t           refused_count;
};

/* mongo.c */
int                  mongo_connect(struct mongo *m, struct err *e) MUST_CHECK; /* a client is there; no byte is sent */
/* Whether the server finds anything by an index. FerretDB 1's cost inserts and help no query: it reads all it has, and sorts in memory (9 KB
 * an event: 50,000 of them are 450 MB). */
int mongo_uses_indexes(struct mongo *m, bool *out, struct err *e) MUST_CHECK;
mongoc_collection_t *mongo_collection(struct mongo *m, const char *name);
/* What went wrong, without secrets; a connection whose state nobody knows is given up. Returns -1. */
int mongo_failed(struct mongo *m, const bson_error_t *why, struct err *e);
/* A write command: for updates and deletes, which the library's helpers would split in their own way; the write concern is the client's. */
int mongo_run_write(struct mongo *m, const bson_t *command, struct err *e) MUST_CHECK;
/* { path: value } in a collection: each that is found is handed to on_doc. The sum of what that said, or -1. */
int mongo_each_with(struct mongo *m, const char *collection, const char *path, const char *value,
                    int (*on_doc)(void *user, const bson_t *doc), void *user, struct err *e) MUST_CHECK;
void done_bson(bson_t **b);              /* CLEANUP handlers */
void done_collection(mongoc_collection_t **c);
void done_cursor(mongoc_cursor_t **c);

/* mongo_read.c */
bson_t     *mongo_filter_of(const struct mongo_filter *f);
const char *mongo_id_of(const bson_t *doc);                      /* "": it has none */
int         mongo_write_event(const bson_t *doc, struct buf *json); /* the member `event` of whatever version: 1; 0: it has none */
typedef bool mongo_found(void *user, const char *id, const char *json);
/* mongo_scan.c: as mongo_find, by looking at each document that fits, however many there are. */
int mongo_find_by_scan(struct mongo *m, const struct mongo_filter *f, mongo_found *on_event, void *user, struct err *e) MUST_CHECK;

/* mongo_doc.c */
/* JSON as a document under key. Keys that servers refuse are made plain; a number that no server stores is left out. */
void doc_put_json(bson_t *to, const char *key, const struct json *value);
/* And back: a value of a document as JSON. */
void doc_write_json(struct json_out *w, const char *key, const bson_iter_t *value);
/* An event's document: all of it, or what a later change of it sets. NULL: out of memory, or its JSON is none (*e). */
bson_t *doc_of_event(const char *site, const struct mongo_event *ev, struct err *e);
bson_t *doc_of_change(const char *site, const struct mongo_event *ev, struct err *e); /* an update statement: q, u, upsert */
bson_t *doc_of_stub(const char *site, const struct mongo_event *ev, const char *why);
const char *doc_chunk_id(char out[96], const char *hash, int n);
