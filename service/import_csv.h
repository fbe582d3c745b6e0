/* import_csv: records of a CSV file (RFC 4180): fields between commas, in quotes where they hold commas, quotes ("") or line ends; CRLF or
 * LF; a byte order mark at the front is passed over. One thread. */
#pragma once
#include "core/buf.h"
#include <stdio.h>

enum { CSV_FIELDS_MAX = 64, CSV_RECORD_MAX = 1 << 20 };

struct csv {
    FILE      *file;
    int64_t    line, record_line; /* counted from 1: of the next record, and of this one */
    struct buf bytes;             /* of the fields, each with a NUL behind */
    size_t     starts[CSV_FIELDS_MAX];
    bool       is_quoted[CSV_FIELDS_MAX]; /* "" is an empty text where nothing is NULL */
    size_t     count;
};
int  csv_open(const char *path, struct csv *out, struct err *e) MUST_CHECK;
void csv_close(struct csv *c);
/* 1; 0: the end; -1: ERR_INPUT: this record is none (too long, too many fields, text behind a quote, no last quote), the next may be one;
 * ERR_IO. */
int         csv_next(struct csv *c, struct err *e) MUST_CHECK;
const char *csv_field(const struct csv *c, size_t i); /* NULL: the record has none, or it is empty without quotes */
/* To go back there: where the next record begins. */
int64_t csv_position(const struct csv *c);
int     csv_seek(struct csv *c, int64_t position, int64_t line);
