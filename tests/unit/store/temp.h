/* temp: a store in a folder of its own, gone after the test. */
#pragma once
#include "store/inside.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h> /* wants those above */

struct temp {
    char folder[64];
    struct store *store;
};

static inline int temp_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void temp_open(struct temp *t)
{
    struct err e = { 0 };
    if (store_open(&(struct store_options){ .folder = t->folder, .reserve_bytes = 1 << 16 }, &t->store, &e) < 0)
        fail_msg("%s", e.text);
}

static inline int temp_setup(void **state)
{
    struct temp *t = calloc(1, sizeof *t);
    assert_non_null(t);
    (void)snprintf(t->folder, sizeof t->folder, "%s/postern-test-XXXXXX", "/tmp");
    assert_non_null(mkdtemp(t->folder));
    temp_open(t);
    *state = t;
    return 0;
}

static inline int temp_teardown(void **state)
{
    struct temp *t = *state;
    store_close(&t->store);
    (void)nftw(t->folder, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(t);
    return 0;
}

/* One arrival that the test waits for. */
struct waited {
    struct arrival a;
    struct err failed;
    bool has_ended;
    pthread_mutex_t lock;
    pthread_cond_t ended;
};

static inline void waited_kept(struct arrival *a, const struct err *failed)
{
    struct waited *w = (struct waited *)a;
    (void)pthread_mutex_lock(&w->lock);
    if (failed)
        w->failed = *failed;
    w->has_ended = true;
    (void)pthread_cond_signal(&w->ended);
    (void)pthread_mutex_unlock(&w->lock);
}

static inline struct waited *waited_new(int64_t received_ms, const char *data)
{
    struct waited *w = calloc(1, sizeof *w);
    assert_non_null(w);
    (void)id_make(w->a.id, received_ms);
    w->a.received_ms = received_ms;
    w->a.envelope = "{\"listener\":\"smtp\"}";
    w->a.data = data;
    w->a.bytes = data ? (int64_t)strlen(data) : 0;
    w->a.kept = waited_kept;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->ended, NULL);
    return w;
}

static inline enum err_code waited_wait(struct waited *w)
{
    (void)pthread_mutex_lock(&w->lock);
    while (!w->has_ended)
        (void)pthread_cond_wait(&w->ended, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
    return w->failed.code;
}

/* Keeps a small arrival; its seq. */
static inline int64_t temp_keep(struct temp *t, int64_t received_ms, const char *data)
{
    struct waited *w = waited_new(received_ms, data);
    store_accept(t->store, &w->a);
    assert_int_equal(waited_wait(w), ERR_NONE);
    int64_t seq = w->a.seq;
    free(w);
    return seq;
}

static inline struct spool *temp_spool(struct temp *t, const char *id, int64_t received_ms, const char *data)
{
    struct spool *f = NULL;
    struct err e = { 0 };
    if (spool_open(t->store, id, received_ms, &f, &e) < 0 || spool_write(f, data, strlen(data), &e) < 0 ||
        spool_sync(f, &e) < 0)
        fail_msg("%s", e.text);
    return f;
}

/* Keeps a large one; id_out may be NULL. */
static inline int64_t temp_keep_large(struct temp *t, int64_t received_ms, const char *data, char *id_out)
{
    struct waited *w = waited_new(received_ms, NULL);
    w->a.bytes = (int64_t)strlen(data);
    w->a.spool = temp_spool(t, w->a.id, received_ms, data);
    store_accept(t->store, &w->a);
    assert_int_equal(waited_wait(w), ERR_NONE);
    int64_t seq = w->a.seq;
    if (id_out)
        memcpy(id_out, w->a.id, ID_TEXT);
    free(w);
    return seq;
}

static inline int64_t temp_number(struct temp *t, const char *sql)
{
    struct store_reader *r = NULL;
    struct err e = { 0 };
    int64_t n = -1;
    if (store_reader_open(t->store, &r, &e) < 0 || db_number(reader_db(r), sql, -1, &n, &e) < 0)
        fail_msg("%s: %s", sql, e.text);
    store_reader_close(&r);
    return n;
}

/* One operation with a function and a context. */
struct temp_op {
    struct store_op op;
    int (*write)(struct store_tx *tx, void *user, struct err *e);
    void *user;
};

static inline int temp_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct temp_op *t = (struct temp_op *)op;
    return t->write(tx, t->user, e);
}

static inline int temp_do(struct temp *t, enum store_rank rank, int (*write)(struct store_tx *, void *, struct err *),
                          void *user, struct err *e)
{
    struct temp_op op = { .op = { .rank = rank, .apply = temp_apply }, .write = write, .user = user };
    return store_do(t->store, &op.op, e);
}
