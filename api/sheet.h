/* sheet: a piece of the live stream, made once for all readers who stand at the same position with the same wish (their filter as a text:
 * there is nothing else by which two readers' bytes could differ). The last few are kept while somebody reads; who sends from one
 * holds it. Any thread. */
#pragma once
#include "core/buf.h"
#include "store/changes.h"
#include <stdatomic.h>

enum {
    SHEETS_KEPT = 16,
    SHEET_KEPT_MAX = 64 * 1024, /* bytes; a larger one is its maker's alone */
    SHEET_MAX = 4 << 20,
};

/* Whoever made it may write; nobody once it was offered. */
struct sheet {
    atomic_int      holders;
    char           *wish;
    struct position from, to;
    uint64_t        commits;   /* what was written when it was begun: all of that is in it, or is_behind */
    bool            is_behind; /* there may be more */
    struct buf      bytes;
};
struct sheet *sheet_new(const char *wish, struct position from, uint64_t commits); /* NULL: no memory */
void          sheet_let_go(struct sheet **s);                                      /* NULL inside is nothing */

struct sheets;
struct sheets *sheets_new(void); /* NULL: no memory */
void           sheets_free(struct sheets **all);
void           sheets_clear(struct sheets *all); /* nobody reads now */
/* Something was erased: of what was written before `commits` nothing is kept, and nothing taken any more that is being made now. */
void           sheets_forget(struct sheets *all, uint64_t commits);

/* One that goes on from here and leads on, or that says truly that at `commits` nothing was there; the caller lets go. NULL: none is kept. */
struct sheet *sheets_find(struct sheets *all, const char *wish, struct position from, uint64_t commits);
/* From now on others may have it, too; the oldest gives way. Two threads may have made the same: then the second is kept. */
void sheets_offer(struct sheets *all, struct sheet *s);
