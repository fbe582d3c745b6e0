/* erase_one: one mail, inside the writer's transaction; and what must follow it. The files of erase share this. */
#pragma once
#include "store/erase.h"
#include "store/inside.h"

/* The mail of this event with all its events, or the event that has none. Counts in *r what was done; what is on its way, or no longer
 * there, is no failure. */
int tx_erase_mail(struct store_tx *tx, int64_t event, struct erase_result *r, struct err *e) MUST_CHECK;

/* Words and pages are left over: the keeper is to sweep. */
int tx_erase_begin_sweep(struct store_tx *tx, struct err *e) MUST_CHECK;
/* A bite of it; true: there is more. */
bool erase_sweep(struct store *s, struct db *db);
