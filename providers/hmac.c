/* hmac: OpenSSL's, which stays in this file: its headers take the name ERR_STATE that is ours in core/err.h. */
#include "providers/hmac.h"
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int hmac_sha256(const void *key, size_t key_length, const void *text, size_t n, unsigned char out[HMAC_BYTES])
{
    unsigned length = 0;
    if (key_length > INT_MAX || !HMAC(EVP_sha256(), key, (int)key_length, text, n, out, &length))
        return -1;
    return length == HMAC_BYTES ? 0 : -1;
}
