/* `postern reload`: the running gateway takes the settings as they are now; shows what that changes, or what is wrong with them. */
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include <stdio.h>
#include <sysexits.h>

enum { TIMEOUT_MS = 30 * 1000, ANSWER_MAX = 4 << 20, WIDTH = 400 };

static void print_line(const char *word, const char *path, const char *text)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, ANSWER_MAX);
    cli_column(&line, word, 7, false);
    cli_column(&line, path, 32, false);
    cli_column(&line, text, WIDTH, true);
    (void)puts(buf_str(&line));
}

static void print_changes(const struct json *answer)
{
    for (const struct json *c = json_first(json_get(answer, "changes")); c; c = json_next(c)) {
        CLEANUP(buf_done) struct buf text;
        buf_init(&text, ANSWER_MAX);
        buf_printf(&text, "%s -> %s", json_str(c, "before", ""), json_str(c, "after", ""));
        print_line("change", json_str(c, "path", ""), buf_str(&text));
    }
    if (!json_bool(answer, "restarts", false))
        (void)puts("the settings are the same; certificates are looked at");
}

static void print_mistakes(const struct json *answer)
{
    for (const struct json *m = json_first(json_get(answer, "mistakes")); m; m = json_next(m))
        if (!json_bool(m, "is_note", false))
            print_line("MISTAKE", json_str(m, "path", ""), json_str(m, "text", ""));
}

static int ask(const struct settings *s, struct err *e)
{
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, ANSWER_MAX);
    int                                 status;
    CLEANUP(client_free) struct client *c = NULL;
    if (client_new(s, &c, e) < 0 || client_ask(c, "/api/v1/reload", "{}", TIMEOUT_MS, &status, &body, e) < 0)
        return -1;
    CLEANUP(json_free) struct json *answer = json_parse(buf_str(&body), body.len, e);
    if (!answer)
        return -1;
    if (status != 202 && status != 422)
        return err_set(e, ERR_STATE, "%s", json_str(answer, "detail", "no answer of its"));
    print_mistakes(answer);
    if (status == 202)
        print_changes(answer);
    else
        (void)puts("the settings before stay in force");
    return status != 202;
}

int cmd_reload(const struct settings *s, int argc, char **argv)
{
    (void)argv;
    if (argc != 1) {
        (void)fputs("usage: postern reload\n", stderr);
        return EX_USAGE;
    }
    struct err e;
    int        code = ask(s, &e);
    if (code < 0)
        (void)fprintf(stderr, "postern reload: %s\n", e.text);
    return code < 0 ? 1 : code;
}
