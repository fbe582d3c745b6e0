/* sha256: of bytes in memory (FIPS 180-4). */
#pragma once
#include "core/attr.h"
#include <stdbool.h>
#include <stddef.h>

enum { SHA256_BYTES = 32 };
int sha256(const void *bytes, size_t n, unsigned char out[SHA256_BYTES]) MUST_CHECK; /* -1: the library failed */
/* Takes as long whether they are equal or not. */
bool is_equal_in_constant_time(const void *a, const void *b, size_t n);
