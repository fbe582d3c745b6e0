/* signature: of a request, after Standard Webhooks: "v1," and base64(HMAC-SHA256(secret, id "." timestamp "." body)). */
#pragma once
#include "core/buf.h"

/* secrets: whsec_ and base64; several with blanks between them, while one replaces the other. */
int signature_check(const char *secrets, struct err *e) MUST_CHECK;
/* One signature for each secret, blanks between them, into out. */
int signature_add(const char *secrets, const char *id, int64_t seconds, const struct buf *body, struct buf *out, struct err *e) MUST_CHECK;
