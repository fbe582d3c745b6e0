/* csv: events as rows of a table (RFC 4180: CRLF, quotes doubled; UTF-8 without a mark). What a device wrote stays text in a
 * spreadsheet too: a field that begins like a formula (= + - @ TAB CR) gets an apostrophe in front. Pure. */
#pragma once
#include "core/buf.h"
#include "store/query.h"

void csv_put_heading(struct buf *out);
void csv_put_event(struct buf *out, const struct event_row *row);
void csv_put_field(struct buf *out, const char *text); /* NULL is empty */
