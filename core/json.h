/* json: reading (cJSON, which stays inside json.c) and writing (straight into a buf). */
#pragma once
#include "core/buf.h"

/* --- reading ------------------------------------------------------------------------------------------------ */

struct json; /* one value; children belong to the root */

/* Root (free with json_free), or NULL with *e: where it stopped. Depth is bounded; the caller bounds the length.
 * An escaped NUL in a string, where a C string would end, is read as U+FFFD. */
struct json *json_parse(const char *text, size_t n, struct err *e);
void         json_free(struct json **root);

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum json_type     json_type(const struct json *v);
const char        *json_key(const struct json *member);                 /* NULL outside an object */
const struct json *json_get(const struct json *object, const char *key); /* exact case; NULL: absent, or no object */
const struct json *json_first(const struct json *container);            /* children of array or object */
const struct json *json_next(const struct json *child);
size_t             json_count(const struct json *container);

const char *json_text(const struct json *v);   /* the string, or NULL if v is none */
double      json_number(const struct json *v); /* 0 if v is no number */
bool        json_is_true(const struct json *v);

/* Of a member: its value, or the fallback where it is absent or of another type. Numbers are exact up to 2^53. */
const char *json_str(const struct json *object, const char *key, const char *fallback);
int64_t     json_int(const struct json *object, const char *key, int64_t fallback);
bool        json_bool(const struct json *object, const char *key, bool fallback);

/* --- writing ------------------------------------------------------------------------------------------------
 *   struct json_out w = json_begin(&buf);
 *   json_object(&w, NULL); json_s(&w, "id", id); json_array(&w, "zones"); json_i(&w, NULL, 8); json_end(&w); json_end(&w);
 * key is NULL inside arrays and at the root. Bytes that are not UTF-8 come out as U+FFFD: the result is always valid.
 * Control characters are escaped, those of U+0080 to U+009F too: a terminal that shows our log obeys them.
 * Overflow shows as buf->failed. */
struct json_out {
    struct buf *out;
    uint64_t    is_array, has_member; /* a bit per depth */
    unsigned    depth;                /* at most 63      */
};
struct json_out json_begin(struct buf *out);
void            json_object(struct json_out *w, const char *key);
void            json_array(struct json_out *w, const char *key);
void            json_end(struct json_out *w); /* of the object or array that is open */
void            json_s(struct json_out *w, const char *key, const char *s);         /* NULL writes null */
void            json_s_opt(struct json_out *w, const char *key, const char *s);     /* NULL or "": nothing is written */
void            json_sn(struct json_out *w, const char *key, const char *s, size_t n);
void            json_i(struct json_out *w, const char *key, int64_t v);
void            json_b(struct json_out *w, const char *key, bool v);
void            json_null(struct json_out *w, const char *key);
void            json_time(struct json_out *w, const char *key, int64_t wall_ms);     /* RFC 3339 */
void            json_raw(struct json_out *w, const char *key, const char *json);     /* already JSON */
void            json_value(struct json_out *w, const char *key, const struct json *v); /* what was read, with all it holds; beyond depth 62: null */

/* One quoted string. */
void json_put_string(struct buf *out, const char *s, size_t n);
