/* token: 256 random bits as hexadecimal. */
#include "service/token.h"
#include "core/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { RANDOM_BYTES = 32, PATH_BYTES = 4096 };
static const char token_file[] = "api-token", key_file[] = "link-key";
static const char revoked[] = "revoked"; /* instead of a token, which is far longer */

static int from_setting(const char *setting, char *out, size_t size, struct err *e)
{
    if (strlen(setting) >= size)
        return err_set(e, ERR_INPUT, "Api:Token is longer than %zu bytes", size - 1);
    (void)snprintf(out, size, "%s", setting);
    return 0;
}

static int from_file(const char *path, char *out, size_t size, struct err *e)
{
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", path);
    ssize_t n = read(fd, out, size - 1);
    if (n < 0)
        return err_set(e, ERR_IO, "read %s: %m", path);
    out[n] = '\0';
    out[strcspn(out, " \t\r\n")] = '\0';
    if (strcmp(out, revoked) == 0) {
        out[0] = '\0';
        return err_set(e, ERR_STATE, "the token of %s was revoked; remove the file and start again to have another", path);
    }
    return out[0] ? 0 : err_set(e, ERR_NOT_FOUND, "%s is empty", path);
}

int token_read(const char *folder, const char *setting, char *out, size_t size, struct err *e)
{
    char path[PATH_BYTES];
    if (setting && setting[0])
        return from_setting(setting, out, size, e);
    (void)snprintf(path, sizeof path, "%s/%s", folder, token_file);
    return from_file(path, out, size, e);
}

static int draw(char *out, size_t size, struct err *e)
{
    unsigned char random[RANDOM_BYTES];
    if (size <= sizeof random * 2)
        return err_set(e, ERR_LIMIT, "no room for a token");
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(e, ERR_IO, "getrandom: %m");
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(out + i * 2, 3, "%02x", random[i]);
    return 0;
}

static int keep(const char *folder, const char *name, const char *token, struct err *e)
{
    char line[TOKEN_BYTES + 1];
    int  n = snprintf(line, sizeof line, "%s\n", token);
    return file_keep(folder, name, line, (size_t)n, e);
}

int token_ensure(const char *folder, const char *setting, char *out, size_t size, struct err *e)
{
    if (token_read(folder, setting, out, size, e) == 0)
        return 0;
    if (e->code != ERR_NOT_FOUND)
        return -1;
    return draw(out, size, e) < 0 ? -1 : keep(folder, token_file, out, e);
}

int token_revoke(const char *folder, struct err *e)
{
    return keep(folder, token_file, revoked, e);
}

static int read_hex(const char *text, unsigned char *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sscanf(text + i * 2, "%2hhx", &out[i]) != 1)
            return -1;
    return 0;
}

int token_link_key(const char *folder, unsigned char out[LINK_KEY_BYTES], struct err *e)
{
    char path[PATH_BYTES], text[TOKEN_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", folder, key_file);
    if (from_file(path, text, sizeof text, e) < 0 && (e->code != ERR_NOT_FOUND || draw(text, sizeof text, e) < 0 || keep(folder, key_file, text, e) < 0))
        return -1;
    if (strlen(text) != (size_t)LINK_KEY_BYTES * 2 || read_hex(text, out, LINK_KEY_BYTES) < 0)
        return err_set(e, ERR_INPUT, "%s is no key of ours; remove it to have another", path);
    return 0;
}
