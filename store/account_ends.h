/* account_ends: how the last messages through each account ended. */
#pragma once
#include "store/store.h"

/* detail: NULL where it was sent, else what was answered to that message. Newest first, of the last 2,000 messages. Strings are good during the call. */
typedef void account_end_fn(void *user, const char *account, int64_t ended_ms, const char *detail, int64_t message);
int query_account_ends(struct store_reader *r, account_end_fn *each, void *user, struct err *e) MUST_CHECK;
