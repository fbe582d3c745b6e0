/* params: values of the query string. Each returns 0 with *out set (untouched if the parameter is absent), or -1 with e->text
 * naming the parameter, what was sent and what may be. */
#pragma once
#include "api/http.h"
#include "store/query.h"

int param_number(const struct request *r, const char *name, int64_t min, int64_t max, int64_t *out, struct err *e) MUST_CHECK;
int param_time(const struct request *r, const char *name, int64_t *ms_out, struct err *e) MUST_CHECK; /* RFC 3339 */
int param_kind(const struct request *r, const char *name, const char **out, struct err *e) MUST_CHECK;
int param_severity(const struct request *r, const char *name, int *out, struct err *e) MUST_CHECK;
int param_mark(const struct request *r, const char *name, enum mark *out, struct err *e) MUST_CHECK; /* true, false */
int param_order(const struct request *r, const char *name, bool *is_ascending_out, struct err *e) MUST_CHECK; /* asc, desc */
int param_text(const struct request *r, const char *name, size_t max, const char **out, struct err *e) MUST_CHECK;
int param_delivery_state(const struct request *r, const char *name, int *out, struct err *e) MUST_CHECK;
int param_id(const struct request *r, const char *name, const char **out, struct err *e) MUST_CHECK;
int param_page(const struct request *r, struct page *out, struct err *e) MUST_CHECK; /* limit and cursor */
