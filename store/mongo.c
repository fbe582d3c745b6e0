/* mongo: connecting and writing. */
#include "store/mongo_inside.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CALL_MS = 20000, CONNECT_MS = 5000, ALREADY_THERE = 11000, ANSWER_MAX = 200 };

/* --- life ----------------------------------------------------------------------------------------------------------- */

static void be_silent(mongoc_log_level_t level, const char *domain, const char *message, void *user)
{
    (void)level, (void)domain, (void)message, (void)user; /* it writes to our stdout, and may name what is secret */
}

static void init_library(void)
{
    mongoc_log_set_handler(be_silent, NULL);
    mongoc_init();
}

void mongo_hide_counters(void)
{
    char name[32];
    (void)snprintf(name, sizeof name, "/mongoc-%u", (unsigned)getpid());
    (void)shm_unlink(name); /* the memory stays */
}

static void default_ms(mongoc_uri_t *uri, const char *option, int64_t ms)
{
    if (!mongoc_uri_has_option(uri, option))
        (void)mongoc_uri_set_option_as_int32(uri, option, (int32_t)ms);
}

/* A batch is done when no failover can take it back; a string that says otherwise is not followed. */
static void want_majority(mongoc_uri_t *uri, int64_t call_ms)
{
    mongoc_write_concern_t *w = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(w, (int32_t)(call_ms / 2));
    mongoc_uri_set_write_concern(uri, w);
    mongoc_write_concern_destroy(w);
}

/* NULL: *e says what is wrong, without a word of the string. */
static mongoc_uri_t *read_uri(const char *text, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_library);
    bson_error_t  why;
    mongoc_uri_t *uri = mongoc_uri_new_with_error(text, &why);
    if (!uri) {
        (void)err_set(e, ERR_INPUT, "it is no MongoDB connection string: mongodb://user:password@host:27017/database, with special"
                                    " characters of name and password as %%XX");
        return NULL;
    }
    const char *database = mongoc_uri_get_database(uri);
    if (!database || !database[0]) {
        mongoc_uri_destroy(uri);
        (void)err_set(e, ERR_INPUT, "it names no database: mongodb://host:27017/database");
        return NULL;
    }
    return uri;
}

int mongo_check(const char *uri, struct err *e)
{
    mongoc_uri_t *read = read_uri(uri, e);
    if (!read)
        return -1;
    mongoc_uri_destroy(read);
    return 0;
}

static char *name_place(const mongoc_uri_t *uri)
{
    struct buf text;
    buf_init(&text, 1024);
    for (const mongoc_host_list_t *h = mongoc_uri_get_hosts(uri); h; h = h->next)
        buf_printf(&text, "%s%s", text.len > 0 ? "," : "", h->host_and_port);
    buf_printf(&text, "/%s", mongoc_uri_get_database(uri));
    return buf_take(&text);
}

