/* cram: what CRAM-MD5 (RFC 2195) wants to hear: HMAC-MD5 of the challenge by the secret, in hex. Weak by today's measure, and
 * all that some devices have besides the plain password. */
#pragma once
#include "core/attr.h"

enum { CRAM_TEXT = 33 };
int cram_md5(const char *secret, const char *challenge, char out[CRAM_TEXT]) MUST_CHECK; /* 0; -1: the library refuses */
