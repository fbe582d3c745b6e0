/* `postern send-test`: a drill through the running gateway, and a line for each recipient. */
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

enum { TIMEOUT_MS = 60 * 1000, BODY_BYTES = 1024 };

static int usage(void)
{
    (void)fputs("usage: postern send-test [--to NAME] [--kind K]\n", stderr);
    return EX_USAGE;
}

/* {"to":…,"kind":…}; -1: the arguments are wrong. */
static int write_body(int argc, char **argv, struct buf *out)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    for (int i = 1; i < argc; i += 2) {
        bool is_to = strcmp(argv[i], "--to") == 0;
        if ((!is_to && strcmp(argv[i], "--kind") != 0) || i + 1 == argc)
            return -1;
        json_s(&w, is_to ? "to" : "kind", argv[i + 1]);
    }
    json_end(&w);
    return out->failed ? -1 : 0;
}

static void print_result(const struct json *r)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, 4096);
    CLEANUP(buf_done) struct buf way;
    buf_init(&way, 512);
    const char *account = json_str(r, "account", "");
    buf_printf(&way, "%s%s%s", account, *account ? ":" : "", json_str(r, "address", ""));
    cli_column(&line, json_str(r, "recipient", ""), 14, false);
    cli_column(&line, json_str(r, "state", ""), 8, false);
    buf_printf(&line, "%6" PRId64 " ms  ", json_int(r, "ms", 0));
    cli_column(&line, buf_str(&way), 26, false);
    cli_column(&line, json_str(r, "detail", ""), 300, true);
    (void)puts(buf_str(&line));
}

/* 0 when everybody was told. */
static int print_results(const struct json *answer)
{
    const struct json *results = json_get(answer, "recipients");
    int                code = 0;
    if (json_count(results) == 0) {
        (void)printf("TEST %s: the mail was taken and understood, but no route tells anybody\n", json_str(answer, "kind", ""));
        return 1;
    }
    (void)printf("TEST %s, arrival %s\n", json_str(answer, "kind", ""), json_str(answer, "arrival", ""));
    for (const struct json *r = json_first(results); r; r = json_next(r)) {
        print_result(r);
        if (strcmp(json_str(r, "state", ""), "sent") != 0)
            code = 1;
    }
    return code;
}

int cmd_send_test(const struct settings *s, int argc, char **argv)
{
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, BODY_BYTES);
    if (write_body(argc, argv, &body) < 0)
        return usage();
    struct err                       e;
    CLEANUP(client_free) struct client *c = NULL;
    CLEANUP(json_free) struct json     *answer =
        client_new(s, &c, &e) < 0 ? NULL : client_json(c, "/api/v1/test", buf_str(&body), TIMEOUT_MS, &e);
    if (!answer) {
        (void)fprintf(stderr, "postern send-test: %s\n", e.text);
        return 1;
    }
    return print_results(answer);
}
