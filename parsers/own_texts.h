/* own_texts: what a panel says in words that only the settings know (Parsers:Texts): other languages, other makers. Tried before the
 * built-in table, compared in the same way. */
#pragma once
#include "core/arena.h"
#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    OWN_TEXTS_MAX = 500,
    OWN_TEXTS_BYTES = 64 * 1024, /* of the whole list as JSON */
    OWN_TEXT_MAX = 120,          /* of one text, folded; no text of a panel is longer */
};

struct own_text {
    const char *folded, *kind;
    bool restored;
};
struct own_texts {
    const struct own_text *items;
    size_t count;
};

/* Reads {"Alarme sabotage":"alarm.tamper","Fin d'alarme":"alarm.other restored"} into the arena. -1: no such list (ERR_INPUT), or
 * ERR_LIMIT. `postern check` has named every mistake before; here a bad entry spoils the list. */
int own_texts_read(const char *json, struct arena *a, struct own_texts *out, struct err *e) MUST_CHECK;
/* By its folded form; NULL: none. list may be NULL. */
const struct own_text *own_texts_find(const struct own_texts *list, const char *folded);
