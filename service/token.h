/* token: the API's own token: Api:Token, else the file api-token in the data folder, made at the first start (0600). The file of one
 * that was revoked says so, and no other is made: an owner who has lost all tokens removes the file and starts again. */
#pragma once
#include "core/err.h"
#include "providers/link.h"
#include <stddef.h>

enum { TOKEN_BYTES = 128 };

/* The token that is in force; makes the file if there is none. setting: Api:Token, "" or NULL = not set. ERR_STATE: it was revoked. */
int token_ensure(const char *folder, const char *setting, char *out, size_t size, struct err *e) MUST_CHECK;
/* As token_ensure, but makes nothing: ERR_NOT_FOUND before the gateway's first start. */
int token_read(const char *folder, const char *setting, char *out, size_t size, struct err *e) MUST_CHECK;
/* That of the file is void from now on. */
int token_revoke(const char *folder, struct err *e) MUST_CHECK;
/* The key that links to pictures are signed with: the file link-key in the data folder, made where there is none. */
int token_link_key(const char *folder, unsigned char out[LINK_KEY_BYTES], struct err *e) MUST_CHECK;
