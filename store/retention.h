/* retention: forgets raw bytes by age and by size, then what the rules say. Called by the keeper, now and then. */
#pragma once
#include "store/doubt.h"
#include "store/inside.h"

/* Counts what the files of large arrivals take; once, before the first run. */
int retention_count_files(struct store *s, struct db *db, struct err *e) MUST_CHECK;
/* One turn of a second or two; true: there is more to do. */
bool retention_run(struct store *s, struct db *db, struct doubt *doubt);
int64_t retention_limit(const struct store *s); /* bytes */
