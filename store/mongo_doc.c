/* mongo_doc: events as documents:
 *   { _id: ULID, v: 1, site: "Home", seq: 17, changed: 3, at: Date, words: " alarm zone 8 ", media: [{n: 1, file: hash}], event: {…} }
 * `event` is the JSON that everybody sees, member by member, so that it comes back as it was; what stands beside it is for finding. */
#include "core/clock.h"
#include "core/fold.h"
#include "store/mongo_inside.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 200, WORDS_BYTES = 4096 };
static const double exact_max = 9007199254740992.0; /* 2^53 */

/* --- JSON → BSON ---------------------------------------------------------------------------------------------------- */

/* FerretDB refuses empty keys, those with a dot and those that begin with a dollar sign. */
static const char *plain_key(char out[KEY_BYTES], const char *key)
{
    (void)snprintf(out, KEY_BYTES, "%s", key && key[0] ? key : "_");
    for (char *c = out; *c; c++)
        if (*c == '.' || (*c == '$' && c == out))
            *c = '_';
    return out;
}

static void put_number(bson_t *to, const char *key, double number)
{
    if (!isfinite(number))
        return;
    if (floor(number) == number && fabs(number) <= exact_max)
        BSON_APPEND_INT64(to, key, (int64_t)number);
    else
        BSON_APPEND_DOUBLE(to, key, number);
}

static void put_members(bson_t *to, const struct json *container, bool is_array)
{
    uint32_t n = 0;
    for (const struct json *c = json_first(container); c; c = json_next(c)) {
        char index[16], plain[KEY_BYTES];
        (void)snprintf(index, sizeof index, "%u", n++);
        doc_put_json(to, is_array ? index : plain_key(plain, json_key(c)), c);
    }
}

void doc_put_json(bson_t *to, const char *key, const struct json *value)
{
    bson_t child;
    switch (json_type(value)) {
    case JSON_NULL: BSON_APPEND_NULL(to, key); break;
    case JSON_FALSE: BSON_APPEND_BOOL(to, key, false); break;
    case JSON_TRUE: BSON_APPEND_BOOL(to, key, true); break;
    case JSON_NUMBER: put_number(to, key, json_number(value)); break;
    case JSON_STRING: BSON_APPEND_UTF8(to, key, json_text(value)); break;
    case JSON_ARRAY:
        BSON_APPEND_ARRAY_BEGIN(to, key, &child);
        put_members(&child, value, true);
        (void)bson_append_array_end(to, &child);
        break;
    case JSON_OBJECT:
        BSON_APPEND_DOCUMENT_BEGIN(to, key, &child);
        put_members(&child, value, false);
        (void)bson_append_document_end(to, &child);
        break;
    }
}

/* --- BSON → JSON ---------------------------------------------------------------------------------------------------- */

static void write_members(struct json_out *w, const bson_iter_t *container, bool is_array)
{
    bson_iter_t child;
    if (w->depth > 60 || !bson_iter_recurse(container, &child))
        return;
    while (bson_iter_next(&child))
        doc_write_json(w, is_array ? NULL : bson_iter_key(&child), &child);
}

static void write_double(struct json_out *w, const char *key, double number)
{
    char text[40];
    if (!isfinite(number)) {
        json_null(w, key);
        return;
    }
    (void)snprintf(text, sizeof text, "%.17g", number);
    json_raw(w, key, text);
}

void doc_write_json(struct json_out *w, const char *key, const bson_iter_t *value)
{
    uint32_t    n = 0;
    const char *text;
    switch (bson_iter_type(value)) {
    case BSON_TYPE_UTF8: text = bson_iter_utf8(value, &n); json_sn(w, key, text, n); break;
    case BSON_TYPE_INT32: json_i(w, key, bson_iter_int32(value)); break;
    case BSON_TYPE_INT64: json_i(w, key, bson_iter_int64(value)); break;
    case BSON_TYPE_DOUBLE: write_double(w, key, bson_iter_double(value)); break;
    case BSON_TYPE_BOOL: json_b(w, key, bson_iter_bool(value)); break;
    case BSON_TYPE_DATE_TIME: json_time(w, key, bson_iter_date_time(value)); break;
    case BSON_TYPE_DOCUMENT: json_object(w, key); write_members(w, value, false); json_end(w); break;
    case BSON_TYPE_ARRAY: json_array(w, key); write_members(w, value, true); json_end(w); break;
    default: json_null(w, key); break; /* nothing that we write */
    }
}

/* --- an event ------------------------------------------------------------------------------------------------------- */

/* What people look for, folded, each word between blanks. */
static void put_words(bson_t *to, const struct json *event)
{
    static const char *const members[] = { "subject", "text", "user", "note", "channel" }, *const objects[] = { "device", "zone" };
    char         folded[WORDS_BYTES];
    struct buf   all;
    buf_init(&all, WORDS_BYTES);
    for (size_t i = 0; i < COUNT(members); i++)
        buf_printf(&all, "%.1500s ", json_str(event, members[i], ""));
    for (size_t i = 0; i < COUNT(objects); i++)
        buf_printf(&all, "%.200s ", json_str(json_get(event, objects[i]), "name", ""));
    (void)fold_words(folded, sizeof folded, buf_str(&all), all.len);
    buf_done(&all);
    if (bson_utf8_validate(folded, strlen(folded), false)) /* cut in the middle of a letter? */
        BSON_APPEND_UTF8(to, "words", folded);
}

