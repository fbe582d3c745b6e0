/* erase: what an owner wants gone without a trace, a whole mail with all its events at a time: rows, words in the search, counts, raw bytes,
 * the conversation that brought it, deliveries and the texts of messages, events that say how those were refused (store/quotes.h), words of it in the audit, exported pictures (store/exported.h), and the copy in the
 * archive, whose thread follows the table erasures. Nobody is told of it any more; what is on its way is let end first.
 *
 * What is to go is written down before anything goes (table erasing), then goes in small transactions: cut off anywhere, the keeper goes on. It
 * does the slow rest, too: an index forgets words only when its parts are merged, and the log keeps old pages until it begins anew.
 * Of each mail its id stays (table erased), so that no import and no rebuild brings it back. Older copies still hold it: erase_copies. */
#pragma once
#include "store/audit.h"

enum {
    ERASE_MAX = 10000,     /* events that one wish may name           */
    ERASE_WAIT_MS = 20000, /* so long it is waited for; then it goes on by itself */
};

/* Events by seq; of those that share a mail one stands for all. */
struct erase_list {
    int64_t *events;
    size_t   count, room;
    bool     is_sorted; /* and each once */
};
/* Adds these, of any page of a list. An event of its own stands for itself. */
int  erase_list_add(struct erase_list *l, struct store_reader *r, const int64_t *seqs, size_t count, struct err *e) MUST_CHECK;
void erase_list_done(struct erase_list *l);

/* What goes with them. */
struct erase_counts {
    int64_t events, mails;
    int64_t deliveries;       /* not made yet: nobody will be told   */
    int64_t linked;           /* events of other mails, which stay, that tell of the same act */
    int64_t first_ms, last_ms; /* received; of no event 0             */
};
int erase_count(struct erase_list *l, struct store_reader *r, struct erase_counts *out, struct err *e) MUST_CHECK;

struct erase_result {
    int64_t events, mails, deliveries, bytes;
    int64_t left; /* go by themselves, soon: mails, a message about which is on its way, or the time was up; events that quote them */
};
/* One row in the audit for all of it, from *by. Waits for the disk, up to ERASE_WAIT_MS; -1: some may be gone. Not from the writer's thread. */
int erase_all(struct store *s, struct store_reader *r, struct erase_list *l, const struct audit_entry *by, struct erase_result *out,
              struct err *e) MUST_CHECK;

/* An event that the archive has and the box no longer: the archive's thread follows. */
int erase_archived(struct store *s, const char *event, const struct audit_entry *by, struct err *e) MUST_CHECK;

/* What is still to do of all that was ever asked. */
struct erase_rest {
    int64_t mails;   /* or events of our own */
    int64_t archive; /* events               */
    int64_t exported; /* pictures, in Store:ExportFolder */
    bool    has_traces; /* in the index or the log */
};
int erase_rest(struct store_reader *r, struct erase_rest *out, struct err *e) MUST_CHECK;

/* Copies of the database in the data folder that were made before now: of a migration, or set aside damaged. */
typedef void erase_copy_fn(void *user, const char *name, int64_t bytes, int64_t made_ms);
int erase_copies(struct store *s, erase_copy_fn *each, void *user, struct err *e) MUST_CHECK;
int erase_copies_remove(struct store *s, struct err *e) MUST_CHECK; /* how many, or -1 */

/* The keeper's: true, there is more to do. */
struct db;
bool erase_go_on(struct store *s, struct db *db);
