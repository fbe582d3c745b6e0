/* schema: step i (from 0) brings an empty or version-i database to version i + 1 (PRAGMA user_version). */
#pragma once
#include "core/err.h"
#include <stdint.h>

struct db;

extern const char *const schema_steps[];
extern const int         schema_version; /* the newest */

/* Takes new events into the search index and the tallies, up to `rows` of them, inside a transaction the caller began; how many are left
 * comes out. The writer does so in each transaction; after a step that made the index, until nothing is left. -1: nothing was taken in,
 * the transaction goes on (if db_is_in_transaction) and the next call tries again. */
int schema_fill(struct db *db, int rows, int64_t *left_out, struct err *e) MUST_CHECK;

/* The index grows in parts, one for each transaction that changed it: merges about so many pages of them, inside a transaction. An event costs
 * a page or two in all, on its way from the smallest parts to the largest. Negative: begins to make one part of all (sqlite.org/fts5.html, 6.8). */
int schema_tidy(struct db *db, int64_t pages, struct err *e) MUST_CHECK;
