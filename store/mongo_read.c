/* mongo_read: what the archive is asked. Filters use what every server has: equality, ranges, $in and plain regular expressions on
 * dotted paths. Times are ranges of _id, which begins with the time: the one index that is always there serves them. Every cursor
 * is read to its end: a row set left open is one of the hundred with which FerretDB 1.24's database hangs. */
#include "core/clock.h"
#include "store/mongo_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGEX_MAX = 400 };

/* --- filters ---------------------------------------------------------------------------------------------------------- */

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int64_t mongo_id_ms(const char *id)
{
    uint64_t ms = 0;
    for (int i = 0; i < 10 && id[i]; i++) {
        const char *digit = strchr(digits, id[i]);
        ms = ms << 5 | (uint64_t)(digit ? digit - digits : 0);
    }
    return (int64_t)ms;
}

const char *mongo_first_id(char out[ID_TEXT], int64_t wall_ms)
{
    uint64_t          rest = wall_ms > 0 ? (uint64_t)wall_ms : 0;
    for (int i = 9; i >= 0; i--, rest >>= 5)
        out[i] = digits[rest & 31];
    memset(out + 10, '0', 16);
    out[26] = '\0';
    return out;
}

static void put_ids(bson_t *filter, const struct mongo_filter *f)
{
    char   since[ID_TEXT], until[ID_TEXT];
    bson_t range;
    const char *above = f->since_ms ? mongo_first_id(since, f->since_ms) : NULL, *below = f->until_ms ? mongo_first_id(until, f->until_ms) : NULL;
    const char *after = f->is_oldest_first ? f->beyond : NULL, *before = f->is_oldest_first ? NULL : f->beyond;
    if (before && (!below || strcmp(before, below) < 0))
        below = before;
    if (!above && !below && !after)
        return;
    BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &range);
    if (after && (!above || strcmp(after, above) >= 0))
        BSON_APPEND_UTF8(&range, "$gt", after);
    else if (above)
        BSON_APPEND_UTF8(&range, "$gte", above);
    if (below)
        BSON_APPEND_UTF8(&range, "$lt", below);
    (void)bson_append_document_end(filter, &range);
}

static void put_text(bson_t *filter, const char *path, const char *value)
{
    if (value)
        BSON_APPEND_UTF8(filter, path, value);
}

/* "alarm.*" is the range from "alarm." to "alarm/". */
static void put_kind(bson_t *filter, const char *kind)
{
    size_t n = kind ? strlen(kind) : 0;
    char   from[80], to[80];
    bson_t range;
    if (n < 2 || n >= sizeof from || strcmp(kind + n - 2, ".*") != 0) {
        put_text(filter, "event.kind", kind);
        return;
    }
    (void)snprintf(from, sizeof from, "%.*s", (int)(n - 1), kind);
    (void)snprintf(to, sizeof to, "%.*s/", (int)(n - 2), kind);
    BSON_APPEND_DOCUMENT_BEGIN(filter, "event.kind", &range);
    BSON_APPEND_UTF8(&range, "$gte", from);
    BSON_APPEND_UTF8(&range, "$lt", to);
    (void)bson_append_document_end(filter, &range);
}

/* A regular expression without regard to the case of A-Z that matches this text and nothing else. */
static void put_same(bson_t *filter, const char *path, const char *value)
{
    char   regex[REGEX_MAX + 4] = "^";
    size_t n = 1;
    if (!value)
        return;
    for (; *value && n < REGEX_MAX; value++) {
        if (strchr("\\^$.|?*+()[]{}/", *value))
            regex[n++] = '\\';
        regex[n++] = *value;
    }
    regex[n++] = '$';
    regex[n] = '\0';
    BSON_APPEND_REGEX(filter, path, regex, "i");
}

/* { words: /…/ } each; folded words hold letters and digits only, so nothing needs escaping. */
static void put_terms(bson_t *all, const char *const *terms, int *n)
{
    for (; terms && *terms; terms++) {
        char   index[16];
        bson_t one;
        (void)snprintf(index, sizeof index, "%d", (*n)++);
        BSON_APPEND_DOCUMENT_BEGIN(all, index, &one);
        BSON_APPEND_REGEX(&one, "words", *terms, "");
        (void)bson_append_document_end(all, &one);
    }
}

