/* marks: what people say about events after they were told: seen to (acknowledged), to be kept, a note. Each change takes the event's
 * next `changed` number (schema.c's triggers) and a row in the audit, in one transaction. */
#pragma once
#include "store/audit.h"

enum { MARKS_NOTE_CHARACTERS = 2000 };

enum mark_wish { MARK_LEAVE, MARK_SET, MARK_TAKE_BACK };

struct mark_change {
    enum mark_wish acknowledged, kept;
    const char    *note; /* NULL: as it is; "": none */
};
/* Who acknowledged or kept an event first stays. by->who is written beside the mark, by->object is the event's id.
 * 1; 0: there is no such event; -1. Waits for the disk. */
int marks_set(struct store *s, const struct mark_change *change, const struct audit_entry *by, struct err *e) MUST_CHECK;

/* Many at once, in parts: each part is a transaction, all of them are one row in the audit. */
struct marks_sweep {
    struct audit_entry by;     /* detail is made here */
    const char        *filter; /* as it was asked for, for the audit */
    int64_t            count;  /* so far; begins at 0 */
    int64_t            audit_seq; /* begins at 0 */
};
/* Acknowledges those of these events (by seq) that nobody has yet. Waits for the disk. */
int marks_acknowledge(struct store *s, struct marks_sweep *sweep, const int64_t *seqs, size_t count, struct err *e) MUST_CHECK;
