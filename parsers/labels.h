/* labels: mails that are lists of "label: value". A maker's labels in all its languages are one table: label → field. */
#pragma once
#include "parsers/parser.h"

/* What a line can tell. */
enum field {
    FIELD_EVENT,   /* what happened, in the device's words    */
    FIELD_TIME, FIELD_DATE, /* date apart where time is alone  */
    FIELD_TIME_END, /* when it ended: only such a mail has it */
    FIELD_DEVICE,  /* what the device calls itself            */
    FIELD_CAMERA,  /* the camera at a recorder, by name       */
    FIELD_CHANNEL, /* … by number                             */
    FIELD_TARGET, FIELD_INPUT, FIELD_USER, FIELD_ADDRESS, FIELD_SERIAL,
    FIELD_COUNT,
};

struct label {
    const char *text; /* as fold_words (core/fold.h) gives it, without blanks at the ends: "event type"; NULL ends the table */
    enum field  field;
    bool        is_common; /* other programs' lists have it too ("device name", "time"): alone it says nothing of the maker */
};

struct labels {
    const char *values[FIELD_COUNT]; /* trimmed, in the arena; NULL = not told, or empty. The first wins           */
    const char *notes[FIELD_COUNT];  /* what stood in brackets behind that value's label: "D/M/Y H:M:S"; NULL = no */
    int         found;               /* how many labels of the table there were, with and without value            */
};

/* Reads m->text line by line, the subject where there is no text. A line is a label of the table, perhaps a note in () or [],
 * a colon and a value; where it ends at the colon the next line is the value, unless it has a label of its own. Several in one
 * line are parted by commas. A label is compared with its note ("camera name num") and without. -1: out of memory. */
int labels_read(const struct mail *m, const struct label *table, struct arena *a, struct labels *out) MUST_CHECK;

/* How many labels of the table the mail has: to score by; allocates nothing. 0 where all of them are common ones. */
int labels_count(const struct mail *m, const struct label *table);

/* Device words → kind, one table a maker: compared folded, longest beginning wins. */
struct wording {
    const char *text; /* as fold_words gives it, without blanks at the ends; may end within a word ("motion detect"); NULL ends the table */
    const char *kind;
    bool        restored;
};
const struct wording *wording_find(const struct wording *table, const char *text);

/* "Human", "Mensch", "Fahrzeug" … anywhere in the text → "person", "vehicle", "animal"; NULL: none of them. */
const char *target_find(const char *text);

/* What was seen before that something moved: camera.motion with a target is camera.person, camera.vehicle or camera.animal;
 * every other kind stays what it is. target may be NULL. */
const char *target_kind(const char *kind, const char *target);
