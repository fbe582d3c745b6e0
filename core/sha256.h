/* sha256: FIPS 180-4, of bytes in memory or as they pass by. What fails says so by -1 only: core/err.h and OpenSSL's headers cannot
 * stand in one file. */
#pragma once
#include "core/attr.h"
#include <stdbool.h>
#include <stddef.h>

enum { SHA256_BYTES = 32, SHA256_TEXT = 2 * SHA256_BYTES + 1 };

int sha256(const void *bytes, size_t n, unsigned char out[SHA256_BYTES]) MUST_CHECK; /* -1: the library failed */

/* What goes wrong on the way, memory too, shows at the end: NULL may be added to. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *bytes, size_t n);
int  sha256_end(struct sha256 *h, unsigned char out[SHA256_BYTES]) MUST_CHECK;
int  sha256_end_text(struct sha256 *h, char out[SHA256_TEXT]) MUST_CHECK;
void sha256_free(struct sha256 **h); /* NULL inside is nothing */

char *sha256_text(char out[SHA256_TEXT], const unsigned char hash[SHA256_BYTES]); /* lower-case hex; returns out */

/* Takes as long whether they are equal or not. */
bool is_equal_in_constant_time(const void *a, const void *b, size_t n);
