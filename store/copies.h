/* copies: files put into a folder whole or not at all: written beside, synced, renamed; and the folders they are in. Not synced
 * is the folder that holds the new name: the caller does that once for many (copies_sync). */
#pragma once
#include "core/err.h"
#include "core/sha256.h"
#include <stdint.h>

struct copied {
    int64_t       bytes;
    unsigned char hash[SHA256_BYTES];
};
/* `name`, a path below both folders. ERR_NOT_FOUND: the first has none. */
int copies_file(int from, int to, const char *name, struct copied *out, struct err *e) MUST_CHECK;
/* What is there already. ERR_NOT_FOUND. */
int copies_look(int at, const char *name, struct copied *out, struct err *e) MUST_CHECK;
/* A file of these bytes. */
int copies_write(int to, const char *name, const void *bytes, size_t n, struct err *e) MUST_CHECK;
/* Makes the folders above a path like "arrivals/2026/11/21/x.eml". */
int copies_make_folders(int at, const char *name, struct err *e) MUST_CHECK;
/* Syncs the file system that the folder is on: every name made so far. */
int copies_sync(int at, struct err *e) MUST_CHECK;
/* Called with the path of every regular file below `name`, or in it ("."), folders in no order. 0, or the first that is not 0. */
int copies_walk(int at, const char *name, int (*visit)(void *user, const char *path, struct err *e), void *user, struct err *e) MUST_CHECK;