static void put_files(bson_t *to, const struct mongo_event *ev)
{
    bson_t list;
    BSON_APPEND_ARRAY_BEGIN(to, "media", &list);
    for (size_t i = 0; i < ev->file_count; i++) {
        bson_t one;
        char   index[16];
        (void)snprintf(index, sizeof index, "%zu", i);
        BSON_APPEND_DOCUMENT_BEGIN(&list, index, &one);
        BSON_APPEND_INT32(&one, "n", ev->files[i].n);
        BSON_APPEND_UTF8(&one, "file", ev->files[i].hash);
        (void)bson_append_document_end(&list, &one);
    }
    (void)bson_append_array_end(to, &list);
}

/* What changes with the event. */
static int put_meaning(bson_t *to, const struct mongo_event *ev, struct err *e)
{
    struct json *event = json_parse(ev->json, ev->json_length, e);
    if (!event)
        return -1;
    BSON_APPEND_INT64(to, "seq", ev->seq);
    BSON_APPEND_INT64(to, "changed", ev->changed);
    BSON_APPEND_DATE_TIME(to, "at", ev->received_ms);
    BSON_APPEND_INT32(to, "v", MONGO_VERSION);
    put_words(to, event);
    if (ev->file_count > 0)
        put_files(to, ev);
    doc_put_json(to, "event", event);
    json_free(&event);
    return 0;
}

static void put_key(bson_t *to, const char *site, const struct mongo_event *ev)
{
    BSON_APPEND_UTF8(to, "_id", ev->id);
    BSON_APPEND_UTF8(to, "site", site);
}

bson_t *doc_of_event(const char *site, const struct mongo_event *ev, struct err *e)
{
    bson_t *doc = bson_new();
    put_key(doc, site, ev);
    if (put_meaning(doc, ev, e) < 0) {
        bson_destroy(doc);
        return NULL;
    }
    return doc;
}

bson_t *doc_of_change(const char *site, const struct mongo_event *ev, struct err *e)
{
    bson_t *statement = bson_new(), part, set;
    BSON_APPEND_DOCUMENT_BEGIN(statement, "q", &part);
    put_key(&part, site, ev);
    (void)bson_append_document_end(statement, &part);
    BSON_APPEND_DOCUMENT_BEGIN(statement, "u", &part);
    BSON_APPEND_DOCUMENT_BEGIN(&part, "$set", &set);
    int failed = put_meaning(&set, ev, e);
    (void)bson_append_document_end(&part, &set);
    (void)bson_append_document_end(statement, &part);
    BSON_APPEND_BOOL(statement, "upsert", true);
    if (failed) {
        bson_destroy(statement);
        return NULL;
    }
    return statement;
}

bson_t *doc_of_stub(const char *site, const struct mongo_event *ev, const char *why)
{
    bson_t *doc = bson_new(), event;
    char    when[CLOCK_TEXT];
    put_key(doc, site, ev);
    BSON_APPEND_INT64(doc, "seq", ev->seq);
    BSON_APPEND_INT64(doc, "changed", ev->changed);
    BSON_APPEND_DATE_TIME(doc, "at", ev->received_ms);
    BSON_APPEND_INT32(doc, "v", MONGO_VERSION);
    BSON_APPEND_UTF8(doc, "refused", why);
    BSON_APPEND_DOCUMENT_BEGIN(doc, "event", &event);
    BSON_APPEND_UTF8(&event, "id", ev->id);
    BSON_APPEND_UTF8(&event, "site", site);
    BSON_APPEND_UTF8(&event, "parser", "");
    BSON_APPEND_UTF8(&event, "kind", "unknown");
    BSON_APPEND_UTF8(&event, "severity", "warning");
    BSON_APPEND_BOOL(&event, "restored", false);
    BSON_APPEND_UTF8(&event, "text", "the archive refused this event; its gateway has it");
    BSON_APPEND_UTF8(&event, "received_at", clock_rfc3339(when, ev->received_ms));
    (void)bson_append_document_end(doc, &event);
    return doc;
}

const char *doc_chunk_id(char out[96], const char *hash, int n)
{
    (void)snprintf(out, 96, "%.72s-%d", hash, n);
    return out;
}

bool mongo_keeps_time(int64_t wall_ms)
{
    CLEANUP(done_bson) bson_t *doc = bson_new();
    bson_iter_t                found;
    char                       text[CLOCK_TEXT];
    BSON_APPEND_DATE_TIME(doc, "at", wall_ms);
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, 200);
    struct json_out w = json_begin(&json);
    json_object(&w, NULL);
    if (bson_iter_init_find(&found, doc, "at"))
        doc_write_json(&w, "at", &found);
    json_end(&w);
    return strstr(buf_str(&json), clock_rfc3339(text, wall_ms)) != NULL;
}
