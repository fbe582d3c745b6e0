/* smtp_auth: see smtp_auth.h. */
#include "net/smtp_auth.h"
#include "core/base64.h"
#include <stdlib.h>
#include <string.h>

enum { RESPONSE_MAX = 16 * 1024 };

static void wipe(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(TAKE(*text));
}

void smtp_credentials_forget(struct smtp_credentials *c)
{
    wipe(&c->user);
    wipe(&c->password);
    wipe(&c->challenge);
    wipe(&c->digest);
}

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

char *smtp_auth_read_text(const char *response)
{
    CLEANUP(forget) struct buf plain;
    buf_init(&plain, RESPONSE_MAX);
    return decode(&plain, response) < 0 ? NULL : strdup(buf_str(&plain));
}

static int take(struct smtp_credentials *out, struct smtp_credentials *found, const char *second)
{
    if (!found->user || !second) {
        smtp_credentials_forget(found);
        return -1;
    }
    smtp_credentials_forget(out);
    *out = *found;
    return 0;
}

/* authzid NUL user NUL password. Devices were seen to leave out the first or all of the NULs: with one it is "user NUL
 * password", with none nobody can say which part is the secret, so no user is taken from it. Who is named by authzid alone is
 * meant by it. */
int smtp_auth_read_plain(const char *response, struct smtp_credentials *out)
{
    CLEANUP(forget) struct buf plain;
    buf_init(&plain, RESPONSE_MAX);
    if (decode(&plain, response) < 0)
        return -1;
    const char *first = buf_str(&plain), *end = first + plain.len;
    const char *second = memchr(first, '\0', plain.len); /* behind each part; NULL: there is no further one */
    const char *third = second ? memchr(second + 1, '\0', (size_t)(end - second - 1)) : NULL;
    bool has_user = third && third > second + 1;
    const char *user = !second ? "" : has_user ? second + 1 : first;
    const char *password = !second ? "" : third ? third + 1 : second + 1;
    struct smtp_credentials found = { .user = strdup(user), .password = strdup(password) };
    return take(out, &found, found.password);
}

/* user SP hex. A user may hold blanks, a digest does not. */
int smtp_auth_read_cram(const char *response, struct smtp_credentials *out)
{
    CLEANUP(forget) struct buf plain;
    buf_init(&plain, RESPONSE_MAX);
    if (decode(&plain, response) < 0)
        return -1;
    const char *text = buf_str(&plain), *blank = strrchr(text, ' ');
    size_t user = blank ? (size_t)(blank - text) : strlen(text);
    struct smtp_credentials found = { .user = strndup(text, user), .digest = strdup(blank ? blank + 1 : "") };
    return take(out, &found, found.digest);
}
