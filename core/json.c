/* json: cJSON for reading; a comma-keeping writer. */
#include "core/json.h"
#include "core/clock.h"
#include "core/utf8.h"
#include <assert.h>
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* struct json is cJSON under another name: the casts below are the only place that knows. */
static const cJSON *inner(const struct json *v)
{
    return (const cJSON *)(const void *)v;
}

static const struct json *outer(const cJSON *v)
{
    return (const struct json *)(const void *)v;
}

/* Where the next escaped NUL begins; n: nowhere. */
static size_t find_nul(const char *text, size_t n, size_t from)
{
    for (size_t i = from; i < n; i += text[i] == '\\' ? 2 : 1)
        if (n - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
            return i;
    return n;
}

/* A copy in which they are U+FFFD; NULL: out of memory. */
static char *replace_nuls(const char *text, size_t n, size_t first)
{
    char *copy = malloc(n);
    if (!copy)
        return NULL;
    memcpy(copy, text, n);
    for (size_t i = first; i < n; i = find_nul(copy, n, i))
        memcpy(copy + i, "\\ufffd", 6);
    return copy;
}

static struct json *parse(const char *text, size_t n, struct err *e)
{
    const char *end = NULL;
    cJSON      *root = cJSON_ParseWithLengthOpts(text, n, &end, 0);
    if (!root) {
        size_t at = end && end >= text ? (size_t)(end - text) : 0;
        size_t line = 1;
        for (size_t i = 0; i < at && i < n; i++)
            line += text[i] == '\n';
        (void)err_set(e, ERR_INPUT, "not JSON: stopped at byte %zu, line %zu", at, line);
        return NULL;
    }
    const char *stop = text + n;
    while (end < stop && (*end == ' ' || *end == '\t' || *end == '\r' || *end == '\n' || *end == '\0'))
        end++;
    if (end < stop) {
        cJSON_Delete(root);
        (void)err_set(e, ERR_INPUT, "not JSON: something follows the value at byte %zu", (size_t)(end - text));
        return NULL;
    }
    return (struct json *)(void *)root;
}

struct json *json_parse(const char *text, size_t n, struct err *e)
{
    size_t first = find_nul(text, n, 0);
    if (first == n)
        return parse(text, n, e);
    char *copy = replace_nuls(text, n, first);
    if (!copy) {
        (void)err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    struct json *root = parse(copy, n, e);
    free(copy);
    return root;
}

void json_free(struct json **root)
{
    cJSON_Delete((cJSON *)(void *)*root);
    *root = NULL;
}

enum json_type json_type(const struct json *v)
{
    const cJSON *c = inner(v);
    if (!c || cJSON_IsNull(c))
        return JSON_NULL;
    if (cJSON_IsBool(c))
        return cJSON_IsTrue(c) ? JSON_TRUE : JSON_FALSE;
    if (cJSON_IsNumber(c))
        return JSON_NUMBER;
    if (cJSON_IsString(c))
        return JSON_STRING;
    return cJSON_IsArray(c) ? JSON_ARRAY : JSON_OBJECT;
}

const char *json_key(const struct json *member)
{
    return inner(member)->string;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return object ? outer(cJSON_GetObjectItemCaseSensitive(inner(object), key)) : NULL;
}

const struct json *json_first(const struct json *container)
{
    return container && (cJSON_IsArray(inner(container)) || cJSON_IsObject(inner(container)))
               ? outer(inner(container)->child)
               : NULL;
}

const struct json *json_next(const struct json *child)
{
    return child ? outer(inner(child)->next) : NULL;
}

size_t json_count(const struct json *container)
{
    size_t n = 0;
    for (const struct json *v = json_first(container); v; v = json_next(v))
        n++;
    return n;
}

const char *json_text(const struct json *v)
{
    return v && cJSON_IsString(inner(v)) ? inner(v)->valuestring : NULL;
}

double json_number(const struct json *v)
{
    return v && cJSON_IsNumber(inner(v)) ? inner(v)->valuedouble : 0;
}

bool json_is_true(const struct json *v)
{
    return v && cJSON_IsTrue(inner(v));
}

const char *json_str(const struct json *object, const char *key, const char *fallback)
{
    const char *s = json_text(json_get(object, key));
    return s ? s : fallback;
}

int64_t json_int(const struct json *object, const char *key, int64_t fallback)
{
    const struct json *v = json_get(object, key);
    if (json_type(v) != JSON_NUMBER)
        return fallback;
    double d = json_number(v);
    return d >= -9007199254740992.0 && d <= 9007199254740992.0 ? (int64_t)d : fallback;
}

bool json_bool(const struct json *object, const char *key, bool fallback)
{
    enum json_type t = json_type(json_get(object, key));
    return t == JSON_TRUE ? true : t == JSON_FALSE ? false : fallback;
}

struct json_out json_begin(struct buf *out)
{
    return (struct json_out){ .out = out };
}

static void lead(struct json_out *w, const char *key)
{
    uint64_t bit = UINT64_C(1) << w->depth;
    if (w->depth > 0 && (w->has_member & bit))
        buf_putc(w->out, ',');
    w->has_member |= bit;
    if (key) {
        json_put_string(w->out, key, strlen(key));
        buf_putc(w->out, ':');
    }
}

static void open_container(struct json_out *w, const char *key, bool is_array)
{
    lead(w, key);
    assert(w->depth < 63);
    w->depth++;
    uint64_t bit = UINT64_C(1) << w->depth;
    w->has_member &= ~bit;
    w->is_array = is_array ? w->is_array | bit : w->is_array & ~bit;
    buf_putc(w->out, is_array ? '[' : '{');
}

void json_object(struct json_out *w, const char *key)
{
    open_container(w, key, false);
}

void json_array(struct json_out *w, const char *key)
{
    open_container(w, key, true);
}

void json_end(struct json_out *w)
{
    assert(w->depth > 0);
    buf_putc(w->out, w->is_array >> w->depth & 1 ? ']' : '}');
    w->depth--;
}

void json_s(struct json_out *w, const char *key, const char *s)
{
    if (s)
        json_sn(w, key, s, strlen(s));
    else
        json_null(w, key);
}

void json_s_opt(struct json_out *w, const char *key, const char *s)
{
    if (s && *s)
        json_s(w, key, s);
}

void json_sn(struct json_out *w, const char *key, const char *s, size_t n)
{
    lead(w, key);
    json_put_string(w->out, s, n);
}

void json_i(struct json_out *w, const char *key, int64_t v)
{
    lead(w, key);
    buf_puti(w->out, v);
}

void json_b(struct json_out *w, const char *key, bool v)
{
    lead(w, key);
    buf_puts(w->out, v ? "true" : "false");
}

void json_null(struct json_out *w, const char *key)
{
    lead(w, key);
    buf_puts(w->out, "null");
}

void json_time(struct json_out *w, const char *key, int64_t wall_ms)
{
    char text[CLOCK_TEXT];
    json_s(w, key, clock_rfc3339(text, wall_ms));
}

static void put_number(struct json_out *w, const char *key, double d)
{
    if (d >= -9007199254740992.0 && d <= 9007199254740992.0 && (double)(int64_t)d == d) {
        json_i(w, key, (int64_t)d);
        return;
    }
    lead(w, key);
    buf_printf(w->out, "%.17g", d);
}

static void put_container(struct json_out *w, const char *key, const struct json *v, bool is_array)
{
    open_container(w, key, is_array);
    for (const struct json *child = json_first(v); child; child = json_next(child))
        json_value(w, is_array ? NULL : json_key(child), child);
    json_end(w);
}

void json_value(struct json_out *w, const char *key, const struct json *v)
{
    enum json_type type = json_type(v);
    switch (type) {
    case JSON_NULL:
        json_null(w, key);
        break;
    case JSON_FALSE:
    case JSON_TRUE:
        json_b(w, key, type == JSON_TRUE);
        break;
    case JSON_NUMBER:
        put_number(w, key, json_number(v));
        break;
    case JSON_STRING:
        json_s(w, key, json_text(v));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        if (w->depth < 62)
            put_container(w, key, v, type == JSON_ARRAY);
        else
            json_null(w, key);
    }
}

void json_raw(struct json_out *w, const char *key, const char *json)
{
    lead(w, key);
    buf_puts(w->out, json);
}

static void put_escape(struct buf *out, unsigned char c)
{
    static const char short_for[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
    if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c < sizeof short_for && short_for[c])
        buf_printf(out, "\\%c", short_for[c]);
    else
        buf_printf(out, "\\u%04x", c);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void json_put_string(struct buf *out, const char *s, size_t n)
{
    buf_putc(out, '"');
    size_t i = 0, plain = 0; /* s[plain..i) may be copied as it is */
    while (i < n) {
        unsigned char c = (unsigned char)s[i];
        if (is_plain(c)) {
            i++;
            continue;
        }
        size_t        length = c < 0x80 ? 1 : utf8_length(s + i, n - i);
        bool          is_c1 = length == 2 && utf8_code(s + i) < 0xA0;
        if (length > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && !is_c1) {
            i += length;
            continue;
        }
        buf_put(out, s + plain, i - plain);
        if (length == 0)
            buf_puts(out, "\xEF\xBF\xBD");
        else
            put_escape(out, is_c1 ? (unsigned char)s[i + 1] : c);
        i += is_c1 ? 2 : 1;
        plain = i;
    }
    buf_put(out, s + plain, n - plain);
    buf_putc(out, '"');
}
