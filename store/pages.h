/* pages: the rows that lie in a SQLite file, whatever still leads to them ("Database File Format", sqlite.org/fileformat2.html): for
 * files that SQLite itself can no longer read. Nothing is believed before it was held against its bounds. Of a page that is in
 * the write-ahead log, too, the newest committed copy counts. Changes nothing. */
#pragma once
#include "core/err.h"
#include <stddef.h>
#include <stdint.h>

enum { PAGES_COLUMNS = 64 };

struct page_value {
    enum { PAGE_NULL, PAGE_INT, PAGE_REAL, PAGE_TEXT, PAGE_BLOB } type;
    int64_t     number; /* PAGE_INT               */
    const char *bytes;  /* text and blob; no NUL  */
    size_t      length;
};

struct page_row {
    int64_t           key; /* the rowid; where a column stands for it that one is PAGE_NULL */
    size_t            count;
    struct page_value values[PAGES_COLUMNS];
};

/* Every row of every leaf page of a table that is whole in itself; which table nobody knows. What a row points to is visit's until it
 * returns; what visit returns ends the walk unless it is 0. ERR_NOT_FOUND; pages that cannot be read are left out. */
int pages_walk(int at, const char *name, int (*visit)(void *user, const struct page_row *row, struct err *e), void *user, struct err *e) MUST_CHECK;
