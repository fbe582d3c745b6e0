/* own_words: Messages:Words, words in place of ours: { "alarm.interior": "Einbruch drinnen" }. */
#pragma once
#include "service/conf.h"
#include "service/words.h"

/* The good ones as a table, for every language the same; NULL: none. What is wrong is added to m and left out. */
const struct word *own_words_read(const struct conf *root, struct arena *a, struct mistakes *m);
