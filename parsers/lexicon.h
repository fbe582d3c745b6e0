/* lexicon: what camera mails of all makers have in common: event words, pictures, and the times in their names. */
#pragma once
#include "parsers/when.h"

enum {
    LEXICON_LOOKED_AT = 3000, /* bytes of the subject, and of the text, that are looked at */
    LEXICON_FOLDED = 2 * LEXICON_LOOKED_AT,
};

struct word {
    const char *phrase, *kind;
    bool        is_sure; /* says "camera" even without a picture */
};

/* Subject and text as folded words between blanks. */
void lexicon_fold(const struct mail *m, char out[LEXICON_FOLDED]);
/* The first row of the table with a phrase in the folded words; NULL: none. */
const struct word *lexicon_find(const char *folded);
bool lexicon_is_sure(const char *folded);

bool lexicon_has_picture(const struct mail *m); /* or a clip */
/* The first time in a picture's name; false: no name has one. */
bool lexicon_picture_time(const struct mail *m, struct when *out);

/* A camera's event with the mail's own words as text. kind NULL: by the lexicon, else camera.motion; then what comes to the alarm's
 * address in words that are not known is severity alarm. NULL: no room, see e. */
struct event *lexicon_event(const struct mail *m, const char *kind, const char *folded, struct events *out, struct err *e);
