/* ntfy: a message to a topic, published as JSON (headers could not carry an umlaut). docs/providers/ntfy.md. */
#include "core/json.h"
#include "providers/provider.h"
#include <string.h>

enum { BODY_MAX = 64 * 1024, TOPIC_MAX = 64 };

static const struct {
    int         priority; /* 1 min, 3 default, 5 urgent */
    const char *tag;      /* an emoji's short code      */
} looks[] = {
    [SEVERITY_INFO] = { 2, NULL },
    [SEVERITY_WARNING] = { 4, "warning" },
    [SEVERITY_ALARM] = { 5, "rotating_light" },
};

static int check_address(const char *address, struct err *e)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t            n = strspn(address, allowed);
    if (n >= 1 && n <= TOPIC_MAX && address[n] == '\0')
        return 0;
    return err_set(e, ERR_INPUT, "'%.70s' is no topic: up to %d letters, digits, _ and -", address, TOPIC_MAX);
}

static int set_request(const struct account *a, const char *method, const char *path, struct arena *scratch, struct request *out,
                       struct err *e)
{
    const char *token = account_field(a, "Token");
    buf_init(&out->body, BODY_MAX);
    out->method = method;
    out->url = account_url(a, path, scratch);
    out->headers[0] = "Content-Type: application/json";
    if (token)
        out->headers[1] = arena_printf(scratch, "Authorization: Bearer %s", token);
    else
        out->user = account_field(a, "Username");
    out->password = out->user ? account_field(a, "Password") : NULL;
    return out->url && (out->headers[1] || !token) ? 0 : err_set(e, ERR_NOMEM, "no room for a request");
}

static int build(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e)
{
    if (set_request(a, "POST", "", scratch, out, e) < 0)
        return -1;
    int64_t         wanted = m->priority == PRIORITY_NONE ? looks[m->severity].priority : m->priority;
    struct json_out w = json_begin(&out->body);
    json_object(&w, NULL);
    json_s(&w, "topic", m->address);
    json_s_opt(&w, "title", m->title);
    json_s(&w, "message", m->text);
    json_i(&w, "priority", wanted < 1 ? 1 : wanted > 5 ? 5 : wanted);
    if (looks[m->severity].tag) {
        json_array(&w, "tags");
        json_s(&w, NULL, looks[m->severity].tag);
        json_end(&w);
    }
    json_end(&w);
    return out->body.failed ? err_set(e, ERR_LIMIT, "the text does not fit a request") : 0;
}

/* Errors say {"code":40301,"http":403,"error":"forbidden"}. 507: no subscriber has taken the topic yet; it was not accepted. */
static void judge(const struct account *a, const struct message *m, const struct reply *r, struct outcome *out)
{
    (void)m;
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    judge_by_status(r, out);
    if (out->verdict == VERDICT_SENT) {
        if (!json_text(json_get(root, "id")))
            outcome_set(out, a, VERDICT_UNKNOWN, FAULT_NONE, "HTTP %d, but not from ntfy", r->status);
        return;
    }
    bool         is_address_fault = r->status == 400 || r->status == 413;
    enum verdict verdict = r->status == 507 ? VERDICT_RETRY : out->verdict;
    enum fault   fault = verdict != VERDICT_REJECTED ? FAULT_NONE : is_address_fault ? FAULT_MESSAGE : FAULT_ACCOUNT;
    outcome_set(out, a, verdict, fault, "HTTP %d %lld %s", r->status, (long long)json_int(root, "code", 0), json_str(root, "error", ""));
    if (verdict == VERDICT_RETRY)
        out->wait_ms = r->retry_after_ms;
}

/* With a token the account can be asked, which checks it; else only whether the server is well. */
static int probe(const struct account *a, struct arena *scratch, struct request *out, struct err *e)
{
    bool has_login = account_field(a, "Token") || account_field(a, "Username");
    return set_request(a, "GET", has_login ? "v1/account" : "v1/health", scratch, out, e);
}

static int probe_read(const struct account *a, const struct reply *r, char *line, size_t size)
{
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    const char *user = json_str(root, "username", NULL);
    if (r->status == 200 && user)
        account_words(a, line, size, "ntfy, as %s", user);
    else if (r->status == 200 && json_bool(root, "healthy", false))
        account_words(a, line, size, "ntfy, healthy");
    else
        account_words(a, line, size, "HTTP %d %s", r->status, json_str(root, "error", "not from ntfy"));
    return r->status == 200 && (user || json_bool(root, "healthy", false)) ? 0 : -1;
}

extern const struct provider provider_ntfy;
const struct provider provider_ntfy = {
    .name = "ntfy",
    .title = "ntfy",
    .fields = {
        { "Url", .fallback = "https://ntfy.sh" },
        { "Token", .is_secret = true },
        { "Username" },
        { "Password", .is_secret = true },
    },
    .rate_per_minute = 60,
    .burst = 20,
    .text_max = 4096,
    .check = account_check_fields,
    .check_address = check_address,
    .build = build,
    .judge = judge,
    .probe = probe,
    .probe_read = probe_read,
};
