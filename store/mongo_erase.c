/* mongo_erase: what goes from the archive: by name, and by age. Files go first, and only those that no other event has, of whatever site: cut short,
 * the events still say which they were, and the whole is said again. */
#include "store/mongo_inside.h"
#include <stdio.h>
#include <string.h>

enum { FORGET_MAX = 200 }; /* events at once */

/* --- by name ---------------------------------------------------------------------------------------------------------- */

static int delete_all(struct mongo *m, const char *name, const char *field, const bson_t *values, struct err *e)
{
    CLEANUP(done_bson) bson_t *command =
        BCON_NEW("delete", BCON_UTF8(name), "deletes", "[", "{", "q", "{", field, "{", "$in", BCON_ARRAY(values), "}", "}", "limit", BCON_INT32(0),
                 "}", "]", "ordered", BCON_BOOL(false));
    return mongo_run_write(m, command, e);
}

static bool holds(const bson_t *list, const char *text)
{
    bson_iter_t at;
    if (!bson_iter_init(&at, list))
        return false;
    while (bson_iter_next(&at))
        if (BSON_ITER_HOLDS_UTF8(&at) && strcmp(bson_iter_utf8(&at, NULL), text) == 0)
            return true;
    return false;
}

static void add_text(bson_t *list, const char *text)
{
    char index[16];
    (void)snprintf(index, sizeof index, "%u", bson_count_keys(list));
    if (!holds(list, text))
        BSON_APPEND_UTF8(list, index, text);
}

static void add_files_of(const bson_t *doc, bson_t *files)
{
    bson_iter_t at, item, file;
    if (!bson_iter_init_find(&at, doc, "media") || !bson_iter_recurse(&at, &item))
        return;
    while (bson_iter_next(&item))
        if (bson_iter_recurse(&item, &file) && bson_iter_find(&file, "file") && BSON_ITER_HOLDS_UTF8(&file))
            add_text(files, bson_iter_utf8(&file, NULL));
}

static bool is_id_in(const bson_t *doc, const bson_t *ids)
{
    bson_iter_t at;
    return bson_iter_init_find(&at, doc, "_id") && BSON_ITER_HOLDS_UTF8(&at) && holds(ids, bson_iter_utf8(&at, NULL));
}

/* The files of the events where { field: { $in: values } }, but for events with these ids (NULL: of all). */
static int collect_files(struct mongo *m, const char *field, const bson_t *values, const bson_t *except, bson_t *files, struct err *e)
{
    CLEANUP(done_bson) bson_t *filter = bson_new();
    bson_t                     in;
    BSON_APPEND_DOCUMENT_BEGIN(filter, field, &in);
    BSON_APPEND_ARRAY(&in, "$in", values);
    (void)bson_append_document_end(filter, &in);
    CLEANUP(done_collection) mongoc_collection_t *from = mongo_collection(m, "events");
    CLEANUP(done_cursor) mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, filter, NULL, NULL);
    const bson_t *doc;
    bson_error_t  why;
    while (mongoc_cursor_next(cursor, &doc))
        if (!except || !is_id_in(doc, except))
            add_files_of(doc, files);
    return mongoc_cursor_error(cursor, &why) ? mongo_failed(m, &why, e) : 0;
}

/* Those files of these events that no other event has. */
static int erase_files(struct mongo *m, const bson_t *ids, struct err *e)
{
    CLEANUP(done_bson) bson_t *files = bson_new();
    CLEANUP(done_bson) bson_t *used = bson_new();
    CLEANUP(done_bson) bson_t *unused = bson_new();
    if (collect_files(m, "_id", ids, NULL, files, e) < 0)
        return -1;
    if (bson_count_keys(files) == 0)
        return 0;
    if (collect_files(m, "media.file", files, ids, used, e) < 0)
        return -1;
    bson_iter_t at;
    if (bson_iter_init(&at, files))
        while (bson_iter_next(&at))
            if (!holds(used, bson_iter_utf8(&at, NULL)))
                add_text(unused, bson_iter_utf8(&at, NULL));
    if (bson_count_keys(unused) == 0)
        return 0;
    return delete_all(m, "fs.files", "_id", unused, e) < 0 ? -1 : delete_all(m, "fs.chunks", "files_id", unused, e);
}

static int erase_events(struct mongo *m, const bson_t *ids, struct err *e)
{
    return erase_files(m, ids, e) < 0 ? -1 : delete_all(m, "events", "_id", ids, e);
}

