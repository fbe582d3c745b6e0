/* openapi: the description of this API for programs (OpenAPI 3.1). It is written by hand, in openapi.json, and compiled in; a test
 * holds it against the route table, the protocol tests hold every answer against it. */
#pragma once
#include <stddef.h>

/* JSON, not terminated. */
const char *openapi_text(size_t *n_out);
