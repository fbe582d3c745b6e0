/* quotes: which event of ours says what the far side answered to which message. Such an answer may repeat what we told, so the event goes when
 * one of the message's members is erased (store/erase_one.c). */
#pragma once
#include "store/store.h"

/* Whether the answer to this message may still be told: none of its members was erased. 1, 0, -1. */
int tx_may_quote(struct store_tx *tx, int64_t message, struct err *e) MUST_CHECK;
int tx_quote(struct store_tx *tx, int64_t event, int64_t message, struct err *e) MUST_CHECK; /* both by seq */
/* The same question from outside of a transaction. */
int query_may_quote(struct store_reader *r, int64_t message, struct err *e) MUST_CHECK;
