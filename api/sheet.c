/* sheet: a ring of the newest, under one lock that is held for a comparison. */
#include "api/sheet.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct sheets {
    pthread_mutex_t lock;
    struct sheet   *kept[SHEETS_KEPT]; /* guarded by lock, as all below */
    size_t          next;              /* the place to give way         */
    uint64_t        oldest;            /* that may be kept, by commits  */
};

/* --- one ------------------------------------------------------------------------------------------------------- */

struct sheet *sheet_new(const char *wish, struct position from, uint64_t commits)
{
    struct sheet *s = calloc(1, sizeof *s);
    char         *copy = strdup(wish);
    if (!s || !copy) {
        free(s);
        free(copy);
        return NULL;
    }
    atomic_init(&s->holders, 1);
    s->wish = copy;
    s->from = s->to = from;
    s->commits = commits;
    buf_init(&s->bytes, SHEET_MAX);
    return s;
}

static struct sheet *hold(struct sheet *s)
{
    (void)atomic_fetch_add(&s->holders, 1);
    return s;
}

void sheet_let_go(struct sheet **sp)
{
    struct sheet *s = TAKE(*sp);
    if (!s || atomic_fetch_sub(&s->holders, 1) > 1)
        return;
    buf_done(&s->bytes);
    free(s->wish);
    free(s);
}

/* --- all ------------------------------------------------------------------------------------------------------- */

struct sheets *sheets_new(void)
{
    struct sheets *all = calloc(1, sizeof *all);
    if (all)
        (void)pthread_mutex_init(&all->lock, NULL);
    return all;
}

void sheets_forget(struct sheets *all, uint64_t commits)
{
    (void)pthread_mutex_lock(&all->lock);
    if (commits > all->oldest)
        all->oldest = commits;
    for (size_t i = 0; i < SHEETS_KEPT; i++)
        sheet_let_go(&all->kept[i]);
    (void)pthread_mutex_unlock(&all->lock);
}

void sheets_clear(struct sheets *all)
{
    sheets_forget(all, 0);
}

void sheets_free(struct sheets **ap)
{
    struct sheets *all = TAKE(*ap);
    if (!all)
        return;
    sheets_clear(all);
    (void)pthread_mutex_destroy(&all->lock);
    free(all);
}

static bool is_same(struct position a, struct position b)
{
    return a.seq == b.seq && a.changed == b.changed;
}

/* One that leads nowhere is right only as long as nothing more was written. */
static bool fits(const struct sheet *s, const char *wish, struct position from, uint64_t commits)
{
    return is_same(s->from, from) && (s->commits >= commits || !is_same(s->to, from)) && strcmp(s->wish, wish) == 0;
}

struct sheet *sheets_find(struct sheets *all, const char *wish, struct position from, uint64_t commits)
{
    struct sheet *found = NULL;
    (void)pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < SHEETS_KEPT && !found; i++)
        if (all->kept[i] && fits(all->kept[i], wish, from, commits))
            found = hold(all->kept[i]);
    (void)pthread_mutex_unlock(&all->lock);
    return found;
}

void sheets_offer(struct sheets *all, struct sheet *s)
{
    if (s->bytes.len > SHEET_KEPT_MAX)
        return;
    struct sheet *gone = NULL;
    (void)pthread_mutex_lock(&all->lock);
    if (s->commits >= all->oldest) {
        struct sheet **place = &all->kept[all->next++ % SHEETS_KEPT];
        gone = TAKE(*place);
        *place = hold(s);
    }
    (void)pthread_mutex_unlock(&all->lock);
    sheet_let_go(&gone);
}
