/* damage: a database that is not what was written: what can be read of it, and the files of large arrivals, become a new one; the
 * damaged one is set aside beside it as postern.db.damaged-<UTC time>. Cut off anywhere, the next start goes on or begins anew. */
#pragma once
#include "store/inside.h"

/* Whether a new database is to be made: the store saw damage while it ran (damage_mark), or the database is gone and files of
 * arrivals are there. Puts in place what an earlier start had ready. */
int  damage_is_known(struct store *s, bool *out, struct err *e) MUST_CHECK;
int  damage_mark(struct store *s, struct err *e) MUST_CHECK; /* for the next start */
/* Makes the new one and puts it in place. */
int  damage_rebuild(struct store *s, struct err *e) MUST_CHECK;
/* Whether one was set aside less than an hour ago: then the disk itself is to blame, and to begin again would help nobody. */
bool damage_was_lately(struct store *s);
