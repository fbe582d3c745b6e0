/* doomed: names in the table meta, behind "doomed/". */
#include "store/doomed.h"
#include "core/clock.h"
#include "core/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { AT_ONCE = 64 };

int tx_doom(struct store_tx *tx, const char *file, int64_t bytes, struct err *e)
{
    tx->files_bytes -= bytes;
    return db_run(tx->db, e, "INSERT OR REPLACE INTO meta(key, value) VALUES('doomed/' || ?, 0)", P(file));
}

/* With its last arrival an old day's folder goes too, and the month's and the year's: rmdir refuses what is not empty. */
void doomed_remove_file(struct store *s, const char *file)
{
    char path[FILE_TEXT], day[DAY_TEXT], today[DAY_TEXT];
    (void)unlinkat(s->folder_fd, file, 0);
    (void)snprintf(path, sizeof path, "%s", file);
    (void)snprintf(day, sizeof day, "%.10s", file + strlen("arrivals/"));
    day_of(today, clock_wall_ms());
    if (strcmp(day, today) >= 0)
        return;
    for (int level = 0; level < 3; level++) {
        *strrchr(path, '/') = '\0';
        if (unlinkat(s->folder_fd, path, AT_REMOVEDIR) < 0)
            return;
        day_forget(s, day);
    }
}

struct removed {
    struct store_op op;
    char            files[AT_ONCE][FILE_TEXT];
    int             count;
};

static int strike(struct store_tx *tx, struct store_op *op, struct err *e)
{
    const struct removed *r = (const struct removed *)op;
    for (int i = 0; i < r->count; i++)
        if (db_run(tx->db, e, "DELETE FROM meta WHERE key = 'doomed/' || ?", P(r->files[i])) < 0)
            return -1;
    return 0;
}

/* How many, or -1. */
static int find(struct db *db, struct removed *out, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, e, "SELECT substr(key, 8) FROM meta WHERE key > 'doomed/' AND key < 'doomed0' LIMIT ?", P(AT_ONCE));
    if (!q)
        return -1;
    int more = 0;
    while (out->count < AT_ONCE && (more = stmt_step(q, e)) > 0)
        (void)snprintf(out->files[out->count++], FILE_TEXT, "%s", col_text(q, 0));
    return more < 0 ? -1 : out->count;
}

/* What cannot be removed now (a file system gone read-only) keeps its name for the next turn. */
static bool is_gone(struct store *s, const char *file)
{
    doomed_remove_file(s, file);
    return faccessat(s->folder_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

void doomed_remove(struct store *s, struct db *db)
{
    int found, gone = 1;
    do {
        struct removed r = { .op = { .rank = STORE_LATER, .apply = strike } };
        struct err     e = { 0 };
        found = find(db, &r, &e);
        gone = 0;
        for (int i = 0; i < r.count; i++)
            if (is_gone(s, r.files[i])) {
                memmove(r.files[gone], r.files[i], FILE_TEXT);
                gone++;
            }
        r.count = gone;
        if (gone > 0) {
            FAULT("forget.file_removed");
            if (store_do(s, &r.op, &e) < 0)
                return;
        }
    } while (found == AT_ONCE && gone > 0);
}