int mongo_erase(struct mongo *m, const char (*ids)[ID_TEXT], size_t n, struct err *e)
{
    if (n > MONGO_UPDATE_MAX)
        return err_set(e, ERR_LIMIT, "%zu events to erase in one command", n);
    if (mongo_connect(m, e) < 0)
        return -1;
    CLEANUP(done_bson) bson_t *list = bson_new();
    for (size_t i = 0; i < n; i++)
        add_text(list, ids[i]);
    return erase_events(m, list, e);
}

/* --- by age ------------------------------------------------------------------------------------------------------------ */

/* The site's events from before then that nobody keeps: all, or those with files. */
static bson_t *old_events(const char *site, int64_t before_ms, bool have_files)
{
    bson_t *filter = bson_new(), part;
    char    first[ID_TEXT];
    BSON_APPEND_UTF8(filter, "site", site);
    BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &part);
    BSON_APPEND_UTF8(&part, "$lt", mongo_first_id(first, before_ms));
    (void)bson_append_document_end(filter, &part);
    BSON_APPEND_DOCUMENT_BEGIN(filter, "event.kept", &part);
    BSON_APPEND_BOOL(&part, "$ne", true);
    (void)bson_append_document_end(filter, &part);
    if (have_files) {
        BSON_APPEND_DOCUMENT_BEGIN(filter, "media", &part);
        BSON_APPEND_BOOL(&part, "$exists", true);
        (void)bson_append_document_end(filter, &part);
    }
    return filter;
}

/* In no order: FerretDB would sort all it has in memory. */
static bson_t *some_of_them(void)
{
    bson_t *options = bson_new(), part;
    BSON_APPEND_INT64(options, "limit", FORGET_MAX);
    BSON_APPEND_INT32(options, "batchSize", FORGET_MAX + 1);
    BSON_APPEND_DOCUMENT_BEGIN(options, "projection", &part);
    BSON_APPEND_INT32(&part, "_id", 1);
    (void)bson_append_document_end(options, &part);
    return options;
}

static int list_old(struct mongo *m, const char *site, int64_t before_ms, bool have_files, bson_t *ids, struct err *e)
{
    if (mongo_connect(m, e) < 0)
        return -1;
    CLEANUP(done_bson) bson_t *filter = old_events(site, before_ms, have_files);
    CLEANUP(done_bson) bson_t *options = some_of_them();
    CLEANUP(done_collection) mongoc_collection_t *from = mongo_collection(m, "events");
    CLEANUP(done_cursor) mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, filter, options, NULL);
    const bson_t *doc;
    bson_error_t  why;
    bson_iter_t   at;
    while (mongoc_cursor_next(cursor, &doc))
        if (bson_iter_init_find(&at, doc, "_id") && BSON_ITER_HOLDS_UTF8(&at))
            add_text(ids, bson_iter_utf8(&at, NULL));
    return mongoc_cursor_error(cursor, &why) ? mongo_failed(m, &why, e) : 0;
}

static int unset_files(struct mongo *m, const bson_t *ids, struct err *e)
{
    CLEANUP(done_bson) bson_t *command =
        BCON_NEW("update", BCON_UTF8("events"), "updates", "[", "{", "q", "{", "_id", "{", "$in", BCON_ARRAY(ids), "}", "}", "u", "{", "$unset", "{",
                 "media", BCON_UTF8(""), "}", "}", "multi", BCON_BOOL(true), "}", "]", "ordered", BCON_BOOL(false));
    return mongo_run_write(m, command, e);
}

int mongo_forget_events(struct mongo *m, const char *site, int64_t before_ms, struct err *e)
{
    CLEANUP(done_bson) bson_t *ids = bson_new();
    if (list_old(m, site, before_ms, false, ids, e) < 0)
        return -1;
    int count = (int)bson_count_keys(ids);
    return count > 0 && erase_events(m, ids, e) < 0 ? -1 : count;
}

int mongo_forget_files(struct mongo *m, const char *site, int64_t before_ms, struct err *e)
{
    CLEANUP(done_bson) bson_t *ids = bson_new();
    if (list_old(m, site, before_ms, true, ids, e) < 0)
        return -1;
    int count = (int)bson_count_keys(ids);
    return count > 0 && (erase_files(m, ids, e) < 0 || unset_files(m, ids, e) < 0) ? -1 : count;
}
