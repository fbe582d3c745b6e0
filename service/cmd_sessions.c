/* `postern sessions DEVICE`: its last conversations, oldest first, as they were said: C: the device, S: we. */
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include <string.h>
#include <sysexits.h>

enum { TIMEOUT_MS = 20 * 1000, SESSIONS_MAX = 64, LINE_BYTES = 64 * 1024, TEXT_COLUMNS = 400 };

/* "   12.345  C: EHLO cam": every line of a reply that has several begins anew. */
static void put_line(struct buf *out, int64_t ms, const char *who, const char *text)
{
    for (bool is_first = true; is_first || *text; is_first = false) {
        size_t n = strcspn(text, "\r\n");
        char   one[TEXT_COLUMNS + 1];
        (void)snprintf(one, sizeof one, "%.*s", (int)n, text);
        buf_printf(out, "%9.3f  %s ", (double)ms / 1000, who);
        cli_column(out, one, TEXT_COLUMNS, true);
        buf_putc(out, '\n');
        text += n;
        text += strspn(text, "\r\n");
    }
}

static void put_lines(struct buf *out, const struct json *session)
{
    static const struct {
        const char *key, *who;
    } speakers[] = { { "C", "C:" }, { "S", "S:" }, { "N", "--" } };
    for (const struct json *l = json_first(json_get(session, "lines")); l; l = json_next(l))
        for (size_t i = 0; i < COUNT(speakers); i++)
            if (json_get(l, speakers[i].key))
                put_line(out, json_int(l, "ms", 0), speakers[i].who, json_str(l, speakers[i].key, ""));
}

static void put_end(struct buf *out, const struct json *session)
{
    static const struct {
        const char *word, *text;
    } ends[] = { { "quit", "the device said QUIT" }, { "left", "the device closed the connection" }, { "cut", "we closed the connection" } };
    const char *ended = json_str(session, "ended", "");
    for (size_t i = 0; i < COUNT(ends); i++)
        if (strcmp(ends[i].word, ended) == 0)
            ended = ends[i].text;
    buf_printf(out, "           -> %lld mails kept; %s", (long long)json_int(session, "mails", 0), ended);
    if (json_get(session, "left_out"))
        buf_printf(out, "; %lld lines left out", (long long)json_int(session, "left_out", 0));
    if (json_get(session, "setting"))
        buf_printf(out, "; see %s", json_str(session, "setting", ""));
    buf_putc(out, '\n');
}

static void print_session(const struct json *session)
{
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, LINE_BYTES);
    cli_time_column(&out, json_str(session, "started", NULL));
    buf_puts(&out, " from ");
    cli_column(&out, json_str(session, "peer", ""), 48, true);
    buf_putc(&out, '\n');
    put_lines(&out, session);
    put_end(&out, session);
    (void)puts(buf_str(&out));
}

static void print_json(const struct json *session)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_BYTES);
    struct json_out out = json_begin(&line);
    json_value(&out, NULL, session);
    (void)puts(buf_str(&line));
}

static void print_all(const struct json *answer, bool is_json)
{
    const struct json *sessions[SESSIONS_MAX];
    size_t             count = 0;
    for (const struct json *s = json_first(json_get(answer, "items")); s && count < SESSIONS_MAX; s = json_next(s))
        sessions[count++] = s;
    if (count == 0 && !is_json)
        (void)puts("no conversations yet");
    while (count-- > 0)
        (is_json ? print_json : print_session)(sessions[count]);
}

static const char *path_of(const char *device, struct buf *out)
{
    buf_puts(out, "/api/v1/devices/");
    cli_put_escaped(out, device);
    buf_puts(out, "/sessions");
    return buf_str(out);
}

int cmd_sessions(const struct settings *s, int argc, char **argv)
{
    bool is_json = argc == 3 && strcmp(argv[2], "--json") == 0;
    if (argc != 2 && !is_json) {
        (void)fprintf(stderr, "usage: postern sessions DEVICE [--json]; `postern devices` lists them, `unknown` is everybody else\n");
        return EX_USAGE;
    }
    struct err                         e;
    CLEANUP(client_free) struct client *c = NULL;
    CLEANUP(buf_done) struct buf       path;
    buf_init(&path, 512);
    struct json *answer = client_new(s, &c, &e) < 0 ? NULL : client_json(c, path_of(argv[1], &path), NULL, TIMEOUT_MS, &e);
    if (!answer) {
        (void)fprintf(stderr, "postern sessions: %s\n", e.text);
        return 1;
    }
    print_all(answer, is_json);
    json_free(&answer);
    return 0;
}
