/* `postern token show|list|add|revoke`: who may ask the API. show reads the data folder, the others ask the running gateway. */
#include "core/clock.h"
#include "core/id.h"
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include "service/token.h"
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { TIMEOUT_MS = 20 * 1000, BODY_MAX = 1024, PATH_MAX_BYTES = 512 };
static const char tokens_path[] = "/api/v1/tokens";

static int usage(void)
{
    (void)fputs("usage: postern token show\n"
                "       postern token list\n"
                "       postern token add NAME read|operate|admin [--expires 2027-01-31|90d]\n"
                "       postern token revoke ID|NAME\n",
                stderr);
    return EX_USAGE;
}

static int complain(const char *text)
{
    (void)fprintf(stderr, "postern token: %s\n", text);
    return 1;
}

static int show(const struct settings *s, int argc, char **argv)
{
    char       token[TOKEN_BYTES];
    struct err e;
    (void)argv;
    if (argc != 2)
        return usage();
    if (token_read(s->store_folder, s->api_token, token, sizeof token, &e) < 0) {
        (void)fprintf(stderr, "postern token: %s%s\n", e.text,
                      e.code == ERR_NOT_FOUND ? "; the gateway makes it at its first start" : "");
        return 1;
    }
    (void)puts(token);
    return 0;
}

/* --- asking the gateway ---------------------------------------------------------------------------------------- */

static void print_token(const struct json *t)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, BODY_MAX);
    cli_column(&line, json_str(t, "id", ""), ID_TEXT - 1, false);
    cli_column(&line, json_str(t, "role", ""), 8, false);
    cli_time_column(&line, json_str(t, "created_at", NULL));
    cli_time_column(&line, json_str(t, "last_used_at", NULL));
    cli_time_column(&line, json_str(t, "expires_at", NULL));
    cli_column(&line, json_str(t, "name", ""), 40, true);
    (void)puts(buf_str(&line));
}

static int list(const struct settings *s, int argc, char **argv)
{
    struct err                         e;
    CLEANUP(client_free) struct client *c = NULL;
    CLEANUP(json_free) struct json     *all = NULL;
    (void)argv;
    if (argc != 2)
        return usage();
    if (client_new(s, &c, &e) < 0 || !(all = client_json(c, tokens_path, NULL, TIMEOUT_MS, &e)))
        return complain(e.text);
    (void)puts("ID                         ROLE     CREATED             LAST USED           EXPIRES             NAME");
    for (const struct json *t = json_first(json_get(all, "items")); t; t = json_next(t))
        print_token(t);
    return 0;
}

/* "90d" is from now on, though a filter's 90d is ago. -1: no time. */
static int read_expiry(const char *text, int64_t *ms_out)
{
    int64_t now = clock_wall_ms(), ms;
    if (cli_parse_time(text, now, &ms) < 0)
        return -1;
    *ms_out = ms > now || strchr(text, '-') ? ms : now + (now - ms);
    return 0;
}

static int write_wish(struct buf *out, int argc, char **argv)
{
    char            when[CLOCK_TEXT];
    int64_t         ms;
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    json_s(&w, "name", argv[2]);
    json_s(&w, "role", argv[3]);
    if (argc == 6) {
        if (strcmp(argv[4], "--expires") != 0 || read_expiry(argv[5], &ms) < 0)
            return -1;
        json_s(&w, "expires_at", clock_rfc3339(when, ms));
    }
    json_end(&w);
    return 0;
}

static int add(const struct settings *s, int argc, char **argv)
{
    struct err                         e;
    CLEANUP(client_free) struct client *c = NULL;
    CLEANUP(json_free) struct json     *made = NULL;
    CLEANUP(buf_done) struct buf        body;
    buf_init(&body, BODY_MAX);
    if ((argc != 4 && argc != 6) || write_wish(&body, argc, argv) < 0)
        return usage();
    if (client_new(s, &c, &e) < 0 || !(made = client_json(c, tokens_path, buf_str(&body), TIMEOUT_MS, &e)))
        return complain(e.text);
    (void)puts(json_str(made, "token", ""));
    (void)fputs("This is the only time that it is shown.\n", stderr);
    return 0;
}

/* The id of the token with this id or name; NULL: none. */
static const char *find_id(const struct json *all, const char *wanted)
{
    for (const struct json *t = json_first(json_get(all, "items")); t; t = json_next(t))
        if (strcmp(json_str(t, "id", ""), wanted) == 0 || strcmp(json_str(t, "name", ""), wanted) == 0)
            return json_str(t, "id", NULL);
    return NULL;
}

static int revoke(const struct settings *s, int argc, char **argv)
{
    struct err                         e;
    char                               path[PATH_MAX_BYTES];
    CLEANUP(client_free) struct client *c = NULL;
    CLEANUP(json_free) struct json     *all = NULL;
    if (argc != 3)
        return usage();
    if (client_new(s, &c, &e) < 0 || !(all = client_json(c, tokens_path, NULL, TIMEOUT_MS, &e)))
        return complain(e.text);
    const char *id = find_id(all, argv[2]);
    if (!id)
        return complain("there is no such token; `postern token list` shows them");
    (void)snprintf(path, sizeof path, "%s/%s", tokens_path, id);
    if (client_delete(c, path, TIMEOUT_MS, &e) < 0)
        return complain(e.text);
    (void)puts("revoked");
    return 0;
}

int cmd_token(const struct settings *s, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct settings *s, int argc, char **argv);
    } verbs[] = { { "show", show }, { "list", list }, { "add", add }, { "revoke", revoke } };
    for (size_t i = 0; argc >= 2 && i < COUNT(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(s, argc, argv);
    return usage();
}
