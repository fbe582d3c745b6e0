/* cram: OpenSSL's, which stays in this file: its headers take the name ERR_STATE that is ours in core/err.h. */
#include "net/cram.h"
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

int cram_md5(const char *secret, const char *challenge, char out[CRAM_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    size_t key = strlen(secret);
    if (key > INT_MAX || !HMAC(EVP_md5(), secret, (int)key, (const unsigned char *)challenge, strlen(challenge), sum, &n) ||
        n * 2 + 1 != CRAM_TEXT)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        out[i * 2] = hex[sum[i] >> 4];
        out[i * 2 + 1] = hex[sum[i] & 15];
    }
    out[n * 2] = '\0';
    return 0;
}
