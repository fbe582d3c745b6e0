/* mongo_inside: what the files around libmongoc share. */
#pragma once
#include "core/json.h"
#include "store/mongo.h"
#include <mongoc/mongoc.h>

struct mongo {
    mongoc_uri_t    *uri;
    mongoc_client_t *client;  /* NULL: not yet                                    */
    bool             is_lost; /* nobody knows the connection's state: not used again */
    char            *where;
    const char      *database; /* of the uri */
    size_t           refused[MONGO_BATCH_MAX];
    size_t           refused_count;
};

/* mongo.c */
int                  mongo_connect(struct mongo *m, struct err *e) MUST_CHECK; /* a client is there; no byte is sent */
mongoc_collection_t *mongo_collection(struct mongo *m, const char *name);
/* What went wrong, without secrets; a connection whose state nobody knows is given up. Returns -1. */
int mongo_failed(struct mongo *m, const bson_error_t *why, struct err *e);
/* A write command: for updates and deletes, which the library's helpers would split in their own way; the write concern is the client's. */
int mongo_run_write(struct mongo *m, const bson_t *command, struct err *e) MUST_CHECK;
void done_bson(bson_t **b);              /* CLEANUP handlers */
void done_collection(mongoc_collection_t **c);
void done_cursor(mongoc_cursor_t **c);

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
