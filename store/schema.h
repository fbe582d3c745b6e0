/* schema: step i (from 0) brings an empty or version-i database to version i + 1 (PRAGMA user_version). */
#pragma once
#include "core/err.h"
#include <stdint.h>

struct db;

extern const char *const schema_steps[];
extern const int         schema_version; /* the newest */

/* What a step leaves to be done with every event: the search index and the tallies. Inside a transaction the caller began: the next
 * `rows` events; how many are left, 0: it is done. Cut off between two transactions it goes on where it was. Nothing else may
 * write events before it is done. */
int schema_fill(struct db *db, int rows, int64_t *left_out, struct err *e) MUST_CHECK;
