/* notes: small facts that must outlive the process, each a text under a name. What they mean is their writer's business. */
#pragma once
#include "store/store.h"

struct db;

/* The fact under this name is now that; value NULL: there is none. */
int tx_note(struct store_tx *tx, const char *name, const char *value, struct err *e) MUST_CHECK;
/* Copies it into out, cut to size - 1 bytes. 1 found, 0 not (out is ""), -1. */
int note_of(struct db *db, const char *name, char *out, size_t size, struct err *e) MUST_CHECK;
int note_read(struct store_reader *r, const char *name, char *out, size_t size, struct err *e) MUST_CHECK;
