/* token: the API's token: Api:Token, else the file api-token in the data folder, made at the first start (0600). */
#pragma once
#include "core/err.h"
#include <stddef.h>

enum { TOKEN_BYTES = 128 };

/* The token that is in force; makes the file if there is none. setting: Api:Token, "" or NULL = not set. */
int token_ensure(const char *folder, const char *setting, char *out, size_t size, struct err *e) MUST_CHECK;
/* As token_ensure, but makes nothing: ERR_NOT_FOUND before the gateway's first start. */
int token_read(const char *folder, const char *setting, char *out, size_t size, struct err *e) MUST_CHECK;
