/* backup: a whole copy of a data folder in another one, made while a gateway runs or not, and the way back.
 *
 *   manifest.json                 says which database is the copy's, its hash, and the other files; written last
 *   postern-<UTC time>.db         every row, as of one moment
 *   arrivals/YYYY/MM/DD/<id>.eml  as in the data folder; what is there already is not copied again
 *   api-token, tls.pem, …         the small files beside the database
 *
 * Cut off anywhere, the last manifest still names a whole copy. Nothing here touches the data folder that is copied. */
#pragma once
#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backup_counts {
    char    made[32]; /* when, RFC 3339 */
    int64_t events, arrivals, database_bytes;
    int64_t files, files_bytes; /* large arrivals */
    int64_t copied, same;       /* of them, this time */
    int64_t forgotten;          /* meanwhile, so their rows say so in the copy */
    int64_t removed;            /* from the backup: forgotten since the one before */
    int64_t damaged;            /* missing, or not the bytes that were kept; they are named by say() */
    int64_t owed;               /* deliveries that were not yet made */
};

struct backup_options {
    const char *from, *to; /* folders */
    void *user;
    void (*progress)(void *user, const char *what, int64_t done, int64_t total); /* may be NULL */
    void (*say)(void *user, const char *text);                                  /* what is damaged; may be NULL */
};

/* from: a data folder. ERR_VERSION: not of this version (start the gateway once); ERR_NOT_FOUND: no database there. */
int backup_make(const struct backup_options *o, struct backup_counts *out, struct err *e) MUST_CHECK;
/* from: a backup, to: an empty data folder, or one where this was cut off. ERR_BUSY: a gateway runs there; ERR_STATE: it is
 * not empty; ERR_DAMAGED: the backup's database is not what was written. Damaged arrivals are counted, the rest is restored. */
int backup_restore(const struct backup_options *o, struct backup_counts *out, struct err *e) MUST_CHECK;

/* While a restore is under way, or was cut off, the data folder holds a file of this name: nobody may open it. */
extern const char backup_restoring[];
