/* `postern token show`: the API's token, for whoever may read the data folder. */
#include "service/commands.h"
#include "service/token.h"
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

int cmd_token(const struct settings *s, int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "show") != 0) {
        (void)fputs("usage: postern token show\n", stderr);
        return EX_USAGE;
    }
    char       token[TOKEN_BYTES];
    struct err e;
    if (token_read(s->store_folder, s->api_token, token, sizeof token, &e) < 0) {
        (void)fprintf(stderr, "postern token: %s%s\n", e.text,
                      e.code == ERR_NOT_FOUND ? "; the gateway makes it at its first start" : "");
        return 1;
    }
    (void)puts(token);
    return 0;
}
