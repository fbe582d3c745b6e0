/* mongo_scan: looking at each document that fits, in whatever order they come, in batches: neither the server nor we hold more than one of
 * them, so each call is short, however much there is. It is how things are counted, and how FerretDB 1 is asked for a page: it would read all
 * it has anyhow, and sort it in memory. */
#include "core/clock.h"
#include "store/mongo_inside.h"
#include <stdlib.h>
#include <string.h>

enum { SCAN_BATCH = 500, SCAN_MS = 120 * 1000, FOUND_MAX = 1000, FOUND_BYTES = 8 << 20 };

/* --- counting --------------------------------------------------------------------------------------------------------- */

/* What is counted of each. */
static bson_t *options_of_scan(void)
{
    bson_t *options = bson_new(), projection;
    BSON_APPEND_DOCUMENT_BEGIN(options, "projection", &projection);
    BSON_APPEND_INT32(&projection, "event.kind", 1);
    BSON_APPEND_INT32(&projection, "event.device.id", 1);
    (void)bson_append_document_end(options, &projection);
    BSON_APPEND_INT32(options, "batchSize", SCAN_BATCH);
    return options;
}

static const char *text_at(const bson_t *doc, const char *path)
{
    bson_iter_t top, at;
    return bson_iter_init(&top, doc) && bson_iter_find_descendant(&top, path, &at) && BSON_ITER_HOLDS_UTF8(&at) ? bson_iter_utf8(&at, NULL) : "";
}

int mongo_scan(struct mongo *m, const struct mongo_filter *f, int64_t until_ms,
               bool (*on_event)(void *user, const char *id, const char *kind, const char *device), void *user, struct err *e)
{
    if (mongo_connect(m, e) < 0)
        return -1;
    CLEANUP(done_bson) bson_t *filter = mongo_filter_of(f);
    CLEANUP(done_bson) bson_t *options = options_of_scan();
    CLEANUP(done_collection) mongoc_collection_t *from = mongo_collection(m, "events");
    CLEANUP(done_cursor) mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, filter, options, NULL);
    const bson_t *doc;
    bson_error_t  why;
    bool          wants_more = true;
    while (wants_more && mongoc_cursor_next(cursor, &doc)) {
        wants_more = on_event(user, mongo_id_of(doc), text_at(doc, "event.kind"), text_at(doc, "event.device.id"));
        if (wants_more && clock_mono_ms() > until_ms)
            return err_set(e, ERR_INPUT, "too many events to count one by one in the archive; narrow since and until");
    }
    return mongoc_cursor_error(cursor, &why) ? mongo_failed(m, &why, e) : 0;
}

/* --- a page ----------------------------------------------------------------------------------------------------------- */

/* The first so many in the order that is asked for; the last of them may have to go. */
struct best {
    bson_t **items;
    size_t   count, limit, bytes;
    bool     is_oldest_first, is_cut;
};

static void done_best(struct best *b)
{
    for (size_t i = 0; i < b->count; i++)
        bson_destroy(b->items[i]);
    free(b->items);
}

static bool comes_before(const struct best *b, const char *id, const bson_t *other)
{
    int order = strcmp(id, mongo_id_of(other));
    return b->is_oldest_first ? order < 0 : order > 0;
}

/* How many come before it. */
static size_t place_of(const struct best *b, const char *id)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (comes_before(b, id, b->items[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void drop_last(struct best *b)
{
    bson_t *last = b->items[--b->count];
    b->bytes -= last->len;
    bson_destroy(last);
}

/* What is dropped for want of room, and all behind it, is a later page's. */
static void keep_within(struct best *b)
{
    while (b->bytes > FOUND_BYTES && b->count > 1) {
        drop_last(b);
        b->limit = b->count;
        b->is_cut = true;
    }
}

static int consider(struct best *b, const bson_t *doc, struct err *e)
{
    size_t at = place_of(b, mongo_id_of(doc));
    if (at == b->limit)
        return 0;
    bson_t *copy = bson_copy(doc);
    if (!copy)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (b->count == b->limit)
        drop_last(b);
    memmove(&b->items[at + 1], &b->items[at], (b->count - at) * sizeof *b->items);
    b->items[at] = copy;
    b->count++;
    b->bytes += copy->len;
    keep_within(b);
    return 0;
}

static int look_at_all(struct mongo *m, const struct mongo_filter *f, struct best *b, struct err *e)
{
    CLEANUP(done_bson) bson_t *filter = mongo_filter_of(f);
    CLEANUP(done_bson) bson_t *options = bson_new();
    BSON_APPEND_INT32(options, "batchSize", SCAN_BATCH);
    CLEANUP(done_collection) mongoc_collection_t *from = mongo_collection(m, "events");
    CLEANUP(done_cursor) mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, filter, options, NULL);
    const bson_t *doc;
    bson_error_t  why;
    int64_t       until_ms = clock_mono_ms() + SCAN_MS;
    while (mongoc_cursor_next(cursor, &doc)) {
        if (consider(b, doc, e) < 0)
            return -1;
        if (clock_mono_ms() > until_ms)
            return err_set(e, ERR_TIMEOUT, "%s: it has more to look through than it can in two minutes", mongo_where(m));
    }
    return mongoc_cursor_error(cursor, &why) ? mongo_failed(m, &why, e) : 0;
}

/* How many were handed out. */
static int hand_out(const struct best *b, mongo_found *on_event, void *user)
{
    CLEANUP(buf_done) struct buf json;
    int                          count = 0;
    buf_init(&json, MONGO_EVENT_MAX);
    for (size_t i = 0; i < b->count; i++) {
        buf_clear(&json);
        if (!mongo_write_event(b->items[i], &json) || json.failed)
            continue;
        if (!on_event(user, mongo_id_of(b->items[i]), buf_str(&json)))
            return count;
        count++;
    }
    return count;
}

int mongo_find_by_scan(struct mongo *m, const struct mongo_filter *f, mongo_found *on_event, void *user, struct err *e)
{
    struct best b = { .limit = f->limit > 0 ? (size_t)f->limit : FOUND_MAX, .is_oldest_first = f->is_oldest_first };
    b.items = calloc(b.limit, sizeof *b.items);
    if (!b.items)
        return err_set(e, ERR_NOMEM, "out of memory");
    int result = look_at_all(m, f, &b, e);
    m->is_cut = b.is_cut;
    if (result == 0)
        result = hand_out(&b, on_event, user);
    done_best(&b);
    return result;
}
