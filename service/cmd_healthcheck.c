/* `postern healthcheck`: for containers: exit 0 unless the gateway is down or says nothing within 3 s. */
#include "service/client.h"
#include "service/commands.h"
#include <stdio.h>

enum { TIMEOUT_MS = 3000 };

int cmd_healthcheck(const struct settings *s, int argc, char **argv)
{
    (void)argc, (void)argv;
    CLEANUP(client_free) struct client *c = NULL;
    CLEANUP(buf_done) struct buf answer;
    buf_init(&answer, 64 * 1024);
    struct err e;
    int        status = 0;
    if (client_new(s, &c, &e) < 0 || client_ask(c, "/readyz", NULL, TIMEOUT_MS, &status, &answer, &e) < 0) {
        (void)fprintf(stderr, "postern healthcheck: %s\n", e.text);
        return 1;
    }
    (void)fputs(buf_str(&answer), stdout);
    return status == 200 ? 0 : 1;
}
