/* gotify: a message to the application of the token (POST /message). docs/providers/gotify.md. */
#include "core/json.h"
#include "providers/provider.h"
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 * 1024, PRIORITY_MAX = 10 };

/* What Gotify's Android app makes of it: 1-3 an icon, 4-7 a sound, 8-10 sound and vibration. */
static const int priorities[] = { [SEVERITY_INFO] = 2, [SEVERITY_WARNING] = 5, [SEVERITY_ALARM] = 8 };

static int check(const struct account *a, struct err *e)
{
    if (account_check_fields(a, e) < 0)
        return -1;
    const char *priority = account_field(a, "Priority");
    char       *end = NULL;
    if (!priority)
        return 0;
    long n = strtol(priority, &end, 10);
    return end != priority && *end == '\0' && n >= 0 && n <= PRIORITY_MAX
               ? 0
               : err_set(e, ERR_INPUT, "Priority '%.20s' is no number from 0 to %d", priority, PRIORITY_MAX);
}

static int check_address(const char *address, struct err *e)
{
    return *address ? err_set(e, ERR_INPUT, "Gotify takes no address, its AppToken is one: write it as \"name:\"") : 0;
}

/* The route's, else the account's, else by severity. */
static int64_t priority_of(const struct account *a, const struct message *m)
{
    const char *own = account_field(a, "Priority");
    if (m->priority != PRIORITY_NONE)
        return m->priority;
    return own ? strtol(own, NULL, 10) : priorities[m->severity];
}

static int set_request(const struct account *a, const char *method, const char *path, struct arena *scratch, struct request *out,
                       struct err *e)
{
    buf_init(&out->body, BODY_MAX);
    out->method = method;
    out->url = account_url(a, path, scratch);
    out->headers[0] = "Content-Type: application/json";
    out->headers[1] = arena_printf(scratch, "X-Gotify-Key: %s", account_field(a, "AppToken"));
    return out->url && out->headers[1] ? 0 : err_set(e, ERR_NOMEM, "no room for a request");
}

static int build(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e)
{
    if (set_request(a, "POST", "message", scratch, out, e) < 0)
        return -1;
    struct json_out w = json_begin(&out->body);
    json_object(&w, NULL);
    json_s_opt(&w, "title", m->title);
    json_s(&w, "message", m->text);
    json_i(&w, "priority", priority_of(a, m));
    json_object(&w, "extras");
    json_object(&w, "client::display");
    json_s(&w, "contentType", "text/plain");
    json_end(&w);
    json_end(&w);
    json_end(&w);
    return out->body.failed ? err_set(e, ERR_LIMIT, "the text does not fit a request") : 0;
}

static void judge(const struct account *a, const struct message *m, const struct reply *r, struct outcome *out)
{
    (void)m;
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    const char *words = json_str(root, "errorDescription", "");
    judge_by_status(r, out);
    if (out->verdict == VERDICT_SENT && json_type(json_get(root, "id")) != JSON_NUMBER)
        outcome_set(out, a, VERDICT_UNKNOWN, FAULT_NONE, "HTTP %d, but not from Gotify", r->status);
    else if (out->verdict == VERDICT_REJECTED) /* 3xx and 404: Url is not that of the server */
        outcome_set(out, a, VERDICT_REJECTED, r->status == 400 || r->status == 413 ? FAULT_MESSAGE : FAULT_ACCOUNT, "HTTP %d %s", r->status, words);
}

/* What an application's token may do is to send: so only the server can be asked. */
static int probe(const struct account *a, struct arena *scratch, struct request *out, struct err *e)
{
    return set_request(a, "GET", "version", scratch, out, e);
}

static int probe_read(const struct account *a, const struct reply *r, char *line, size_t size)
{
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    const char *version = json_str(root, "version", NULL);
    if (r->status == 200 && version) {
        account_words(a, line, size, "Gotify %s", version);
        return 0;
    }
    account_words(a, line, size, "HTTP %d, not from Gotify", r->status);
    return -1;
}

extern const struct provider provider_gotify;
const struct provider provider_gotify = {
    .name = "gotify",
    .title = "Gotify",
    .fields = {
        { "Url", .is_required = true },
        { "AppToken", .is_required = true, .is_secret = true },
        { "Priority" },
    },
    .rate_per_minute = 60,
    .burst = 20,
    .text_max = 16 * 1024 - 1024,
    .check = check,
    .check_address = check_address,
    .build = build,
    .judge = judge,
    .probe = probe,
    .probe_read = probe_read,
};
