/* words: what kinds and phrases are called, one table per language. A language more: one file like words_en.c, one line in words.c. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct word {
    const char *key;  /* a kind ("alarm.interior"), or a phrase ("head.alarm"); NULL ends a table */
    const char *text; /* UTF-8 */
};

/* The table of "de" or "en"; NULL: no such language. */
const struct word *words_of(const char *language);
/* Codes of all languages; NULL after the last. */
const char *words_language(size_t i);
/* overrides (may be NULL) before words; a key that is in neither is its own word, so that a new kind is still told. */
const char *words_find(const struct word *overrides, const struct word *words, const char *key);
/* Whether a key has a word of its own. */
bool words_has(const struct word *words, const char *key);
