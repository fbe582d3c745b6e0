/* mongo_rows: only what every server has: find, sort by _id. The cursor ends with its object: FerretDB 1.24 hangs with a hundred open ones. */
#include "store/mongo_rows.h"
#include "store/mongo_inside.h"
#include <stdlib.h>

enum { AT_ONCE = 500, DEPTH_MAX = 8 };

struct mongo_rows {
    struct mongo        *mongo;
    mongoc_collection_t *collection;
    mongoc_cursor_t     *cursor;
};

int mongo_rows_open(struct mongo *m, const char *collection, struct mongo_rows **out, struct err *e)
{
    if (mongo_connect(m, e) < 0)
        return -1;
    struct mongo_rows *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "out of memory");
    bson_t *all = bson_new(), *opts = BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}", "batchSize", BCON_INT32(AT_ONCE));
    r->mongo = m;
    r->collection = mongo_collection(m, collection);
    r->cursor = mongoc_collection_find_with_opts(r->collection, all, opts, NULL);
    bson_destroy(all);
    bson_destroy(opts);
    *out = r;
    return 0;
}

void mongo_rows_close(struct mongo_rows **rp)
{
    struct mongo_rows *r = TAKE(*rp);
    if (!r)
        return;
    mongoc_cursor_destroy(r->cursor);
    mongoc_collection_destroy(r->collection);
    free(r);
}

int64_t mongo_rows_count(struct mongo_rows *r)
{
    bson_error_t why;
    int64_t      n = mongoc_collection_estimated_document_count(r->collection, NULL, NULL, NULL, &why);
    return n > 0 ? n : 0;
}

static void write_value(struct json_out *w, const char *key, const bson_iter_t *value, int depth);

static void write_members(struct json_out *w, const bson_iter_t *container, bool is_array, int depth)
{
    bson_iter_t child;
    if (depth > DEPTH_MAX || !bson_iter_recurse(container, &child))
        return;
    while (bson_iter_next(&child))
        write_value(w, is_array ? NULL : bson_iter_key(&child), &child, depth + 1);
}

static void write_value(struct json_out *w, const char *key, const bson_iter_t *value, int depth)
{
    char id[25];
    if (BSON_ITER_HOLDS_DATE_TIME(value)) {
        json_time(w, key, bson_iter_date_time(value));
    } else if (BSON_ITER_HOLDS_OID(value)) {
        bson_oid_to_string(bson_iter_oid(value), id);
        json_s(w, key, id);
    } else if (BSON_ITER_HOLDS_DOCUMENT(value) || BSON_ITER_HOLDS_ARRAY(value)) {
        bool is_array = BSON_ITER_HOLDS_ARRAY(value);
        if (is_array)
            json_array(w, key);
        else
            json_object(w, key);
        write_members(w, value, is_array, depth);
        json_end(w);
    } else {
        doc_write_json(w, key, value);
    }
}

int mongo_rows_next(struct mongo_rows *r, struct buf *json, struct err *e)
{
    const bson_t *doc;
    bson_error_t  why;
    bson_iter_t   member;
    if (!mongoc_cursor_next(r->cursor, &doc)) {
        if (!mongoc_cursor_error(r->cursor, &why))
            return 0;
        (void)err_set(e, ERR_IO, "%s: %.160s", mongo_where(r->mongo), why.message);
        return -1;
    }
    struct json_out w = json_begin(json);
    json_object(&w, NULL);
    if (bson_iter_init(&member, doc))
        while (bson_iter_next(&member))
            write_value(&w, bson_iter_key(&member), &member, 0);
    json_end(&w);
    return json->failed ? err_set(e, ERR_INPUT, "it is too large") : 1;
}
