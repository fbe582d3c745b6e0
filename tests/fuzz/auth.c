/* Fuzz: the responses of AUTH. The first byte: which mechanism, and whether the rest is put into base64 first; then the response. */
#include "core/base64.h"
#include "net/smtp_users.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct smtp_user items[] = { { .name = "cam", .secret = "secret" }, { .name = "", .secret = "x" } };
static const struct smtp_users users = { items, COUNT(items) };
#define MUST(holds) ((holds) ? (void)0 : abort())

static void check(struct smtp_credentials *c, size_t most)
{
    MUST(c->user && (c->password || c->digest));
    MUST(strlen(c->user) + strlen(c->password ? c->password : c->digest) <= most);
    c->challenge = c->digest ? strdup("<1896.697170952@postoffice>") : NULL;
    enum smtp_login login = smtp_users_check(&users, c);
    MUST(login != SMTP_LOGIN_RIGHT || strcmp(c->user, "cam") == 0 || strcmp(c->user, "") == 0);
    MUST(login != SMTP_LOGIN_RIGHT || c->digest || strcmp(c->password, "secret") == 0 || strcmp(c->password, "x") == 0);
}

static void read_response(int mechanism, const char *response)
{
    CLEANUP(smtp_credentials_forget) struct smtp_credentials c = { 0 };
    if (mechanism == 2) {
        char *text = smtp_auth_read_text(response);
        MUST(!text || strlen(text) <= strlen(response));
        free(text);
    } else if ((mechanism == 0 ? smtp_auth_read_plain : smtp_auth_read_cram)(response, &c) == 0) {
        check(&c, strlen(response));
    } else {
        MUST(!c.user && !c.password && !c.digest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_done) struct buf response;
    buf_init(&response, 64 * 1024);
    if (size < 1)
        return -1;
    if (data[0] & 4)
        base64_encode(&response, data + 1, size - 1);
    else
        buf_put(&response, data + 1, size - 1);
    if (!response.failed)
        read_response(data[0] % 4 % 3, buf_str(&response));
    return 0;
}
