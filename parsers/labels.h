/* labels: mails that are lists of "label: value". A maker's labels in all its languages are one table: label → field. */
#pragma once
#include "parsers/parser.h"

/* What a line can tell. */
enum field {
    FIELD_EVENT,   /* what happened, in the device's words   */
    FIELD_TIME, FIELD_DATE, /* date apart where time is alone */
    FIELD_DEVICE,  /* what the device calls itself            */
    FIELD_CAMERA,  /* the camera at a recorder, by name       */
    FIELD_CHANNEL, /* … by number                             */
    FIELD_TARGET, FIELD_INPUT, FIELD_USER, FIELD_ADDRESS, FIELD_SERIAL,
    FIELD_COUNT,
};

struct label {
    const char *text; /* folded words (core/fold.h) without blanks at the ends: "event type"; NULL ends the table */
    enum field  field;
};

struct labels {
    const char *values[FIELD_COUNT]; /* trimmed, in the arena; NULL = not told. The first wins */
    int         found;               /* how many lines had a label of the table                */
};

/* Reads m->text line by line (and a value on the next line where a label stands alone). -1: out of memory. */
int labels_read(const struct mail *m, const struct label *table, struct arena *a, struct labels *out) MUST_CHECK;

/* Device words → kind, one table a maker: compared folded, longest beginning wins. */
struct wording {
    const char *text; /* folded; NULL ends the table */
    const char *kind;
    bool        restored;
};
const struct wording *wording_find(const struct wording *table, const char *text);

/* "Human", "Mensch", "Fahrzeug" … → "person", "vehicle", "animal"; NULL: none of them. */
const char *target_find(const char *text);
