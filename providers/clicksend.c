/* clicksend: SMS by ClickSend's REST API v3 (POST /v3/sms/send, HTTP Basic). docs/providers/clicksend.md.
 * Two things are easily got wrong: the sender is `from` (`source` names the application and shows nowhere), and the answer's
 * SUCCESS says nothing about the message: only data.messages[0].status does. */
#include "core/json.h"
#include "providers/phone.h"
#include "providers/provider.h"
#include <string.h>

enum { BODY_MAX = 64 * 1024 };

/* ClickSend refuses the same text to the same number for a while. */
enum { THROTTLED_WAIT_MS = 60 * 1000 };

/* The words of a message's status and of response_code. */
static const struct word {
    const char  *name;
    enum verdict verdict;
    enum fault   fault;
} words[] = {
    { "SUCCESS", VERDICT_SENT, FAULT_NONE },
    { "THROTTLED", VERDICT_RETRY, FAULT_NONE },
    { "TOO_MANY_REQUESTS", VERDICT_RETRY, FAULT_NONE },
    { "MISSING_CREDENTIALS", VERDICT_REJECTED, FAULT_ACCOUNT },
    { "INVALID_CREDENTIALS", VERDICT_REJECTED, FAULT_ACCOUNT },
    { "ACCOUNT_NOT_ACTIVATED", VERDICT_REJECTED, FAULT_ACCOUNT },
    { "INSUFFICIENT_CREDIT", VERDICT_REJECTED, FAULT_ACCOUNT },
    { "INVALID_SENDER_ID", VERDICT_REJECTED, FAULT_ACCOUNT },
    { "COUNTRY_NOT_ENABLED", VERDICT_REJECTED, FAULT_ACCOUNT },
    { "UNAUTHORIZED", VERDICT_REJECTED, FAULT_ACCOUNT },
    { "FORBIDDEN", VERDICT_REJECTED, FAULT_ACCOUNT },
    { "INVALID_RECIPIENT", VERDICT_REJECTED, FAULT_MESSAGE },
    { "ALREADY_EXISTS", VERDICT_REJECTED, FAULT_MESSAGE },
    { "EMPTY_MESSAGE", VERDICT_REJECTED, FAULT_MESSAGE },
    { "TOO_MANY_RECIPIENTS", VERDICT_REJECTED, FAULT_MESSAGE },
    { "MISSING_REQUIRED_FIELDS", VERDICT_REJECTED, FAULT_MESSAGE },
    { "INVALID_SCHEDULE", VERDICT_REJECTED, FAULT_MESSAGE },
    { "NOT_ENOUGH_PERMISSION_TO_LIST_ID", VERDICT_REJECTED, FAULT_MESSAGE },
    { "INVALID_LANG", VERDICT_REJECTED, FAULT_MESSAGE },
    { "INVALID_VOICE", VERDICT_REJECTED, FAULT_MESSAGE },
    { "SUBJECT_REQUIRED", VERDICT_REJECTED, FAULT_MESSAGE },
    { "INVALID_MEDIA_FILE", VERDICT_REJECTED, FAULT_MESSAGE },
    { "INTERNAL_ERROR", VERDICT_UNKNOWN, FAULT_NONE },
    { "SOMETHING_IS_WRONG", VERDICT_UNKNOWN, FAULT_NONE },
};

static const struct word *find_word(const char *name)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    return NULL;
}

static int check(const struct account *a, struct err *e)
{
    if (account_check_fields(a, e) < 0)
        return -1;
    const char *from = account_field(a, "From");
    return from && *from ? phone_check_sender(from, e) : 0;
}

static int set_request(const struct account *a, const char *method, const char *path, struct arena *scratch, struct request *out,
                       struct err *e)
{
    buf_init(&out->body, BODY_MAX);
    out->method = method;
    out->url = account_url(a, path, scratch);
    out->headers[0] = "Content-Type: application/json";
    out->user = account_field(a, "Username");
    out->password = account_field(a, "Token");
    return out->url ? 0 : err_set(e, ERR_NOMEM, "no room for a request");
}

