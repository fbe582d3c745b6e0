/* owner_rules: how the owner's rules come into this process, and what `postern check` asks of them. */
#include "core/file.h"
#include "inspect/inspect.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_whole(int fd, struct buf *out, struct err *e)
{
    if (lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE)
        return err_set(e, ERR_IO, "rules: %m");
    return file_read(fd, out, e);
}

int owner_rules_load(int fd, struct rules **out, rules_mistake_fn *say, void *user, struct err *e)
{
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, RULES_BYTES);
    int r = read_whole(fd, &json, e);
    (void)close(fd);
    return r < 0 ? -1 : rules_read(buf_str(&json), json.len, out, say, user, e);
}

static void write_mistake(void *user, size_t rule, const char *member, const char *text)
{
    struct json_out *w = user;
    json_object(w, NULL);
    json_i(w, "rule", (int64_t)rule);
    json_s(w, "member", member);
    json_s(w, "text", text);
    json_end(w);
}

int owner_rules_check(int fd)
{
    struct rules                *rules = NULL;
    struct err                   e;
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, (size_t)4 * RULES_BYTES);
    struct json_out w = json_begin(&out);
    json_object(&w, NULL);
    json_array(&w, "mistakes");
    int r = owner_rules_load(fd, &rules, write_mistake, &w, &e);
    json_end(&w);
    if (r < 0)
        json_s(&w, "error", e.text);
    json_end(&w);
    rules_free(&rules);
    (void)puts(buf_str(&out));
    return fflush(stdout) == 0 && !out.failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
