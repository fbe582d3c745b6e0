/* digest: SHA-256 of bytes as they pass by, in lower-case hexadecimal digits. What goes wrong on the way shows at the end. */
#pragma once
#include "core/attr.h"
#include <stddef.h>

enum { DIGEST_TEXT = 65 };

struct digest;
struct digest *digest_new(void); /* NULL: out of memory, which the others take and report at the end */
void           digest_add(struct digest *d, const void *bytes, size_t n);
int            digest_end(struct digest *d, char out[DIGEST_TEXT]) MUST_CHECK; /* 0, or -1 */
void           digest_free(struct digest **d); /* NULL inside is nothing */
