/* signature: the texts around one HMAC. */
#include "providers/signature.h"
#include "core/base64.h"
#include "providers/hmac.h"
#include <string.h>

enum { SECRET_MAX = 128, SECRET_MIN = 16 };
static const char secret_prefix[] = "whsec_";

/* The next of the secrets (blanks between them: two while one replaces the other); its length, 0 = no more. */
static size_t next_secret(const char **at)
{
    *at += strspn(*at, " ");
    return strcspn(*at, " ");
}

static int decode_secret(const char *secret, size_t n, struct buf *key, struct err *e)
{
    size_t prefix = sizeof secret_prefix - 1;
    if (n <= prefix || strncmp(secret, secret_prefix, prefix) != 0)
        return err_set(e, ERR_INPUT, "Secret does not begin with whsec_");
    buf_init(key, SECRET_MAX);
    if (base64_decode(key, secret + prefix, n - prefix, e) < 0)
        return err_prefix(e, "Secret");
    return key->len >= SECRET_MIN ? 0 : err_set(e, ERR_INPUT, "Secret is too short: whsec_ and at least 24 random bytes in base64");
}

int signature_check(const char *secrets, struct err *e)
{
    const char *at = secrets;
    for (size_t n = next_secret(&at); n > 0; at += n, n = next_secret(&at)) {
        CLEANUP(buf_done) struct buf key = { .data = NULL };
        if (decode_secret(at, n, &key, e) < 0)
            return -1;
    }
    return 0;
}

/* "v1," and base64(HMAC-SHA256(key, id "." timestamp "." body)) */
static int add_signature(struct buf *out, const struct buf *key, const char *signed_text, size_t n, struct err *e)
{
    unsigned char digest[HMAC_BYTES];
    if (hmac_sha256(key->data, key->len, signed_text, n, digest) < 0)
        return err_set(e, ERR_IO, "HMAC-SHA256 failed");
    buf_puts(out, out->len > 0 ? " v1," : "v1,");
    base64_encode(out, digest, sizeof digest);
    return 0;
}

int signature_add(const char *secrets, const char *id, int64_t seconds, const struct buf *body, struct buf *out, struct err *e)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, body->len + 256);
    buf_printf(&text, "%s.%lld.", id, (long long)seconds);
    buf_put(&text, buf_str(body), body->len);
    if (text.failed)
        return err_set(e, ERR_NOMEM, "no room to sign");
    const char *at = secrets;
    for (size_t n = next_secret(&at); n > 0; at += n, n = next_secret(&at)) {
        CLEANUP(buf_done) struct buf key = { .data = NULL };
        if (decode_secret(at, n, &key, e) < 0 || add_signature(out, &key, text.data, text.len, e) < 0)
            return -1;
    }
    return out->failed ? err_set(e, ERR_LIMIT, "too many secrets") : 0;
}
