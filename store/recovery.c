/* recovery: what the last run left half done, once after the start. A file without a row was never acknowledged: it is
 * removed. An arrival without its file can no longer be read: the service hears of it and tells it as unreadable. Only the
 * days in which a run can have ended are looked through: today, yesterday and that of the last arrival. */
#include "core/clock.h"
#include "core/fault.h"
#include "store/inside.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DAY_MS = 86400000, CHECKED_AT_ONCE = 500 };

static void dir_close(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static DIR *open_day(const struct store *s, const char *day)
{
    char path[FILE_TEXT] = "arrivals/";
    memcpy(path + strlen(path), day, DAY_TEXT);
    int fd = openat(s->folder_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !d)
        (void)close(fd);
    return d;
}

/* Whether a row of ours names this file; when in doubt it does. */
static bool has_row(struct db *db, const char *id, const char *file)
{
    struct err e = { 0 };
    CLEANUP(stmt_done) struct stmt *s = db_ask(db, &e, "SELECT 1 FROM arrivals WHERE id = ? AND file = ?", P(id), P(file));
    return !s || stmt_step(s, &e) != 0;
}

/* The order matters: a file that is no longer in the list of those on their way has its row by now, or is gone. */
static void remove_if_orphan(struct store *s, struct db *db, const char *day, const char *name)
{
    char id[ID_TEXT], file[FILE_TEXT];
    (void)snprintf(id, sizeof id, "%.26s", name);
    if (strlen(name) != ID_TEXT - 1 + strlen(".eml") || !id_is_valid(id))
        return; /* not ours */
    (void)snprintf(file, sizeof file, "arrivals/%s/%.30s", day, name);
    if (!spool_is_open(s, file) && !has_row(db, id, file))
        (void)unlinkat(s->folder_fd, file, 0);
}

static void recover_day(struct store *s, struct db *db, const char *day)
{
    CLEANUP(dir_close) DIR *d = open_day(s, day);
    if (!d)
        return;
    for (const struct dirent *entry; (entry = readdir(d));)
        remove_if_orphan(s, db, day, entry->d_name);
    FAULT("store.orphans_removed");
}

static void recover_days(struct store *s, struct db *db)
{
    int64_t last = 0, now = clock_wall_ms();
    struct err e = { 0 };
    if (db_number(db, "SELECT received_ms FROM arrivals ORDER BY seq DESC LIMIT 1", now, &last, &e) < 0)
        return;
    const int64_t at[] = { now, now - DAY_MS, last };
    char days[COUNT(at)][DAY_TEXT];
    for (size_t i = 0; i < COUNT(at); i++) {
        day_of(days[i], at[i]);
        bool is_seen = false;
        for (size_t k = 0; k < i; k++)
            is_seen |= strcmp(days[k], days[i]) == 0;
        if (!is_seen)
            recover_day(s, db, days[i]);
    }
}

static bool is_missing(const struct store *s, const char *file)
{
    return faccessat(s->folder_fd, file, F_OK, 0) < 0 && errno == ENOENT;
}

/* Of those that still wait for the inspector, up to 500 a time: 1 (perhaps more, after *after), 0, or -1. */
static int report_missing(struct store *s, struct db *db, int64_t *after)
{
    struct err e = { 0 };
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(db, &e,
               "SELECT seq, file FROM arrivals INDEXED BY arrivals_waiting WHERE state < 2 AND seq > ? AND file IS NOT NULL"
               " ORDER BY seq LIMIT ?",
               P(*after), P(CHECKED_AT_ONCE));
    if (!q)
        return -1;
    int n = 0, more;
    for (; (more = stmt_step(q, &e)) > 0; n++) {
        *after = col_int(q, 0);
        if (is_missing(s, col_text(q, 1)))
            s->options.raw_is_missing(s->options.user, *after);
    }
    return more < 0 ? -1 : n == CHECKED_AT_ONCE;
}

void recover(struct store *s, struct db *db)
{
    recover_days(s, db);
    int64_t after = 0;
    while (s->options.raw_is_missing && report_missing(s, db, &after) > 0)
        ;
}
