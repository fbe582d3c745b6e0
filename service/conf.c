/* conf: appsettings.json and the environment become one tree. Comments and trailing commas are blanked out first, so that
 * the JSON library names the right line; the environment is laid over the file as .NET does it. */
#include "service/conf.h"
#include "core/buf.h"
#include "core/json.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { SECRET_FILE_MAX = 64 * 1024, DEPTH_MAX = 16 };

/* Only these may come from the environment: everything else there is none of our business. */
static const char *const blocks[] = {
    "Smtp", "Api", "Store", "Log", "Site", "Inspect", "Relay", "Accounts", "Recipients", "Routes", "Devices", "Messages",
    "Parsers", "Service", "ConnectionStrings", "Technician",
};

size_t conf_count(const struct conf *block)
{
    size_t n = 0;
    for (const struct conf *c = block ? block->first : NULL; c; c = c->next)
        n++;
    return n;
}

const struct conf *conf_at(const struct conf *block, const char *path)
{
    while (block && *path) {
        size_t             n = strcspn(path, ":");
        const struct conf *child = block->first;
        while (child && !(strlen(child->key) == n && strncasecmp(child->key, path, n) == 0))
            child = child->next;
        block = child;
        path += n + (path[n] == ':');
    }
    return block;
}

const char *conf_text(const struct conf *v, const char *fallback)
{
    return v && v->text ? v->text : fallback;
}

static void add(struct mistakes *m, bool is_note, const char *path, const char *format, va_list args)
{
    if (m->count == m->cap) {
        size_t          cap = m->cap ? m->cap * 2 : 16;
        struct mistake *grown = arena_alloc(m->arena, cap * sizeof *grown);
        if (!grown)
            return;
        if (m->count > 0)
            memcpy(grown, m->items, m->count * sizeof *grown);
        m->items = grown;
        m->cap = cap;
    }
    char text[512];
    (void)vsnprintf(text, sizeof text, format, args);
    const char *kept_path = arena_str(m->arena, path), *kept_text = arena_str(m->arena, text);
    if (kept_path && kept_text)
        m->items[m->count++] = (struct mistake){ .path = kept_path, .text = kept_text, .is_note = is_note };
}

void mistake_add(struct mistakes *m, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(m, false, path, format, args);
    va_end(args);
}

void note_add(struct mistakes *m, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(m, true, path, format, args);
    va_end(args);
}

size_t mistakes_count(const struct mistakes *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++)
        n += !m->items[i].is_note;
    return n;
}

bool conf_is_placeholder(const char *text)
{
    size_t n = text ? strlen(text) : 0;
    return n > 2 && text[0] == '<' && text[n - 1] == '>';
}

/* --- text to JSON ---------------------------------------------------------------------------------------------- */

static size_t skip_string(const char *s, size_t i, size_t n)
{
    for (i++; i < n && s[i] != '"'; i++)
        if (s[i] == '\\')
            i++;
    return i + 1;
}

static size_t blank_comment(char *s, size_t i, size_t n)
{
    bool is_block = s[i + 1] == '*';
    for (; i < n; i++) {
        if (!is_block && s[i] == '\n')
            return i;
        if (is_block && i + 1 < n && s[i] == '*' && s[i + 1] == '/') {
            s[i] = s[i + 1] = ' ';
            return i + 2;
        }
        if (s[i] != '\n')
            s[i] = ' ';
    }
    return n;
}

/* Turns what .NET allows (a byte order mark, comments, trailing commas) into blanks; lines stay where they are. */
static void blank_extras(char *s, size_t n)
{
    if (n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0)
        memset(s, ' ', 3);
    size_t comma = n; /* the last comma with nothing but blanks since */
    for (size_t i = 0; i < n;) {
        if (s[i] == '/' && i + 1 < n && (s[i + 1] == '/' || s[i + 1] == '*')) {
            i = blank_comment(s, i, n);
            continue;
        }
        if ((s[i] == '}' || s[i] == ']') && comma < n)
            s[comma] = ' ';
        if (s[i] == ',')
            comma = i;
        else if (!strchr(" \t\r\n", s[i]))
            comma = n;
        i = s[i] == '"' ? skip_string(s, i, n) : i + 1;
    }
}

