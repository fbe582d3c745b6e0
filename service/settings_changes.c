/* settings_changes: all values of both, sorted by path, and then side by side. */
#include "service/settings_changes.h"
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 16 << 20 };

struct value {
    const char *path, *text;
    bool        is_secret;
    bool        is_after; /* of the second settings */
};

struct values {
    struct arena  arena;
    struct value *items;
    size_t        count, room;
    bool          is_after, is_full;
};

static void on_value(void *user, const struct setting_seen *one)
{
    struct values *v = user;
    if (v->count == v->room) {
        size_t        room = v->room ? 2 * v->room : 512;
        struct value *more = reallocarray(v->items, room, sizeof *more);
        if (!more) {
            v->is_full = true;
            return;
        }
        v->items = more;
        v->room = room;
    }
    struct value *place = &v->items[v->count];
    *place = (struct value){ arena_str(&v->arena, one->path), arena_str(&v->arena, one->value), one->is_secret, v->is_after };
    v->is_full |= !place->path || !place->text;
    v->count += place->path && place->text;
}

static int by_path(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    int                 order = strcasecmp(x->path, y->path);
    return order ? order : (int)x->is_after - (int)y->is_after;
}

static void write_side(struct json_out *w, const char *name, const struct value *v)
{
    json_s(w, name, !v ? "" : v->is_secret ? "***" : v->text);
}

/* Either may be NULL: not there. */
static void write_change(struct json_out *w, const struct value *before, const struct value *after)
{
    if (!w)
        return;
    json_object(w, NULL);
    json_s(w, "path", after ? after->path : before->path);
    write_side(w, "before", before);
    write_side(w, "after", after);
    json_end(w);
}

static size_t compare(const struct values *v, struct json_out *w)
{
    size_t changes = 0;
    for (size_t i = 0; i < v->count; i++) {
        const struct value *one = &v->items[i], *next = i + 1 < v->count ? one + 1 : NULL;
        bool                is_pair = next && !one->is_after && next->is_after && strcasecmp(one->path, next->path) == 0;
        i += is_pair;
        if (is_pair && strcmp(one->text, next->text) == 0)
            continue;
        changes++;
        write_change(w, one->is_after ? NULL : one, is_pair ? next : one->is_after ? one : NULL);
    }
    return changes;
}

size_t settings_changes(const struct settings *before, const struct settings *after, struct json_out *w)
{
    struct values v = { 0 };
    arena_init(&v.arena, ARENA_BYTES);
    settings_each(before, on_value, &v);
    v.is_after = true;
    settings_each(after, on_value, &v);
    if (v.count > 0)
        qsort(v.items, v.count, sizeof *v.items, by_path);
    if (w)
        json_array(w, "changes");
    size_t changes = compare(&v, w);
    if (w)
        json_end(w);
    changes += v.is_full; /* not all were compared: so they may differ */
    free(v.items);
    arena_done(&v.arena);
    return changes;
}
