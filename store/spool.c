/* spool: a large arrival on its way to disk: written under its last name, synced once, and known to the store until its row
 * is on disk, so that recovery never takes it for a leftover. */
#include "core/fault.h"
#include "core/file.h"
#include "core/sha256.h"
#include "store/inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct spool {
    struct store *store;
    struct spool *next;
    int fd; /* -1 once synced, or broken */
    bool is_synced, is_hashed;
    struct sha256 *hashing; /* NULL: out of memory */
    unsigned char hash[SHA256_BYTES];
    char day[DAY_TEXT], file[FILE_TEXT];
};

static void enlist(struct spool *f)
{
    (void)pthread_mutex_lock(&f->store->spools_lock);
    f->next = f->store->spools;
    f->store->spools = f;
    (void)pthread_mutex_unlock(&f->store->spools_lock);
}

static void delist(struct spool *f)
{
    (void)pthread_mutex_lock(&f->store->spools_lock);
    struct spool **link = &f->store->spools;
    while (*link && *link != f)
        link = &(*link)->next;
    if (*link)
        *link = f->next;
    (void)pthread_mutex_unlock(&f->store->spools_lock);
}

bool spool_is_open(struct store *s, const char *file)
{
    bool found = false;
    (void)pthread_mutex_lock(&s->spools_lock);
    for (const struct spool *f = s->spools; f && !found; f = f->next)
        found = strcmp(f->file, file) == 0;
    (void)pthread_mutex_unlock(&s->spools_lock);
    return found;
}

static void close_file(struct spool *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    f->fd = -1;
}

/* What the system said about the disk, as our error. After it the descriptor is not used again. */
static int broken(struct spool *f, const char *what, struct err *e)
{
    bool is_full = errno == ENOSPC || errno == EDQUOT;
    (void)err_set(e, is_full ? ERR_FULL : ERR_IO, "%s %s: %m", what, f->file);
    close_file(f);
    if (is_full)
        reserve_give_up(f->store);
    else
        note_write(f->store, WRITES_FILES, false);
    return -1;
}

static int full(struct err *e)
{
    return err_set(e, ERR_FULL, "the disk is full: what is left is for small arrivals");
}

static int create(struct spool *f, struct err *e)
{
    /* The folder may have been removed with its last old arrival: then it is made anew, once. */
    for (int tries = 0; tries < 2 && f->fd < 0; tries++) {
        if (day_make(f->store, f->day, e) < 0)
            return -1;
        f->fd = openat(f->store->folder_fd, f->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (f->fd < 0 && errno == ENOENT)
            day_forget(f->store, f->day);
        else
            break;
    }
    return f->fd < 0 ? broken(f, "create", e) : 0;
}

static void spool_free(struct spool **f)
{
    delist(*f);
    close_file(*f);
    sha256_free(&(*f)->hashing);
    free(*f);
    *f = NULL;
}

int spool_open(struct store *s, const char *id, int64_t received_ms, struct spool **out, struct err *e)
{
    if (store_is_full(s))
        return full(e);
    struct spool *f = calloc(1, sizeof *f);
    if (!f)
        return err_set(e, ERR_NOMEM, "out of memory");
    *f = (struct spool){ .store = s, .fd = -1, .hashing = sha256_new() };
    day_of(f->day, received_ms);
    (void)snprintf(f->file, sizeof f->file, "arrivals/%s/%.26s.eml", f->day, id);
    enlist(f);
    if (create(f, e) < 0) {
        spool_free(&f);
        return -1;
    }
    FAULT("store.file_created");
    *out = f;
    return 0;
}

int spool_write(struct spool *f, const void *bytes, size_t n, struct err *e)
{
    if (f->fd < 0)
        return err_set(e, ERR_STATE, "%s: not open for writing", f->file);
    if (store_is_full(f->store))
        return full(e);
    if (file_write(f->fd, bytes, n) < 0)
        return broken(f, "write", e);
    if (f->hashing)
        sha256_add(f->hashing, bytes, n);
    FAULT("store.file_written");
    return 0;
}

int spool_sync(struct spool *f, struct err *e)
{
    if (f->fd < 0)
        return err_set(e, ERR_STATE, "%s: not open for writing", f->file);
    (void)atomic_fetch_add(&f->store->file_syncs, 1);
    int result = fsync(f->fd);
    (void)atomic_fetch_sub(&f->store->file_syncs, 1);
    if (result < 0)
        return broken(f, "sync", e); /* never again on this descriptor: the kernel says it only once */
    note_write(f->store, WRITES_FILES, true);
    close_file(f);
    f->is_hashed = f->hashing && sha256_end(f->hashing, f->hash) == 0;
    f->is_synced = true;
    FAULT("store.file_synced");
    return 0;
}

void spool_abandon(struct spool **f)
{
    if (!*f)
        return;
    (void)unlinkat((*f)->store->folder_fd, (*f)->file, 0);
    spool_free(f);
}

void spool_kept(struct spool **f)
{
    if (*f)
        spool_free(f);
}

const char *spool_file(const struct spool *f)
{
    return f->file;
}

const char *spool_day(const struct spool *f)
{
    return f->day;
}

bool spool_is_synced(const struct spool *f)
{
    return f->is_synced;
}

const unsigned char *spool_hash(const struct spool *f)
{
    return f->is_hashed ? f->hash : NULL;
}
