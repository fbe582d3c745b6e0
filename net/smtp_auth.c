/* smtp_auth: see smtp_auth.h. */
#include "net/smtp_auth.h"
#include "core/base64.h"
#include <string.h>

enum { RESPONSE_MAX = 16 * 1024 };

static void forget(struct buf *secret)
{
    if (secret->data)
        explicit_bzero(secret->data, secret->cap);
    buf_done(secret);
}

static int decode(struct buf *out, const char *response)
{
    struct err e;
    size_t n = strcmp(response, "=") == 0 ? 0 : strlen(response);
    return base64_decode(out, response, n, &e);
}

/* A copy of what stands before the first NUL (there always is one behind the last byte). */
static char *text_of(const char *bytes, size_t n)
{
    return strndup(bytes, n);
}

char *smtp_auth_login_user(const char *response)
{
    CLEANUP(forget) struct buf plain;
    buf_init(&plain, RESPONSE_MAX);
    return decode(&plain, response) < 0 ? NULL : text_of(buf_str(&plain), plain.len);
}

/* authzid NUL user NUL password. Devices were seen to leave out the first or all of the NULs: with one it is "user NUL
 * password", with none nobody can say which part is the secret, so no user is taken from it. */
char *smtp_auth_plain_user(const char *response)
{
    CLEANUP(forget) struct buf plain;
    buf_init(&plain, RESPONSE_MAX);
    if (decode(&plain, response) < 0)
        return NULL;
    const char *start = buf_str(&plain), *end = start + plain.len;
    const char *first = memchr(start, '\0', plain.len);
    if (!first)
        return text_of("", 0);
    const char *second = memchr(first + 1, '\0', (size_t)(end - first - 1));
    if (!second || second == first + 1)
        return text_of(start, (size_t)(first - start));
    return text_of(first + 1, (size_t)(second - first - 1));
}
