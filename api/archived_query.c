/* archived_query: from our filters to MongoDB's. */
#include "api/archived_query.h"
#include "core/arena.h"
#include "core/fold.h"
#include "store/archive.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TERMS_MAX = 16, TERMS_BYTES = 1024, STRINGS_BYTES = 16 * 1024 };

struct terms {
    const char *items[TERMS_MAX + 1];
    size_t      count, used;
    char        bytes[TERMS_BYTES];
};

struct archived_query {
    struct mongo_filter filter;
    struct terms        terms;
    struct arena        strings;
    char                beyond[ID_TEXT];
    bool                is_over;
};

/* --- words ------------------------------------------------------------------------------------------------------------- */

/* A word is " door ", the beginning of one " door", a phrase " front door ". */
static void add_term(struct terms *t, const char *text, size_t n, bool is_beginning)
{
    char  *out = t->bytes + t->used;
    size_t length = t->count < TERMS_MAX ? fold_words(out, sizeof t->bytes - t->used, text, n) : 0;
    if (length < 2 || (length == 2 && out[1] == ' '))
        return;
    if (is_beginning && out[length - 1] == ' ')
        out[--length] = '\0';
    t->items[t->count++] = out;
    t->used += length + 1;
}

/* As store/search.h reads it: words, "phrases", beginnings*. */
static void read_terms(const char *text, struct terms *t)
{
    for (const char *at = text; *at && t->used + 2 < sizeof t->bytes;) {
        at += strspn(at, " ");
        bool   is_phrase = *at == '"';
        size_t n = is_phrase ? strcspn(++at, "\"") : strcspn(at, " \"");
        add_term(t, at, n, !is_phrase && n > 1 && at[n - 1] == '*');
        at += n + (is_phrase && at[n] == '"');
    }
    if (t->count == 0)
        t->items[t->count++] = "-"; /* neither letter nor digit: in no folded text */
}

/* --- filters ----------------------------------------------------------------------------------------------------------- */

static int as_flag(enum mark m)
{
    return m == MARK_ANY ? -1 : m == MARK_YES;
}

/* A copy that lasts; what was NULL stays so. */
static const char *keep(struct archived_query *q, const char *text, bool *failed)
{
    const char *kept = arena_str(&q->strings, text);
    *failed |= text && !kept;
    return kept;
}

static int translate(const struct api *a, const struct event_filter *f, struct archived_query *q, struct err *e)
{
    bool failed = false;
    q->filter = (struct mongo_filter){
        .site = keep(q, f->site ? f->site : a->o.site, &failed), .kind = keep(q, f->kind, &failed), .device = keep(q, f->device, &failed),
        .zone_name = keep(q, f->zone_name, &failed), .user = keep(q, f->user, &failed), .zone = f->zone, .severity = f->severity,
        .is_acknowledged = as_flag(f->acknowledged), .is_kept = as_flag(f->kept), .has_picture = as_flag(f->picture),
        .has_person = as_flag(f->person), .since_ms = f->since_ms, .until_ms = f->until_ms,
    };
    if (f->text)
        read_terms(f->text, &q->terms);
    q->filter.terms = q->terms.count > 0 ? q->terms.items : NULL;
    return failed ? err_set(e, ERR_NOMEM, "no room for the filter") : 0;
}

int archived_query_new(const struct api *a, const struct event_filter *f, const char *beyond, bool is_oldest_first, struct archived_query **out,
                       struct err *e)
{
    CLEANUP(archived_query_free) struct archived_query *q = calloc(1, sizeof *q);
    if (!q)
        return err_set(e, ERR_NOMEM, "out of memory");
    arena_init(&q->strings, STRINGS_BYTES);
    if (translate(a, f, q, e) < 0)
        return -1;
    q->filter.is_oldest_first = is_oldest_first;
    (void)snprintf(q->beyond, sizeof q->beyond, "%s", beyond ? beyond : "");
    *out = TAKE(q);
    return 0;
}

void archived_query_free(struct archived_query **qp)
{
    struct archived_query *q = TAKE(*qp);
    if (!q)
        return;
    arena_done(&q->strings);
    free(q);
}

const struct mongo_filter *archived_query_filter(const struct archived_query *q)
{
    return &q->filter;
}

/* --- pages ------------------------------------------------------------------------------------------------------------- */

struct paging {
    struct archived_query *query;
    int                    left;
    bool                   has_more;
    archived_event        *on_event;
    void                  *user;
};

static bool on_found(void *user, const char *id, const char *json)
{
    struct paging *p = user;
    if (p->left == 0 || !p->on_event(p->user, id, json)) {
        p->has_more = true;
        return false;
    }
    p->left--;
    (void)snprintf(p->query->beyond, sizeof p->query->beyond, "%s", id);
    return true;
}

int archived_query_page(struct api *a, struct archived_query *q, int limit, archived_event *on_event, void *user, struct err *e)
{
    struct mongo *m = NULL;
    struct paging paging = { .query = q, .left = limit, .on_event = on_event, .user = user };
    if (q->is_over || !a->o.archive)
        return 0;
    if (archive_reader(a->o.archive, &m, e) < 0)
        return -1;
    q->filter.limit = limit + 1; /* one more tells whether there is a next page */
    char beyond[ID_TEXT];
    memcpy(beyond, q->beyond, sizeof beyond);
    q->filter.beyond = beyond[0] ? beyond : NULL;
    int found = mongo_find(m, &q->filter, on_found, &paging, e);
    paging.has_more |= found >= 0 && mongo_was_cut(m);
    archive_reader_back(a->o.archive, &m);
    q->filter.beyond = NULL;
    q->is_over = found >= 0 && !paging.has_more;
    return found < 0 ? -1 : paging.has_more;
}