/* --- JSON to tree ---------------------------------------------------------------------------------------------- */

static struct conf *new_child(struct conf *parent, const char *key, size_t key_length, struct arena *a)
{
    struct conf *c = arena_alloc(a, sizeof *c);
    char        *kept = arena_copy(a, key, key_length);
    if (!c || !kept)
        return NULL;
    c->key = kept;
    c->path = parent->path[0] ? arena_printf(a, "%s:%s", parent->path, kept) : kept;
    c->source = "file";
    struct conf **end = &parent->first;
    while (*end)
        end = &(*end)->next;
    *end = c;
    return c->path ? c : NULL;
}

static struct conf *child_named(struct conf *parent, const char *key, size_t n)
{
    for (struct conf *c = parent->first; c; c = c->next)
        if (strlen(c->key) == n && strncasecmp(c->key, key, n) == 0)
            return c;
    return NULL;
}

struct conf *conf_child(struct conf *parent, const char *key, struct arena *a)
{
    struct conf *old = child_named(parent, key, strlen(key));
    return old ? old : new_child(parent, key, strlen(key), a);
}

static const char *number_text(double d, struct arena *a)
{
    if (d >= -9007199254740992.0 && d <= 9007199254740992.0 && (double)(int64_t)d >= d && (double)(int64_t)d <= d)
        return arena_printf(a, "%lld", (long long)d);
    return arena_printf(a, "%.17g", d);
}

static int fill(struct conf *c, const struct json *v, struct arena *a, struct mistakes *m, int depth);

static int fill_children(struct conf *c, const struct json *v, struct arena *a, struct mistakes *m, int depth)
{
    int i = 0;
    for (const struct json *child = json_first(v); child; child = json_next(child), i++) {
        char        index[16];
        const char *key = json_key(child);
        if (c->type == CONF_LIST) {
            (void)snprintf(index, sizeof index, "%d", i);
            key = index;
        }
        struct conf *old = child_named(c, key, strlen(key));
        if (old)
            mistake_add(m, old->path, "stands here twice; the last one counts");
        struct conf *made = old ? old : new_child(c, key, strlen(key), a);
        if (!made)
            return -1;
        made->first = NULL;
        if (fill(made, child, a, m, depth + 1) < 0)
            return -1;
    }
    return 0;
}

static int fill(struct conf *c, const struct json *v, struct arena *a, struct mistakes *m, int depth)
{
    static const enum conf_type types[] = {
        [JSON_NULL] = CONF_NULL, [JSON_FALSE] = CONF_BOOL, [JSON_TRUE] = CONF_BOOL, [JSON_NUMBER] = CONF_NUMBER,
        [JSON_STRING] = CONF_TEXT, [JSON_ARRAY] = CONF_LIST, [JSON_OBJECT] = CONF_BLOCK,
    };
    if (depth > DEPTH_MAX) {
        mistake_add(m, c->path, "nested too deeply");
        return 0;
    }
    c->type = types[json_type(v)];
    switch (json_type(v)) {
    case JSON_NULL: return 0;
    case JSON_FALSE: c->text = "false"; return 0;
    case JSON_TRUE: c->text = "true"; return 0;
    case JSON_NUMBER: c->text = number_text(json_number(v), a); return c->text ? 0 : -1;
    case JSON_STRING: c->text = arena_str(a, json_text(v)); return c->text ? 0 : -1;
    case JSON_ARRAY:
    case JSON_OBJECT: return fill_children(c, v, a, m, depth);
    }
    return -1;
}

