/* migrate: from an older version of the database to ours: a copy first, then step by step, each a transaction, killed anywhere it goes
 * on at the next start. It may take minutes: store_open does it on a thread of its own if its caller wants. */
#pragma once
#include "store/inside.h"

/* Whether anything is to be done; *version_out: 0 is a new, empty database, for which it is done in no time. ERR_VERSION. */
int migrate_is_due(struct db *db, int *version_out, bool *is_due_out, struct err *e) MUST_CHECK;
/* Progress is logged. Ends early, with ERR_BUSY, when the store is closing. */
int migrate_run(struct store *s, struct db *db, struct err *e) MUST_CHECK;
/* Takes all events that are not yet in them into the search index and the tallies. */
int migrate_fill(const struct store *s, struct db *db, struct err *e) MUST_CHECK;
/* Removes copies that an earlier migration left behind a month ago. */
void migrate_tidy(struct store *s);
