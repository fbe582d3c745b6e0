/* words: looking them up. */
#include "service/words.h"
#include "core/attr.h"
#include <string.h>

extern const struct word words_de[], words_en[];

static const struct {
    const char        *language;
    const struct word *words;
} languages[] = {
    { "de", words_de },
    { "en", words_en },
};

const struct word *words_of(const char *language)
{
    for (size_t i = 0; i < COUNT(languages); i++)
        if (strcmp(languages[i].language, language) == 0)
            return languages[i].words;
    return NULL;
}

const char *words_language(size_t i)
{
    return i < COUNT(languages) ? languages[i].language : NULL;
}

static const char *find(const struct word *table, const char *key)
{
    for (; table && table->key; table++)
        if (strcmp(table->key, key) == 0)
            return table->text;
    return NULL;
}

const char *words_find(const struct word *overrides, const struct word *words, const char *key)
{
    const char *text = find(overrides, key);
    if (!text)
        text = find(words, key);
    return text ? text : key;
}

bool words_has(const struct word *words, const char *key)
{
    return find(words, key) != NULL;
}
