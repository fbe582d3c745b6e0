/* link: one HMAC over path, a line break, and the second at which it ends. */
#include "providers/link.h"
#include "core/sha256.h"
#include "providers/hmac.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNED_MAX = 512, SIGNATURE_TEXT = 2 * HMAC_BYTES + 1 };

static int sign(const unsigned char key[LINK_KEY_BYTES], const char *path, const char *expires, char out[SIGNATURE_TEXT])
{
    char          text[SIGNED_MAX];
    unsigned char digest[HMAC_BYTES];
    int           n = snprintf(text, sizeof text, "%s\n%s", path, expires);
    if (n < 0 || (size_t)n >= sizeof text || hmac_sha256(key, LINK_KEY_BYTES, text, (size_t)n, digest) < 0)
        return -1;
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(out + i * 2, 3, "%02x", digest[i]);
    return 0;
}

int link_write(const char *public_url, const unsigned char key[LINK_KEY_BYTES], const char *path, int64_t expires_ms, char out[LINK_TEXT])
{
    char   expires[24], signature[SIGNATURE_TEXT];
    size_t n = strlen(public_url);
    while (n > 0 && public_url[n - 1] == '/')
        n--;
    (void)snprintf(expires, sizeof expires, "%" PRId64, expires_ms / 1000);
    if (n == 0 || n > LINK_TEXT || sign(key, path, expires, signature) < 0)
        return -1;
    int length = snprintf(out, LINK_TEXT, "%.*s%s?expires=%s&key=%s", (int)n, public_url, path, expires, signature);
    return length > 0 && length < LINK_TEXT ? 0 : -1;
}

enum link_state link_check(const unsigned char key[LINK_KEY_BYTES], const char *path, const char *expires, const char *signature, int64_t wall_ms)
{
    char right[SIGNATURE_TEXT];
    if (!expires || !signature || strlen(signature) != SIGNATURE_TEXT - 1 || sign(key, path, expires, right) < 0)
        return LINK_WRONG;
    if (!is_equal_in_constant_time(right, signature, SIGNATURE_TEXT - 1))
        return LINK_WRONG;
    return wall_ms / 1000 < strtoll(expires, NULL, 10) ? LINK_GOOD : LINK_EXPIRED; /* digits of ours: they are signed */
}