/* What makes a person: { $or: […] }, or { $nor: […] }. */
static void put_person(bson_t *all, int is, int *n)
{
    char   index[16];
    bson_t one, ways, way;
    if (is < 0)
        return;
    (void)snprintf(index, sizeof index, "%d", (*n)++);
    BSON_APPEND_DOCUMENT_BEGIN(all, index, &one);
    BSON_APPEND_ARRAY_BEGIN(&one, is > 0 ? "$or" : "$nor", &ways);
    BSON_APPEND_DOCUMENT_BEGIN(&ways, "0", &way);
    BSON_APPEND_BOOL(&way, "event.person", true);
    (void)bson_append_document_end(&ways, &way);
    BSON_APPEND_DOCUMENT_BEGIN(&ways, "1", &way);
    BSON_APPEND_UTF8(&way, "event.target", "person");
    (void)bson_append_document_end(&ways, &way);
    BSON_APPEND_DOCUMENT_BEGIN(&ways, "2", &way);
    BSON_APPEND_UTF8(&way, "event.kind", "camera.person");
    (void)bson_append_document_end(&ways, &way);
    (void)bson_append_array_end(&one, &ways);
    (void)bson_append_document_end(all, &one);
}

/* { $and: […] }, if there is anything in it. */
static void put_all(bson_t *filter, const struct mongo_filter *f)
{
    bson_t all;
    int    n = 0;
    if (f->has_person < 0 && (!f->terms || !f->terms[0]))
        return;
    BSON_APPEND_ARRAY_BEGIN(filter, "$and", &all);
    put_terms(&all, f->terms, &n);
    put_person(&all, f->has_person, &n);
    (void)bson_append_array_end(filter, &all);
}

/* is: 1 wants it true, 0 wants it anything else. */
static void put_flag(bson_t *filter, const char *path, int is)
{
    bson_t not;
    if (is > 0) {
        BSON_APPEND_BOOL(filter, path, true);
    } else if (is == 0) {
        BSON_APPEND_DOCUMENT_BEGIN(filter, path, &not);
        BSON_APPEND_BOOL(&not, "$ne", true);
        (void)bson_append_document_end(filter, &not);
    }
}

static void put_exists(bson_t *filter, const char *path, int is)
{
    bson_t exists;
    if (is < 0)
        return;
    BSON_APPEND_DOCUMENT_BEGIN(filter, path, &exists);
    BSON_APPEND_BOOL(&exists, "$exists", is > 0);
    (void)bson_append_document_end(filter, &exists);
}

bson_t *mongo_filter_of(const struct mongo_filter *f)
{
    static const char *const severities[] = { "info", "warning", "alarm" };
    bson_t *filter = bson_new();
    put_text(filter, "site", f->site);
    put_ids(filter, f);
    put_kind(filter, f->kind);
    put_text(filter, "event.device.id", f->device);
    put_same(filter, "event.zone.name", f->zone_name);
    put_same(filter, "event.user", f->user);
    if (f->severity >= 0 && f->severity < (int)COUNT(severities))
        put_text(filter, "event.severity", severities[f->severity]);
    if (f->zone >= 0)
        BSON_APPEND_INT64(filter, "event.zone.number", f->zone);
    put_flag(filter, "event.kept", f->is_kept);
    put_exists(filter, "event.acknowledged_at", f->is_acknowledged);
    put_exists(filter, "media", f->has_picture);
    put_all(filter, f);
    return filter;
}

/* --- finding ---------------------------------------------------------------------------------------------------------- */

/* All that is found in one answer, so that the server keeps no cursor. */
static bson_t *options_of(int limit, bool is_oldest_first)
{
    bson_t *options = bson_new(), sort;
    if (limit > 0) {
        BSON_APPEND_INT64(options, "limit", limit);
        BSON_APPEND_INT32(options, "batchSize", limit + 1);
        BSON_APPEND_DOCUMENT_BEGIN(options, "sort", &sort);
        BSON_APPEND_INT32(&sort, "_id", is_oldest_first ? 1 : -1);
        (void)bson_append_document_end(options, &sort);
    }
    return options;
}

/* A newer version may have moved it. */
int mongo_write_event(const bson_t *doc, struct buf *json)
{
    bson_iter_t     at;
    struct json_out w = json_begin(json);
    if (!bson_iter_init_find(&at, doc, "event") || !BSON_ITER_HOLDS_DOCUMENT(&at))
        return 0;
    doc_write_json(&w, NULL, &at);
    return 1;
}

const char *mongo_id_of(const bson_t *doc)
{
    bson_iter_t at;
    return bson_iter_init_find(&at, doc, "_id") && BSON_ITER_HOLDS_UTF8(&at) ? bson_iter_utf8(&at, NULL) : "";
}