static int build(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e)
{
    if (set_request(a, "POST", "v3/sms/send", scratch, out, e) < 0)
        return -1;
    struct json_out w = json_begin(&out->body);
    json_object(&w, NULL);
    json_array(&w, "messages");
    json_object(&w, NULL);
    json_s(&w, "to", phone_canonical(m->address, scratch));
    json_s(&w, "body", m->text);
    json_s_opt(&w, "from", account_field(a, "From"));
    json_s(&w, "source", "postern");
    json_s(&w, "custom_string", m->id);
    json_end(&w);
    json_end(&w);
    json_b(&w, "shorten_urls", false);
    json_end(&w);
    return out->body.failed ? err_set(e, ERR_LIMIT, "the text does not fit a request") : 0;
}

static void judge_word(const struct account *a, const struct word *word, const struct reply *r, const char *text, struct outcome *out)
{
    outcome_set(out, a, word->verdict, word->fault, "%s", text);
    if (word->verdict == VERDICT_RETRY)
        out->wait_ms = r->retry_after_ms >= 0 ? r->retry_after_ms : THROTTLED_WAIT_MS;
}

/* 200: what the message's own status says. */
static void judge_message(const struct account *a, const struct json *root, const struct reply *r, struct outcome *out)
{
    const char *status = json_str(json_first(json_get(json_get(root, "data"), "messages")), "status", NULL);
    const struct word *word = status ? find_word(status) : NULL;
    if (word)
        judge_word(a, word, r, status, out);
    else if (status)
        outcome_set(out, a, VERDICT_UNKNOWN, FAULT_NONE, "a status that is not known: %s", status);
    else
        outcome_set(out, a, VERDICT_UNKNOWN, FAULT_NONE, "HTTP %d without a status of the message", r->status);
}

/* Anything but 200: the word in the answer where it is clear, else the code. A 5xx may have sent the SMS: UNKNOWN, 503 too. */
static void judge_error(const struct account *a, const struct json *root, const struct reply *r, struct outcome *out)
{
    const char        *code = json_str(root, "response_code", NULL);
    const struct word *word = code && r->status < 500 ? find_word(code) : NULL;
    if (word && word->verdict == VERDICT_REJECTED) {
        outcome_set(out, a, word->verdict, word->fault, "HTTP %d %s: %s", r->status, code, json_str(root, "response_msg", ""));
        return;
    }
    judge_by_status(r, out);
    if (r->status >= 500)
        outcome_set(out, a, VERDICT_UNKNOWN, FAULT_NONE, "HTTP %d", r->status);
    if (out->verdict == VERDICT_REJECTED && code)
        outcome_set(out, a, out->verdict, out->fault, "HTTP %d %s: %s", r->status, code, json_str(root, "response_msg", ""));
}

static void judge(const struct account *a, const struct message *m, const struct reply *r, struct outcome *out)
{
    (void)m;
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    if (r->status >= 200 && r->status <= 299)
        judge_message(a, root, r, out);
    else
        judge_error(a, root, r, out);
}

static int probe(const struct account *a, struct arena *scratch, struct request *out, struct err *e)
{
    return set_request(a, "GET", "v3/account", scratch, out, e);
}

/* The answer holds the API key: only named members are shown. */
static int probe_read(const struct account *a, const struct reply *r, char *line, size_t size)
{
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    const struct json *data = json_get(root, "data");
    const char        *balance = json_str(data, "balance", NULL);
    if (r->status != 200 || !data) {
        account_words(a, line, size, "HTTP %d %s", r->status, json_str(root, "response_code", ""));
        return -1;
    }
    const char *currency = json_str(json_get(data, "_currency"), "currency_name_short", "");
    if (balance)
        account_words(a, line, size, "balance %s %s", balance, currency);
    else
        account_words(a, line, size, "balance %.2f %s", json_number(json_get(data, "balance")), currency);
    return 0;
}

extern const struct provider provider_clicksend;
const struct provider provider_clicksend = {
    .name = "clicksend",
    .title = "ClickSend",
    .fields = {
        { "Username", .is_required = true },
        { "Token", .is_required = true, .is_secret = true },
        { "From" },
        { "MaxParts" },
        { "Url", .fallback = "https://rest.clicksend.com" },
    },
    .rate_per_minute = 6,
    .burst = 5,
    .is_sms = true,
    .text_max = 1224,
    .check = check,
    .check_address = phone_check,
    .canonical = phone_canonical,
    .build = build,
    .judge = judge,
    .probe = probe,
    .probe_read = probe_read,
};
