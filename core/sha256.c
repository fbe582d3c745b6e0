/* sha256: OpenSSL's (openssl/evp.h stays in here). */
#include "core/sha256.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
    EVP_MD_CTX *context;
    bool        has_failed;
};

int sha256(const void *bytes, size_t n, unsigned char out[SHA256_BYTES])
{
    unsigned length = 0;
    return EVP_Digest(bytes, n, out, &length, EVP_sha256(), NULL) == 1 && length == SHA256_BYTES ? 0 : -1;
}

struct sha256 *sha256_new(void)
{
    struct sha256 *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->context = EVP_MD_CTX_new();
    h->has_failed = !h->context || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1;
    return h;
}

void sha256_free(struct sha256 **h)
{
    struct sha256 *freed = TAKE(*h);
    if (!freed)
        return;
    EVP_MD_CTX_free(freed->context);
    free(freed);
}

void sha256_add(struct sha256 *h, const void *bytes, size_t n)
{
    if (h && !h->has_failed)
        h->has_failed = EVP_DigestUpdate(h->context, bytes, n) != 1;
}

int sha256_end(struct sha256 *h, unsigned char out[SHA256_BYTES])
{
    return h && !h->has_failed && EVP_DigestFinal_ex(h->context, out, NULL) == 1 ? 0 : -1;
}

int sha256_end_text(struct sha256 *h, char out[SHA256_TEXT])
{
    unsigned char hash[SHA256_BYTES];
    if (sha256_end(h, hash) < 0)
        return -1;
    (void)sha256_text(out, hash);
    return 0;
}

char *sha256_text(char out[SHA256_TEXT], const unsigned char hash[SHA256_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[SHA256_TEXT - 1] = '\0';
    return out;
}

bool is_equal_in_constant_time(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
