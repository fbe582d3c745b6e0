/* lupusec: what the Climax panels say, as data. */
#pragma once
#include "core/event.h"

/* What a panel's text means. */
struct panel_meaning {
    const char *kind;
    bool        restored;
    int         code;       /* Ademco Contact-ID where a zone is told */
    int         panel_code; /* where none is                          */
};

struct own_texts;

/* By the settings' own texts (NULL: none), else by the table, compared without case, accents and blanks. is_guess_allowed: a word in it is enough ("… Batterie …").
 * false: not known. */
bool panel_text_find(const struct own_texts *own, const char *text, size_t n, bool is_guess_allowed, struct panel_meaning *out);

/* "… gemeldet von Sensor …": between a text and the name of its sensor, in every language; NULL ends it. */
extern const char *const panel_reported_by[];