int mongo_find(struct mongo *m, const struct mongo_filter *f, bool (*on_event)(void *user, const char *id, const char *json), void *user,
               struct err *e)
{
    bool uses_indexes = true;
    if (mongo_uses_indexes(m, &uses_indexes, e) < 0)
        return -1;
    m->is_cut = false;
    if (!uses_indexes)
        return mongo_find_by_scan(m, f, on_event, user, e);
    CLEANUP(done_bson) bson_t *filter = mongo_filter_of(f);
    CLEANUP(done_bson) bson_t *options = options_of(f->limit, f->is_oldest_first);
    CLEANUP(done_collection) mongoc_collection_t *from = mongo_collection(m, "events");
    CLEANUP(done_cursor) mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, filter, options, NULL);
    CLEANUP(buf_done) struct buf json;
    const bson_t                *doc;
    bson_error_t                 why;
    bool                         wants_more = true;
    int                          count = 0;
    buf_init(&json, MONGO_EVENT_MAX);
    while (mongoc_cursor_next(cursor, &doc)) {
        buf_clear(&json);
        if (!wants_more || !mongo_write_event(doc, &json) || json.failed)
            continue;
        wants_more = on_event(user, mongo_id_of(doc), buf_str(&json));
        count += wants_more;
    }
    return mongoc_cursor_error(cursor, &why) ? mongo_failed(m, &why, e) : count;
}

bool mongo_was_cut(const struct mongo *m)
{
    return m->is_cut;
}

static int on_one(void *user, const bson_t *doc)
{
    return mongo_write_event(doc, user);
}

int mongo_find_one(struct mongo *m, const char *id, struct buf *json_out, struct err *e)
{
    return mongo_each_with(m, "events", "_id", id, on_one, json_out, e);
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

struct file_search {
    int                n;
    struct mongo_file *out;
};

static int64_t number_of(const bson_iter_t *object, const char *key)
{
    bson_iter_t at;
    return bson_iter_recurse(object, &at) && bson_iter_find(&at, key) ? bson_iter_as_int64(&at) : 0;
}

static void copy_text(const bson_iter_t *object, const char *key, char *out, size_t size)
{
    bson_iter_t at;
    if (bson_iter_recurse(object, &at) && bson_iter_find(&at, key) && BSON_ITER_HOLDS_UTF8(&at))
        (void)snprintf(out, size, "%s", bson_iter_utf8(&at, NULL));
}

/* The item with that n of a list at path: its members. */
static bool find_item(const bson_t *doc, const char *path, int n, bson_iter_t *out)
{
    bson_iter_t top, list;
    if (!bson_iter_init(&top, doc) || !bson_iter_find_descendant(&top, path, &list) || !bson_iter_recurse(&list, out))
        return false;
    while (bson_iter_next(out))
        if (number_of(out, "n") == n)
            return true;
    return false;
}

static int on_file(void *user, const bson_t *doc)
{
    struct file_search *s = user;
    bson_iter_t         item;
    if (!find_item(doc, "media", s->n, &item))
        return 0;
    copy_text(&item, "file", s->out->hash, sizeof s->out->hash);
    if (find_item(doc, "event.media", s->n, &item)) {
        copy_text(&item, "type", s->out->type, sizeof s->out->type);
        s->out->bytes = number_of(&item, "bytes");
    }
    return s->out->hash[0] != '\0';
}

int mongo_find_file(struct mongo *m, const char *event, int n, struct mongo_file *out, struct err *e)
{
    struct file_search s = { .n = n, .out = out };
    *out = (struct mongo_file){ .bytes = 0 };
    return mongo_each_with(m, "events", "_id", event, on_file, &s, e);
}

static int on_chunk(void *user, const bson_t *doc)
{
    bson_iter_t    at;
    uint32_t       n = 0;
    const uint8_t *bytes = NULL;
    if (!bson_iter_init_find(&at, doc, "data") || !BSON_ITER_HOLDS_BINARY(&at))
        return 0;
    bson_iter_binary(&at, NULL, &n, &bytes);
    buf_put(user, bytes, n);
    return 1;
}

int mongo_read_chunk(struct mongo *m, const char *hash, int n, struct buf *out, struct err *e)
{
    char id[96];
    int  found = mongo_each_with(m, "fs.chunks", "_id", doc_chunk_id(id, hash, n), on_chunk, out, e);
    return found > 0 && out->failed ? err_set(e, ERR_NOMEM, "no room for a piece of a file") : found;
}
