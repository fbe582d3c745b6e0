/* walk: from the newest down, or from the oldest up. */
#include "store/walk.h"
#include "core/clock.h"

enum { PAGE_MS = 1500, STATEMENT_MS = 3000, WINDOW = 20000, QUICK_MS = 50 };

void walk_unlimited(struct db **d)
{
    db_limit_time(*d, 0);
}

void bind_number_unless(struct stmt *q, const char *name, int64_t value, int64_t any)
{
    if (value != any)
        bind_named(q, name, P(value));
}

/* What is still to be walked, or one window of it: lower <= seq < upper. */
struct span {
    int64_t lower, upper;
};

/* The cursor is foreign input: it may be anywhere. */
static struct span whole(const struct list *l, const struct page *page)
{
    struct span s = { .lower = l->first > 0 ? l->first : 0, .upper = l->last < INT64_MAX ? l->last + 1 : INT64_MAX };
    if (page->cursor && page->is_ascending && page->cursor >= s.lower)
        s.lower = page->cursor < INT64_MAX ? page->cursor + 1 : INT64_MAX;
    if (page->cursor && !page->is_ascending && page->cursor < s.upper)
        s.upper = page->cursor;
    return s;
}

/* The next window, taken off the rest. */
static struct span cut(struct span *rest, int64_t size, bool is_ascending)
{
    struct span window = *rest;
    if (rest->upper - rest->lower <= size)
        *rest = (struct span){ 0 };
    else if (is_ascending)
        rest->lower = window.upper = rest->lower + size;
    else
        rest->upper = window.lower = rest->upper - size;
    return window;
}

/* 1: the page has ended; 0: it has room for more; -1. */
static int read_window(struct db *d, struct stmt *q, const struct list *l, struct span window, struct page *page, int *taken,
                       struct err *e)
{
    bind_named(q, ":upper", P(window.upper));
    bind_named(q, ":lower", P(window.lower));
    bind_named(q, ":limit", P(page->limit - *taken + 1)); /* one more tells whether there is a next page */
    int found;
    while ((found = stmt_step(q, e)) > 0) {
        int more = *taken < page->limit ? l->take(d, q, l, e) : 0;
        if (more <= 0)
            return more < 0 ? -1 : 1;
        page->next = col_int(q, 0);
        (*taken)++;
    }
    return found;
}

int walk_page(struct db *d, const struct list *l, struct page *page, struct err *e)
{
    CLEANUP(walk_unlimited) struct db *limited = d;
    CLEANUP(stmt_done) struct stmt *q = db_stmt_made(d, l->sql, e);
    if (!q)
        return -1;
    db_limit_time(limited, STATEMENT_MS);
    l->bind(q, l);
    int64_t     start_ms = clock_mono_ms(), size = l->is_unbounded ? INT64_MAX : WINDOW;
    struct span rest = whole(l, page);
    int         taken = 0, ended = 0;
    page->next = page->cursor;
    while (ended == 0 && rest.upper > rest.lower) {
        int64_t began_ms = clock_mono_ms();
        ended = read_window(d, q, l, cut(&rest, size, page->is_ascending), page, &taken, e);
        int64_t now_ms = clock_mono_ms();
        if (ended == 0 && rest.upper > rest.lower && now_ms - start_ms >= (page->budget_ms ? page->budget_ms : PAGE_MS)) {
            page->next = page->is_ascending ? rest.lower - 1 : rest.upper;
            return 0;
        }
        if (now_ms - began_ms < QUICK_MS && size < INT64_MAX / 4)
            size *= 4;
    }
    if (ended == 0)
        page->next = 0;
    return ended < 0 ? -1 : 0;
}
