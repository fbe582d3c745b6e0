/* sha256: OpenSSL's (openssl/evp.h stays in here). */
#include "core/sha256.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>

int sha256(const void *bytes, size_t n, unsigned char out[SHA256_BYTES])
{
    unsigned length = 0;
    return EVP_Digest(bytes, n, out, &length, EVP_sha256(), NULL) == 1 && length == SHA256_BYTES ? 0 : -1;
}

bool is_equal_in_constant_time(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
