/* panel_texts: one entry after the other, each a mistake of its own if it is one. */
#include "service/panel_texts.h"
#include "core/fold.h"
#include "core/json.h"
#include "core/kind.h"
#include "parsers/own_texts.h"
#include "service/nearest.h"
#include <string.h>

enum { KINDS_MAX = 128 };

/* What we say ourselves, or say of what we do not understand, is no panel's word. */
static bool is_a_panels(const char *kind)
{
    return !kind_matches("system.*", kind) && strcmp(kind, "unknown") != 0 && strcmp(kind, "unreadable") != 0;
}

static const char *nearest_kind(const char *meaning, struct arena *a)
{
    const char *known[KINDS_MAX];
    size_t n = 0;
    for (unsigned i = 0; n < KINDS_MAX && kind_at(i); i++)
        if (is_a_panels(kind_at(i)))
            known[n++] = kind_at(i);
    const char *word = arena_copy(a, meaning, strcspn(meaning, " "));
    return word ? nearest(word, known, n) : NULL;
}

static void say_unknown(const struct conf *entry, const char *meaning, struct arena *a, struct mistakes *m)
{
    const char *near = nearest_kind(meaning, a), *rest = meaning + strcspn(meaning, " ");
    if (near && strlen(near) == (size_t)(rest - meaning) && *rest)
        mistake_add(m, entry->path, "behind the kind only \"restored\" is known: %s", meaning);
    else if (near)
        mistake_add(m, entry->path, "no kind \"%s\"; did you mean %s?", meaning, near);
    else
        mistake_add(m, entry->path, "no kind \"%s\"", meaning);
}

/* Its meaning, or NULL and a mistake. */
static const char *check(const struct conf *entry, struct arena *a, struct mistakes *m)
{
    char folded[OWN_TEXT_MAX];
    const char *meaning = conf_text(entry, NULL);
    bool restored;
    if (!meaning) {
        mistake_add(m, entry->path, "a kind is expected here, like \"alarm.tamper\" or \"alarm.tamper restored\"");
        return NULL;
    }
    if (conf_is_placeholder(meaning)) {
        mistake_add(m, entry->path, "still a placeholder: %s", meaning);
        return NULL;
    }
    if (fold_tight(folded, sizeof folded, entry->key, strlen(entry->key)) == 0) {
        mistake_add(m, entry->path, "a text has 1 to %d bytes", OWN_TEXT_MAX - 1);
        return NULL;
    }
    const char *kind = kind_read(meaning, &restored);
    if (kind && is_a_panels(kind))
        return meaning;
    say_unknown(entry, meaning, a, m);
    return NULL;
}

/* Writes the entry, or takes back what of it does not fit. */
static bool add(struct buf *out, const char *text, const char *meaning)
{
    size_t before = out->len;
    buf_putc(out, before > 0 ? ',' : '{');
    json_put_string(out, text, strlen(text));
    buf_putc(out, ':');
    json_put_string(out, meaning, strlen(meaning));
    if (out->len + 1 <= OWN_TEXTS_BYTES)
        return true;
    out->len = before;
    return false;
}

static void read_list(const struct conf *list, struct buf *out, struct arena *a, struct mistakes *m)
{
    size_t count = 0;
    for (const struct conf *entry = list->first; entry; entry = entry->next) {
        const char *meaning = check(entry, a, m);
        if (!meaning)
            continue;
        if (count++ == OWN_TEXTS_MAX || !add(out, entry->key, meaning)) {
            mistake_add(m, list->path, "more than %d texts or %d KiB; those from \"%s\" on are left out", OWN_TEXTS_MAX,
                        OWN_TEXTS_BYTES / 1024, entry->key);
            break;
        }
    }
    if (out->len > 0)
        buf_putc(out, '}');
}

const char *panel_texts_read(const struct conf *root, struct arena *a, struct mistakes *m)
{
    const struct conf *list = conf_at(root, "Parsers:Texts");
    if (!list || list->type == CONF_NULL)
        return "";
    if (list->type != CONF_BLOCK) {
        mistake_add(m, list->path, "a block is expected here: { \"Alarme sabotage\": \"alarm.tamper\" }");
        return "";
    }
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, (size_t)4 * OWN_TEXTS_BYTES);
    read_list(list, &out, a, m);
    return out.failed ? NULL : arena_copy(a, buf_str(&out), out.len);
}
