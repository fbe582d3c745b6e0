/* problem: errors as RFC 9457 writes them: {"type","title","status","detail"} as application/problem+json. */
#pragma once
#include "api/http.h"
#include "core/json.h"

/* Makes *p this error. detail: one sentence for whoever sent the request. */
void problem(struct response *p, int status, const char *detail, ...) PRINTF(3, 4);
/* What a store or a hook said: ERR_INPUT 400, ERR_NOT_FOUND 404, ERR_STATE 409, ERR_BUSY 503, ERR_TIMEOUT 503 … */
void problem_of(struct response *p, const struct err *e);
/* Its members alone, for an error that says more. */
void problem_members(struct json_out *w, int status, const char *detail);
