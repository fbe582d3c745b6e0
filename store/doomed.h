/* doomed: files below the data folder that go with a transaction. Their names are written with it and the files removed after it, so
 * that neither a row ever names a file that is gone, nor a file survives its row: cut off in between, the next turn removes it. */
#pragma once
#include "store/inside.h"

/* In a transaction: this file (of so many bytes) goes once the transaction is on disk. */
int tx_doom(struct store_tx *tx, const char *file, int64_t bytes, struct err *e) MUST_CHECK;
/* Removes what is doomed. Any thread but the writer's; db is the caller's. */
void doomed_remove(struct store *s, struct db *db);
/* Removes one now, and its day's folder with the last of an old day. */
void doomed_remove_file(struct store *s, const char *file);
