/* salvage: mails whose rows SQLite no longer finds in a damaged database: those in pages that no tree leads to, and those of which
 * only the bytes are left. What was deleted may still lie in such pages, so a mail comes back only where its row should have been: in a
 * hole, that is a range of seqs that could not be read. */
#pragma once
#include "store/db.h"

enum { HOLES_MAX = 512 };
struct holes { /* in order; too many become wider ones */
    struct {
        int64_t first, last;
    } list[HOLES_MAX];
    size_t count;
};
void holes_add(struct holes *h, int64_t first, int64_t last);
bool holes_have(const struct holes *h, int64_t seq);

struct salvaged {
    int64_t rows;   /* arrivals that are here again, with who sent them  */
    int64_t bodies; /* bytes that are with their arrival again            */
    int64_t bare;   /* arrivals made of their bytes alone                 */
};
/* Into the database `main` of db, inside its transaction. `name`: the damaged file in the folder `at`, which nobody writes. */
int salvage_arrivals(struct db *db, int at, const char *name, const struct holes *holes, struct salvaged *out, struct err *e) MUST_CHECK;

/* The envelope of a mail whose sender nobody knows any more. */
#define SALVAGE_ENVELOPE "{\"listener\":\"recovered\",\"peer\":\"\",\"helo\":\"\",\"login\":\"\",\"from\":\"\",\"to\":[]}"
