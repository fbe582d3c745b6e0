/* password: libcrypt's, which stays in this file. */
#include "net/password.h"
#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 32 KiB of scratch that held a password. */
static void forget(struct crypt_data **scratch)
{
    if (*scratch)
        explicit_bzero(*scratch, sizeof **scratch);
    free(TAKE(*scratch));
}

bool password_is_same(const char *a, const char *b)
{
    size_t n = strlen(a);
    if (n != strlen(b))
        return false;
    unsigned difference = 0;
    for (size_t i = 0; i < n; i++)
        difference |= (unsigned char)a[i] ^ (unsigned char)b[i];
    return difference == 0;
}

int password_hash(const char *password, struct buf *out, struct err *e)
{
    CLEANUP(forget) struct crypt_data *scratch = calloc(1, sizeof *scratch);
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!scratch)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof setting))
        return err_set(e, ERR_IO, "no salt: %m");
    const char *hash = crypt_rn(password, setting, scratch, sizeof *scratch);
    if (!hash)
        return errno == ERANGE ? err_set(e, ERR_LIMIT, "longer than %d bytes", CRYPT_MAX_PASSPHRASE_SIZE - 1)
                               : err_set(e, ERR_IO, "crypt: %m");
    return buf_add(out, hash, strlen(hash), e);
}

/* What does not begin with "$" crypt takes for the salt of a kind of 1979: any word at all. */
bool password_is_hash(const char *text)
{
    if (text[0] != '$')
        return false;
    int kind = crypt_checksalt(text);
    return kind == CRYPT_SALT_OK || kind == CRYPT_SALT_METHOD_LEGACY || kind == CRYPT_SALT_TOO_CHEAP;
}

int password_check(const char *password, const char *hash)
{
    CLEANUP(forget) struct crypt_data *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return -1;
    const char *made = crypt_rn(password, hash, scratch, sizeof *scratch);
    if (!made)
        return errno == ENOMEM ? -1 : 0;
    return password_is_same(made, hash);
}