/* --- the environment ------------------------------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < COUNT(blocks); i++) {
        size_t n = strlen(blocks[i]);
        if (strncasecmp(name, blocks[i], n) == 0 && strncmp(name + n, "__", 2) == 0)
            return true;
    }
    return strncasecmp(name, "Technician=", 11) == 0;
}

/* The content of a secrets file without its last line end; NULL and a mistake if it cannot be read. */
static const char *read_secret(const char *file, const char *path, struct arena *a, struct mistakes *m)
{
    FILE *f = fopen(file, "re");
    if (!f) {
        mistake_add(m, path, "the file %s named for it: %m", file);
        return NULL;
    }
    char  *text = arena_alloc(a, SECRET_FILE_MAX + 1);
    size_t n = text ? fread(text, 1, SECRET_FILE_MAX, f) : 0;
    (void)fclose(f);
    while (text && n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        text[--n] = '\0';
    return text;
}

static bool ends_in_file(const char *name, size_t n)
{
    return n > 5 && strncasecmp(name + n - 5, "_FILE", 5) == 0;
}

/* Walks down a name's segments, making blocks where there are none; the last segment's node. */
static struct conf *walk(struct conf *root, const char *name, size_t n, struct arena *a)
{
    struct conf *c = root;
    for (size_t i = 0; i < n && c;) {
        const char *sep = memmem(name + i, n - i, "__", 2);
        size_t      length = sep ? (size_t)(sep - name) - i : n - i;
        struct conf *child = child_named(c, name + i, length);
        if (!child && (child = new_child(c, name + i, length, a)))
            child->type = CONF_NULL;
        if (sep && child && child->type != CONF_LIST)
            child->type = CONF_BLOCK;
        c = child;
        i += length + 2;
    }
    return c;
}

static int lay_over(struct conf *root, const char *entry, struct arena *a, struct mistakes *m)
{
    const char *equals = strchr(entry, '=');
    if (!equals || !is_ours(entry))
        return 0;
    size_t       n = (size_t)(equals - entry);
    bool         is_file = ends_in_file(entry, n);
    struct conf *c = walk(root, entry, is_file ? n - 5 : n, a);
    if (!c)
        return -1;
    const char *text = is_file ? read_secret(equals + 1, c->path, a, m) : arena_str(a, equals + 1);
    if (!text)
        return is_file ? 0 : -1;
    c->type = CONF_TEXT;
    c->first = NULL;
    c->text = text;
    c->source = arena_printf(a, "environment %.*s", (int)n, entry);
    return c->source ? 0 : -1;
}

static bool is_index(const char *key)
{
    return *key && strspn(key, "0123456789") == strlen(key);
}

/* Blocks whose keys are all numbers came from the environment as lists (Recipients__0): into their order. */
static void make_lists(struct conf *c)
{
    bool all_numbers = c->first != NULL;
    for (struct conf *child = c->first; child; child = child->next) {
        make_lists(child);
        all_numbers = all_numbers && is_index(child->key);
    }
    if (!all_numbers)
        return;
    c->type = CONF_LIST;
    struct conf *sorted = NULL;
    while (c->first) {
        struct conf *child = c->first;
        c->first = child->next;
        struct conf **at = &sorted;
        while (*at && strtol((*at)->key, NULL, 10) <= strtol(child->key, NULL, 10))
            at = &(*at)->next;
        child->next = *at;
        *at = child;
    }
    c->first = sorted;
}

/* 0; -1 with what was wrong: the tree is then empty. */
static int read_file_text(const char *text, size_t n, struct conf *root, struct arena *a, struct mistakes *m, struct err *e)
{
    char *copy = arena_copy(a, text, n);
    if (!copy)
        return err_set(e, ERR_NOMEM, "the settings are too large");
    blank_extras(copy, n);
    CLEANUP(json_free) struct json *v = json_parse(copy, n, e);
    if (!v)
        return -1;
    if (json_type(v) != JSON_OBJECT)
        return err_set(e, ERR_INPUT, "the settings are no JSON object");
    return fill(root, v, a, m, 0) < 0 ? err_set(e, ERR_NOMEM, "the settings are too large") : 0;
}

int conf_read(const char *text, size_t n, char *const *env, struct arena *a, struct mistakes *m, struct conf **out,
              struct err *e)
{
    struct conf *root = arena_alloc(a, sizeof *root);
    if (!root)
        return err_set(e, ERR_NOMEM, "out of memory");
    *root = (struct conf){ .type = CONF_BLOCK, .key = "", .path = "", .source = "file" };
    int result = text ? read_file_text(text, n, root, a, m, e) : 0;
    if (result < 0)
        root->first = NULL;
    for (char *const *entry = env; entry && *entry; entry++)
        if (lay_over(root, *entry, a, m) < 0)
            return err_set(e, ERR_NOMEM, "the settings are too large");
    make_lists(root);
    *out = root;
    return result;
}
