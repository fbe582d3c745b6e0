/* hash: SHA-256 of an arrival's bytes as they come by: what `postern verify` compares years later. What fails says so by -1 only:
 * core/err.h and OpenSSL's headers cannot stand in one file. */
#pragma once
#include "core/attr.h"
#include <stddef.h>
#include <stdint.h>

enum { HASH_BYTES = 32, HASH_TEXT = 2 * HASH_BYTES + 1 };

struct hash;
struct hash *hash_new(void); /* NULL: out of memory, or the library failed */
void hash_free(struct hash **h);
void hash_add(struct hash *h, const void *bytes, size_t n);
int  hash_end(struct hash *h, unsigned char out[HASH_BYTES]) MUST_CHECK; /* -1: some of it failed */

int hash_of(const void *bytes, size_t n, unsigned char out[HASH_BYTES]) MUST_CHECK;
/* Of the rest of a file; *bytes_out: how many there were. -1: errno. */
int hash_fd(int fd, unsigned char out[HASH_BYTES], int64_t *bytes_out) MUST_CHECK;
char *hash_text(char out[HASH_TEXT], const unsigned char hash[HASH_BYTES]); /* hex; returns out */
