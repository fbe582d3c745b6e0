/* carrier: takes a batch of new events to the server while the archive's thread reads the next one. A thread and a connection
 * of its own; there are some only while there is a lot to copy. Two under way at once keep both cores of a small server at work. */
#pragma once
#include "store/mongo.h"

struct carrier;
struct mongo_batch {
    const struct mongo_event *events;
    size_t                    count;
};
/* Both arguments are borrowed for its life. Connects with the first batch. */
int  carrier_start(const struct mongo_options *to, const char *site, struct carrier **out, struct err *e) MUST_CHECK;
void carrier_end(struct carrier **c); /* waits for what is under way */
/* One batch at a time: it is the carrier's until carrier_wait, which says what mongo_insert said. */
void carrier_send(struct carrier *c, struct mongo_batch batch);
int  carrier_wait(struct carrier *c, struct err *e) MUST_CHECK;
/* Its connection, between carrier_wait and the next carrier_send: what was refused of the batch. */
struct mongo *carrier_mongo(struct carrier *c);
