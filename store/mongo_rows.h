/* mongo_rows: the documents of a collection that is not ours, in the order of their _id, one by one. One thread. */
#pragma once
#include "store/mongo.h"

struct mongo_rows;
int  mongo_rows_open(struct mongo *m, const char *collection, struct mongo_rows **out, struct err *e) MUST_CHECK;
void mongo_rows_close(struct mongo_rows **r);
/* About how many there are; 0: not known. */
int64_t mongo_rows_count(struct mongo_rows *r);
/* Its next document as JSON, dates as RFC 3339, an ObjectId as its hex digits, into an empty buf: 1; 0: no more; -1: ERR_INPUT: too
 * large for the buf, the next may fit; else the connection's trouble. */
int mongo_rows_next(struct mongo_rows *r, struct buf *json, struct err *e) MUST_CHECK;
