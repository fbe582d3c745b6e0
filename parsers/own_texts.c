/* own_texts: read once at the start, then walked. */
#include "parsers/own_texts.h"
#include "core/fold.h"
#include "core/json.h"
#include "core/kind.h"
#include <string.h>

static int read_one(const struct json *member, struct arena *a, struct own_text *out, struct err *e)
{
    char folded[OWN_TEXT_MAX];
    const char *text = json_key(member), *meaning = json_text(member);
    out->kind = meaning ? kind_read(meaning, &out->restored) : NULL;
    if (!out->kind || fold_tight(folded, sizeof folded, text, strlen(text)) == 0)
        return err_set(e, ERR_INPUT, "\"%s\" means nothing", text);
    out->folded = arena_str(a, folded);
    return out->folded ? 0 : err_set(e, ERR_NOMEM, "no room for the panel's texts");
}

int own_texts_read(const char *json, struct arena *a, struct own_texts *out, struct err *e)
{
    size_t n = strlen(json);
    *out = (struct own_texts){ .count = 0 };
    if (n > OWN_TEXTS_BYTES)
        return err_set(e, ERR_LIMIT, "%zu bytes of texts; %d are read", n, OWN_TEXTS_BYTES);
    CLEANUP(json_free) struct json *root = json_parse(json, n, e);
    if (!root)
        return -1;
    size_t count = json_count(root);
    if (json_type(root) != JSON_OBJECT || count > OWN_TEXTS_MAX)
        return err_set(e, ERR_INPUT, "a block of at most %d texts is expected", OWN_TEXTS_MAX);
    struct own_text *items = arena_alloc(a, (count + 1) * sizeof *items), *end = items;
    if (!items)
        return err_set(e, ERR_NOMEM, "no room for the panel's texts");
    for (const struct json *member = json_first(root); member; member = json_next(member))
        if (read_one(member, a, end++, e) < 0)
            return -1;
    *out = (struct own_texts){ .items = items, .count = count };
    return 0;
}

const struct own_text *own_texts_find(const struct own_texts *list, const char *folded)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (strcmp(list->items[i].folded, folded) == 0)
            return &list->items[i];
    return NULL;
}
