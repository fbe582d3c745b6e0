/* digest: OpenSSL's, which stays in this file: its headers take the name ERR_STATE that is ours in core/err.h. */
#include "store/digest.h"
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>

struct digest {
    EVP_MD_CTX *context;
    bool        has_failed;
};

struct digest *digest_new(void)
{
    struct digest *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->context = EVP_MD_CTX_new();
    d->has_failed = !d->context || EVP_DigestInit_ex(d->context, EVP_sha256(), NULL) != 1;
    return d;
}

void digest_add(struct digest *d, const void *bytes, size_t n)
{
    if (d && !d->has_failed)
        d->has_failed = EVP_DigestUpdate(d->context, bytes, n) != 1;
}

int digest_end(struct digest *d, char out[DIGEST_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char     bytes[EVP_MAX_MD_SIZE];
    unsigned          n = 0;
    if (!d || d->has_failed || EVP_DigestFinal_ex(d->context, bytes, &n) != 1 || n * 2 + 1 != DIGEST_TEXT)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        out[i * 2] = digits[bytes[i] >> 4];
        out[i * 2 + 1] = digits[bytes[i] & 15];
    }
    out[n * 2] = '\0';
    return 0;
}

void digest_free(struct digest **dp)
{
    struct digest *d = TAKE(*dp);
    if (!d)
        return;
    EVP_MD_CTX_free(d->context);
    free(d);
}
