/* own_words: checked against the English table, which has every key. */
#include "service/own_words.h"
#include "core/attr.h"
#include "service/nearest.h"
#include <string.h>

enum { WORD_MAX = 80, KEYS_MAX = 256 };

static bool is_key(const char *key)
{
    return words_has(words_of("en"), key);
}

static const char *nearest_key(const char *key)
{
    const char *known[KEYS_MAX];
    size_t n = 0;
    for (const struct word *w = words_of("en"); w->key && n < KEYS_MAX; w++)
        known[n++] = w->key;
    return nearest(key, known, n);
}

static bool is_good(const struct conf *v, struct mistakes *m)
{
    const char *text = conf_text(v, NULL);
    if (!is_key(v->key)) {
        const char *near = nearest_key(v->key);
        mistake_add(m, v->path, "there is no word %s%s%s%s", v->key, near ? "; did you mean " : "", near ? near : "",
                    near ? "?" : "");
        return false;
    }
    if (text && text[0] && strlen(text) <= WORD_MAX && text[strcspn(text, "\r\n")] == '\0')
        return true;
    mistake_add(m, v->path, "a word of 1 to %d bytes is expected here", WORD_MAX);
    return false;
}

const struct word *own_words_read(const struct conf *root, struct arena *a, struct mistakes *m)
{
    const struct conf *block = conf_at(root, "Messages:Words");
    size_t count = 0;
    if (!block || block->type == CONF_NULL)
        return NULL;
    if (block->type != CONF_BLOCK) {
        mistake_add(m, block->path, "a block is expected here: { \"alarm.interior\": \"Einbruch drinnen\" }");
        return NULL;
    }
    for (const struct conf *v = block->first; v; v = v->next)
        count++;
    struct word *words = arena_alloc(a, (count + 1) * sizeof *words), *end = words;
    if (!words)
        return NULL;
    for (const struct conf *v = block->first; v; v = v->next)
        if (is_good(v, m))
            *end++ = (struct word){ v->key, v->text };
    *end = (struct word){ NULL, NULL };
    return words;
}
