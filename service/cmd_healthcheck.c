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

/* Whoever restarts what is not well must not restart a database that is made ready: it would only begin again. */
static bool is_well(const char *state)
{
    static const char *const well[] = { "ok", "degraded", "migrating", "rebuilding" };
    for (size_t i = 0; i < COUNT(well); i++)
        if (strcmp(state, well[i]) == 0)
            return true;
    return false;
}

/* The answer is one word, or {"state","reasons"}. */
static bool print_health(const struct buf *answer)
{
    struct err                      e;
    CLEANUP(json_free) struct json *health = json_parse(buf_str(answer), answer->len, &e);
    char                            word[32] = "";
    (void)sscanf(buf_str(answer), "%31[^\r\n]", word);
    const char *state = health ? json_str(health, "state", "") : word;
    (void)puts(state);
    for (const struct json *r = json_first(json_get(health, "reasons")); r; r = json_next(r))
        print_reason(r);
    return is_well(state);
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
    return print_health(&answer) ? 0 : 1;
}
