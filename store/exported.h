/* exported: which pictures lie in Store:ExportFolder, and under which names (table exported, schema 6). A row is written before its files
 * and goes after them, so whatever lies there has one. Only the exporter's thread (store/exporter.h) touches that folder, so
 * nobody else ever waits for it: who wants files gone says so here, in a transaction of his own. */
#pragma once
#include "store/store.h"

enum { EXPORTED_STEM = 112, EXPORTED_EXTENSION = 8 };

/* A medium's two files: <stem>.<extension> and <stem>.json, below the folder. */
struct exported {
    int64_t event; /* seq */
    int     n;     /* which medium of it */
    char    stem[EXPORTED_STEM], extension[EXPORTED_EXTENSION];
    int64_t received_ms, bytes;
};

/* The event is erased: what was exported of it goes too, soon, or when its folder works again; also in a later run. To be called in the
 * transaction that removes the event's row: what has no row any more is not exported. */
int tx_exported_erase(struct store_tx *tx, int64_t event, struct err *e) MUST_CHECK;
/* How many media of erased events still lie in the folder. */
int exported_doomed(struct store_reader *r, int64_t *out, struct err *e) MUST_CHECK;

/* --- the exporter's -------------------------------------------------------------------------------------------- */

/* x->stem becomes a name for x's medium: `beginning` ("gate/2026-11-21/031245") and the first number that is free. Asked again before
 * tx_exported_written, e.g. after a power cut, it is the same. 1; 0: it was written before, or is
 * doomed, or there is no such event any more; -1. */
int tx_exported_name(struct store_tx *tx, const char *beginning, struct exported *x, struct err *e) MUST_CHECK;
/* Both files are there. */
int tx_exported_written(struct store_tx *tx, const struct exported *x, struct err *e) MUST_CHECK;
/* The files are gone, or never came: so does the row. */
int tx_exported_gone(struct store_tx *tx, const struct exported *x, struct err *e) MUST_CHECK;
/* At a start: what was cut off while its files were written, and whose event was forgotten before it could be written again, is doomed. */
int tx_exported_doom_lost(struct store_tx *tx, struct err *e) MUST_CHECK;
/* The folder is another one: what lies in the old one is ours no longer. */
int tx_exported_forget_all(struct store_tx *tx, struct err *e) MUST_CHECK;

/* Up to `limit` of those that are doomed, or (is_doomed false) the oldest of all that are not; how many, or -1. */
int exported_list(struct store_reader *r, bool is_doomed, struct exported *out, int limit, struct err *e) MUST_CHECK;
/* Bytes of all of them. */
int exported_bytes(struct store_reader *r, int64_t *out, struct err *e) MUST_CHECK;
