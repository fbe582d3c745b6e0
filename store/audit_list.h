/* audit_list: reading the audit, newest first. */
#pragma once
#include "store/query.h"

struct audit_row {
    int64_t     seq, at_ms;
    const char *who, *role, *what, *object, *detail; /* role, object, detail: NULL where there is none; detail is JSON */
};
/* A page by seq, as query.h has it. Strings are good during the call. */
int query_audit(struct store_reader *r, struct page *page, bool (*on_row)(void *user, const struct audit_row *row), void *user,
                struct err *e) MUST_CHECK;
