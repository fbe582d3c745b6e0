/* transcripts: the last conversations of each device, as net/transcript.h recorded them (secrets masked there): so an owner sees
 * why a mail did not come. */
#pragma once
#include "store/store.h"

#define TRANSCRIPTS_OF_STRANGERS "unknown" /* the device of those whom nobody knows */
enum { TRANSCRIPTS_KEPT = 20 }; /* of each device, and of all strangers together */

struct transcript_row {
    const char *device; /* id                          */
    int64_t     at_ms;  /* when it began, wall clock   */
    const char *peer;   /* IP address                  */
    const char *body;   /* JSON: an object             */
};

/* Writer's thread. Of this device the oldest beyond TRANSCRIPTS_KEPT goes. */
int tx_transcript_add(struct store_tx *tx, const struct transcript_row *row, struct err *e) MUST_CHECK;

/* Those of a device, newest first. 0, or -1. */
int query_transcripts(struct store_reader *r, const char *device, void (*on_row)(void *user, const struct transcript_row *row),
                      void *user, struct err *e) MUST_CHECK;
