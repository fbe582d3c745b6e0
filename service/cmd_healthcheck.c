/* `postern healthcheck`: for containers: exit 0 unless the gateway is down or says nothing within 3 s. Prints the state's word,
 * and the reasons where the token can be read. */
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 3000 };

static void print_reason(const struct json *r)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, 2048);
    buf_puts(&line, "  ");
    cli_column(&line, json_str(r, "reason", ""), 20, false);
    cli_column(&line, json_str(r, "detail", ""), 300, true);
    (void)puts(buf_str(&line));
}

/* One word, or {"state","reasons"}. */
static void print_health(const struct buf *answer)
{
    struct err                     e;
    CLEANUP(json_free) struct json *health = json_parse(buf_str(answer), answer->len, &e);
    if (!health) {
        (void)fputs(buf_str(answer), stdout);
        return;
    }
    (void)puts(json_str(health, "state", ""));
    for (const struct json *r = json_first(json_get(health, "reasons")); r; r = json_next(r))
        print_reason(r);
}

/* Whoever restarts what is not well must not restart this: it would only begin again. */
static bool is_being_made_ready(const struct buf *answer)
{
    return strstr(buf_str(answer), "migrating") || strstr(buf_str(answer), "rebuilding");
}

int cmd_healthcheck(const struct settings *s, int argc, char **argv)
{
    (void)argc, (void)argv;
    CLEANUP(client_free) struct client *c = NULL;
    CLEANUP(buf_done) struct buf        answer;
    buf_init(&answer, 64 * 1024);
    struct err e;
    int        status = 0;
    if (client_new(s, &c, &e) < 0 || client_ask(c, "/readyz", NULL, TIMEOUT_MS, &status, &answer, &e) < 0) {
        (void)fprintf(stderr, "postern healthcheck: %s\n", e.text);
        return 1;
    }
    print_health(&answer);
    return status == 200 || is_being_made_ready(&answer) ? 0 : 1;
}
