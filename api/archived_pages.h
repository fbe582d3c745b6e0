/* archived_pages: an answer of any size out of the archive. Each page is read on a thread of its own while the client's connection sleeps;
 * the next one when it has taken that: memory stays the same, and a slow client holds neither a cursor nor a connection to the archive. */
#pragma once
#include "api/archived_query.h"

struct archived_pages;
/* Takes the query over, on every path. */
int  archived_pages_open(struct api *a, struct archived_query **q, struct archived_pages **out, struct err *e) MUST_CHECK;
void archived_pages_close(struct archived_pages **p); /* waits for nothing */
/* Reads the first page now, however long it takes: what is wrong is known before the answer begins. */
int archived_pages_begin(struct archived_pages *p, struct err *e) MUST_CHECK;
/* The next page: a line of JSON for each event, added to out. 1; 0: that was the last; STREAM_WAIT; -1. */
int archived_pages_next(struct archived_pages *p, struct buf *out, struct err *e) MUST_CHECK;
