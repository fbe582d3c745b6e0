/* imports: arrivals that no device sent: what was brought along from another system. Their id follows from what they are, so that
 * the same one comes in once; their events are kept with them, in one transaction, and nobody is told. */
#pragma once
#include "store/store.h"

/* Before spool_open for one that is not kept: a file that a run which was cut off left behind goes. */
void imports_forget_file(struct store *s, const char *id, int64_t received_ms);

/* In a transaction: keeps it as from `source` ("eml"): 1, a->seq is set; 0: there is one with this id, or it was erased; -1. */
int tx_import(struct store_tx *tx, struct arrival *a, const char *source, struct err *e) MUST_CHECK;
/* After the commit, or after it failed: what is left of a->spool, if anything. */
void import_kept(struct arrival *a, bool is_kept);

/* In a transaction: the events of the arrival with this id show a person. How many were not known to; -1. */
int tx_saw_person(struct store_tx *tx, const char *arrival_id, struct err *e) MUST_CHECK;
