/* `postern reparse`: begins it in the running gateway and shows how far it is. Interrupted, it goes on there. */
#include "core/clock.h"
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { TIMEOUT_MS = 20 * 1000, BODY_BYTES = 1024, LOOK_MS = 300 };

static int usage(void)
{
    (void)fputs("usage: postern reparse [--since T] [--device D]\n", stderr);
    return EX_USAGE;
}

/* {"since":…,"device":…}; -1: the arguments are wrong. */
static int write_body(int argc, char **argv, struct buf *out)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    for (int i = 1; i < argc; i += 2) {
        bool    is_since = strcmp(argv[i], "--since") == 0;
        int64_t since_ms;
        if ((!is_since && strcmp(argv[i], "--device") != 0) || i + 1 == argc)
            return -1;
        if (is_since && cli_parse_time(argv[i + 1], clock_wall_ms(), &since_ms) < 0)
            return -1;
        if (is_since)
            json_time(&w, "since", since_ms);
        else
            json_s(&w, "device", argv[i + 1]);
    }
    json_end(&w);
    return out->failed ? -1 : 0;
}

static int show_end(const struct json *p, bool has_bar)
{
    const char *state = json_str(p, "state", ""), *error = json_str(p, "error", "");
    (void)printf("%s%s: %" PRId64 " of %" PRId64 " mails read again, %" PRId64 " understood otherwise than before, %" PRId64 " left as they were%s%s\n",
                 has_bar ? "\n" : "", state, json_int(p, "done", 0), json_int(p, "total", 0), json_int(p, "changed", 0),
                 json_int(p, "failed", 0), *error ? ": " : "", error);
    return strcmp(state, "done") == 0 ? 0 : 1;
}

static int follow(struct client *c, struct err *e)
{
    bool    has_bar = isatty(STDOUT_FILENO) == 1;
    int64_t began_ms = clock_mono_ms();
    for (;;) {
        CLEANUP(json_free) struct json *p = client_json(c, "/api/v1/reparse", NULL, TIMEOUT_MS, e);
        if (!p)
            return -1;
        if (has_bar)
            cli_bar(json_int(p, "done", 0), json_int(p, "total", 0), json_int(p, "eta_s", 0), clock_mono_ms() - began_ms);
        if (strcmp(json_str(p, "state", ""), "running") != 0)
            return show_end(p, has_bar);
        (void)usleep(LOOK_MS * 1000);
    }
}

int cmd_reparse(const struct settings *s, int argc, char **argv)
{
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, BODY_BYTES);
    if (write_body(argc, argv, &body) < 0)
        return usage();
    struct err                          e;
    CLEANUP(client_free) struct client *c = NULL;
    CLEANUP(json_free) struct json     *begun =
        client_new(s, &c, &e) < 0 ? NULL : client_json(c, "/api/v1/reparse", buf_str(&body), TIMEOUT_MS, &e);
    int code = begun ? follow(c, &e) : -1;
    if (code < 0)
        (void)fprintf(stderr, "postern reparse: %s\n", e.text);
    return code < 0 ? 1 : code;
}