int mongo_open(const struct mongo_options *o, struct mongo **out, struct err *e)
{
    mongoc_uri_t *uri = read_uri(o->uri, e);
    if (!uri)
        return -1;
    int64_t       call_ms = o->call_ms > 0 ? o->call_ms : CALL_MS, connect_ms = call_ms < CONNECT_MS ? call_ms : CONNECT_MS;
    struct mongo *m = calloc(1, sizeof *m);
    if (!m) {
        mongoc_uri_destroy(uri);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    default_ms(uri, MONGOC_URI_SOCKETTIMEOUTMS, call_ms);
    default_ms(uri, MONGOC_URI_CONNECTTIMEOUTMS, connect_ms);
    default_ms(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, connect_ms);
    want_majority(uri, call_ms);
    m->uri = uri;
    m->where = name_place(uri);
    m->database = mongoc_uri_get_database(uri);
    *out = m;
    return 0;
}

void mongo_close(struct mongo **mp)
{
    struct mongo *m = TAKE(*mp);
    if (!m)
        return;
    mongoc_client_destroy(m->client);
    mongoc_uri_destroy(m->uri);
    free(m->where);
    free(m);
}

const char *mongo_library(void)
{
    return mongoc_get_version();
}

const char *mongo_where(const struct mongo *m)
{
    return m->where ? m->where : "";
}

int mongo_connect(struct mongo *m, struct err *e)
{
    if (m->client && !m->is_lost)
        return 0;
    mongoc_client_destroy(m->client);
    m->is_lost = m->is_known = false;
    m->client = mongoc_client_new_from_uri(m->uri);
    if (!m->client)
        return err_set(e, ERR_INPUT, "%s: the connection string asks for what this build cannot do (TLS? DNS?)", mongo_where(m));
    (void)mongoc_client_set_error_api(m->client, MONGOC_ERROR_API_VERSION_2);
    (void)mongoc_client_set_appname(m->client, "postern");
    return 0;
}

mongoc_collection_t *mongo_collection(struct mongo *m, const char *name)
{
    return mongoc_client_get_collection(m->client, m->database, name);
}

/* A new client connects at once; the old one would keep away from its server for seconds after a failure. It is replaced by the next
 * call: whoever fails has cursors and collections of it still in hand. */
int mongo_failed(struct mongo *m, const bson_error_t *why, struct err *e)
{
    bool is_answer = why->domain == MONGOC_ERROR_SERVER || why->domain == MONGOC_ERROR_WRITE_CONCERN;
    m->is_lost |= !is_answer;
    return err_set(e, ERR_IO, "%s: %.*s", mongo_where(m), ANSWER_MAX, why->message);
}

void done_bson(bson_t **b)
{
    bson_destroy(*b);
}

void done_collection(mongoc_collection_t **c)
{
    mongoc_collection_destroy(*c);
}

void done_cursor(mongoc_cursor_t **c)
{
    mongoc_cursor_destroy(*c); /* also tells the server to close it */
}

/* --- what a server says to a write ------------------------------------------------------------------------------------ */

/* Reads writeErrors: those that are not "already there" go into m->refused. The first one's text into why. */
static void read_refusals(struct mongo *m, const bson_t *reply, bson_error_t *why)
{
    bson_iter_t list, item, field;
    m->refused_count = 0;
    if (!bson_iter_init_find(&list, reply, "writeErrors") || !bson_iter_recurse(&list, &item))
        return;
    while (bson_iter_next(&item) && m->refused_count < MONGO_BATCH_MAX) {
        if (bson_iter_recurse(&item, &field) && bson_iter_find(&field, "code") && bson_iter_as_int64(&field) == ALREADY_THERE)
            continue;
        if (m->refused_count == 0 && bson_iter_recurse(&item, &field) && bson_iter_find(&field, "errmsg") && BSON_ITER_HOLDS_UTF8(&field))
            (void)snprintf(why->message, sizeof why->message, "%s", bson_iter_utf8(&field, NULL));
        if (bson_iter_recurse(&item, &field) && bson_iter_find(&field, "index"))
            m->refused[m->refused_count++] = (size_t)bson_iter_as_int64(&field);
    }
}

static bool has_members(const bson_t *reply, const char *list)
{
    bson_iter_t at, item;
    return bson_iter_init_find(&at, reply, list) && bson_iter_recurse(&at, &item) && bson_iter_next(&item);
}

static bool is_error(const bson_t *reply)
{
    bson_iter_t at;
    return has_members(reply, "writeConcernErrors") || bson_iter_init_find(&at, reply, "writeConcernError");
}

/* 0: all of it is there, however it came there. */
static int judge(struct mongo *m, bool succeeded, const bson_t *reply, bson_error_t *why, struct err *e)
{
    m->refused_count = 0;
    if (succeeded && !has_members(reply, "writeErrors") && !is_error(reply))
        return 0;
    if (!has_members(reply, "writeErrors") || is_error(reply))
        return mongo_failed(m, why, e);
    read_refusals(m, reply, why);
    if (m->refused_count == 0)
        return 0;
    return err_set(e, ERR_INPUT, "%s: %zu refused: %.*s", mongo_where(m), m->refused_count, ANSWER_MAX, why->message);
}

const size_t *mongo_refused(const struct mongo *m, size_t *count_out)
{
    *count_out = m->refused_count;
    return m->refused;
}

static int insert_all(struct mongo *m, const char *name, bson_t **docs, size_t n, struct err *e)
{
    if (mongo_connect(m, e) < 0)
        return -1;
    CLEANUP(done_collection) mongoc_collection_t *into = mongo_collection(m, name);
    CLEANUP(done_bson) bson_t *options = bson_new();
    bson_t                     reply;
    bson_error_t               why = { 0 };
    BSON_APPEND_BOOL(options, "ordered", false);
    bool succeeded = mongoc_collection_insert_many(into, (const bson_t **)(void *)docs, n, options, &reply, &why);
    int  result = judge(m, succeeded, &reply, &why, e);
    bson_destroy(&reply);
    return result;
}

static int insert_one(struct mongo *m, const char *name, bson_t *doc, struct err *e)
{
    int result = insert_all(m, name, &doc, 1, e);
    bson_destroy(doc);
    return result;
}

int mongo_run_write(struct mongo *m, const bson_t *command, struct err *e)
{
    if (mongo_connect(m, e) < 0)
        return -1;
    bson_t       reply;
    bson_error_t why = { 0 };
    bool         succeeded = mongoc_client_write_command_with_opts(m->client, m->database, command, NULL, &reply, &why);
    int          result = judge(m, succeeded, &reply, &why, e);
    bson_destroy(&reply);
    return result;
}

/* --- events ----------------------------------------------------------------------------------------------------------- */

struct docs {
    bson_t *items[MONGO_BATCH_MAX];
    size_t  count;
};

static void done_docs(struct docs **d)
{
    for (size_t i = 0; *d && i < (*d)->count; i++)
        bson_destroy((*d)->items[i]);
    free(*d);
}

int mongo_insert(struct mongo *m, const char *site, const struct mongo_event *events, size_t n, struct err *e)
{
    CLEANUP(done_docs) struct docs *docs = calloc(1, sizeof *docs);
    if (!docs || n > MONGO_BATCH_MAX)
        return err_set(e, ERR_NOMEM, "no room for %zu events", n);
    for (; docs->count < n; docs->count++)
        if (!(docs->items[docs->count] = doc_of_event(site, &events[docs->count], e)))
            return -1;
    return insert_all(m, "events", docs->items, n, e);
}

int mongo_insert_stub(struct mongo *m, const char *site, const struct mongo_event *event, const char *why, struct err *e)
{
    return insert_one(m, "events", doc_of_stub(site, event, why), e);
}

int mongo_update(struct mongo *m, const char *site, const struct mongo_event *events, size_t n, struct err *e)
{
    CLEANUP(done_bson) bson_t *command = bson_new();
    bson_t                     list;
    int                        failed = n > MONGO_UPDATE_MAX ? err_set(e, ERR_LIMIT, "%zu changes in one command", n) : 0;
    BSON_APPEND_UTF8(command, "update", "events");
    BSON_APPEND_ARRAY_BEGIN(command, "updates", &list);
    for (size_t i = 0; !failed && i < n; i++) {
        char    index[16];
        bson_t *statement = doc_of_change(site, &events[i], e);
        (void)snprintf(index, sizeof index, "%zu", i);
        failed = statement && BSON_APPEND_DOCUMENT(&list, index, statement) ? 0 : -1;
        bson_destroy(statement);
    }
    (void)bson_append_array_end(command, &list);
    BSON_APPEND_BOOL(command, "ordered", false);
    return failed ? -1 : mongo_run_write(m, command, e);
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

int mongo_put_chunk(struct mongo *m, const char *hash, int n, const void *bytes, size_t length, struct err *e)
{
    char    id[96];
    bson_t *doc = bson_new();
    BSON_APPEND_UTF8(doc, "_id", doc_chunk_id(id, hash, n));
    BSON_APPEND_UTF8(doc, "files_id", hash);
    BSON_APPEND_INT32(doc, "n", n);
    BSON_APPEND_BINARY(doc, "data", BSON_SUBTYPE_BINARY, bytes, (uint32_t)length);
    return insert_one(m, "fs.chunks", doc, e);
}

int mongo_put_file(struct mongo *m, const char *hash, const char *type, const char *site, int64_t bytes, int64_t wall_ms, struct err *e)
{
    bson_t *doc = bson_new(), metadata;
    BSON_APPEND_UTF8(doc, "_id", hash);
    BSON_APPEND_INT64(doc, "length", bytes);
    BSON_APPEND_INT32(doc, "chunkSize", MONGO_CHUNK);
    BSON_APPEND_DATE_TIME(doc, "uploadDate", wall_ms);
    BSON_APPEND_UTF8(doc, "filename", hash);
    BSON_APPEND_DOCUMENT_BEGIN(doc, "metadata", &metadata);
    BSON_APPEND_UTF8(&metadata, "type", type);
    BSON_APPEND_UTF8(&metadata, "site", site); /* that sent it first */
    (void)bson_append_document_end(doc, &metadata);
    return insert_one(m, "fs.files", doc, e);
}

/* --- marks and indexes -------------------------------------------------------------------------------------------------- */

int mongo_put_mark(struct mongo *m, const char *gateway, const char *site, int64_t seq, int64_t changed, int64_t wall_ms, struct err *e)
{
    CLEANUP(done_bson) bson_t *set = BCON_NEW("v", BCON_INT32(MONGO_VERSION), "site", BCON_UTF8(site), "seq", BCON_INT64(seq), "changed",
                                              BCON_INT64(changed), "at", BCON_DATE_TIME(wall_ms));
    CLEANUP(done_bson) bson_t *command =
        BCON_NEW("update", BCON_UTF8("gateways"), "updates", "[", "{", "q", "{", "_id", BCON_UTF8(gateway), "}", "u", "{", "$set",
                 BCON_DOCUMENT(set), "}", "upsert", BCON_BOOL(true), "}", "]", "ordered", BCON_BOOL(false));
    return mongo_run_write(m, command, e);
}

int mongo_each_with(struct mongo *m, const char *collection, const char *path, const char *value,
                    int (*on_doc)(void *user, const bson_t *doc), void *user, struct err *e)
{
    if (mongo_connect(m, e) < 0)
        return -1;
    CLEANUP(done_bson) bson_t *filter = bson_new();
    BSON_APPEND_UTF8(filter, path, value);
    CLEANUP(done_collection) mongoc_collection_t *from = mongo_collection(m, collection);
    CLEANUP(done_cursor) mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, filter, NULL, NULL);
    const bson_t *doc;
    bson_error_t  why;
    int           count = 0;
    while (mongoc_cursor_next(cursor, &doc)) /* to its end: a row set left open is one of a hundred */
        count += on_doc(user, doc);
    return mongoc_cursor_error(cursor, &why) ? mongo_failed(m, &why, e) : count;
}

struct marks {
    int64_t *seq, *changed;
};

static int on_mark(void *user, const bson_t *doc)
{
    const struct marks *out = user;
    bson_iter_t         at;
    *out->seq = bson_iter_init_find(&at, doc, "seq") ? bson_iter_as_int64(&at) : 0;
    *out->changed = bson_iter_init_find(&at, doc, "changed") ? bson_iter_as_int64(&at) : 0;
    return 1;
}

int mongo_get_mark(struct mongo *m, const char *gateway, int64_t *seq_out, int64_t *changed_out, struct err *e)
{
    struct marks out = { seq_out, changed_out };
    return mongo_each_with(m, "gateways", "_id", gateway, on_mark, &out, e);
}

int mongo_uses_indexes(struct mongo *m, bool *out, struct err *e)
{
    if (mongo_connect(m, e) < 0)
        return -1;
    if (!m->is_known) {
        CLEANUP(done_bson) bson_t *command = bson_new();
        bson_t                     reply;
        bson_error_t               why;
        bson_iter_t                at;
        BSON_APPEND_INT32(command, "buildInfo", 1);
        bool succeeded = mongoc_client_command_simple(m->client, "admin", command, NULL, &reply, &why);
        m->uses_indexes = !bson_iter_init_find(&at, &reply, "ferretdbVersion");
        m->is_known = succeeded;
        bson_destroy(&reply);
        if (!succeeded)
            return mongo_failed(m, &why, e);
    }
    *out = m->uses_indexes;
    return 0;
}

static void put_index(bson_t *list, const char *at, const char *name, const char *const *fields)
{
    bson_t one, key;
    BSON_APPEND_DOCUMENT_BEGIN(list, at, &one);
    BSON_APPEND_DOCUMENT_BEGIN(&one, "key", &key);
    for (; *fields; fields++)
        BSON_APPEND_INT32(&key, *fields, 1);
    (void)bson_append_document_end(&one, &key);
    BSON_APPEND_UTF8(&one, "name", name);
    (void)bson_append_document_end(list, &one);
}

int mongo_make_indexes(struct mongo *m, struct err *e)
{
    static const struct {
        const char *collection, *name, *fields[4];
    } wanted[] = {
        { "events", "site_id", { "site", "_id", NULL } },
        { "events", "site_kind", { "site", "event.kind", "_id", NULL } },
        { "events", "site_device", { "site", "event.device.id", "_id", NULL } },
        { "events", "files", { "media.file", NULL } },
        { "fs.chunks", "files_id_1_n_1", { "files_id", "n", NULL } },
    };
    bool are_useful = false;
    if (mongo_uses_indexes(m, &are_useful, e) < 0)
        return -1;
    for (size_t i = 0; are_useful && i < COUNT(wanted); i++) {
        CLEANUP(done_bson) bson_t *command = bson_new();
        bson_t                     list, reply;
        bson_error_t               why;
        BSON_APPEND_UTF8(command, "createIndexes", wanted[i].collection);
        BSON_APPEND_ARRAY_BEGIN(command, "indexes", &list);
        put_index(&list, "0", wanted[i].name, wanted[i].fields);
        (void)bson_append_array_end(command, &list);
        bool succeeded = mongoc_client_command_simple(m->client, m->database, command, NULL, &reply, &why);
        bson_destroy(&reply);
        if (!succeeded)
            return mongo_failed(m, &why, e);
    }
    return 0;
}
