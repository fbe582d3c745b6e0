/* hmac: HMAC-SHA256 (RFC 2104), for signatures. */
#pragma once
#include <stddef.h>

enum { HMAC_BYTES = 32 };
/* 0, or -1 when the library refuses. */
int hmac_sha256(const void *key, size_t key_length, const void *text, size_t n, unsigned char out[HMAC_BYTES]);
