/* cm: SMS by CM.com's business messaging gateway (POST /v1.0/message, product token in a header). docs/providers/cm.md.
 * The message is accepted only if errorCode is 0 *and* each message says Accepted; texts of the answer are never tested. */
#include "core/json.h"
#include "providers/phone.h"
#include "providers/provider.h"
#include <string.h>

enum { BODY_MAX = 64 * 1024, PARTS_MAX = 8 };

/* errorCode and messageErrorCode. */
static const struct code {
    int          number;
    enum verdict verdict;
    enum fault   fault;
    const char  *meaning;
} codes[] = {
    { 101, VERDICT_REJECTED, FAULT_ACCOUNT, "authentication of the request failed" },
    { 102, VERDICT_REJECTED, FAULT_ACCOUNT, "balance insufficient" },
    { 103, VERDICT_REJECTED, FAULT_ACCOUNT, "api key incorrect" },
    { 201, VERDICT_REJECTED, FAULT_MESSAGE, "message not sent" },
    { 202, VERDICT_REJECTED, FAULT_MESSAGE, "request malformed" },
    { 203, VERDICT_REJECTED, FAULT_MESSAGE, "message array incorrect" },
    { 301, VERDICT_REJECTED, FAULT_ACCOUNT, "sender (From) incorrect" },
    { 302, VERDICT_REJECTED, FAULT_MESSAGE, "recipient incorrect" },
    { 303, VERDICT_REJECTED, FAULT_MESSAGE, "telephone number incorrect" },
    { 304, VERDICT_REJECTED, FAULT_MESSAGE, "text incorrect" },
    { 305, VERDICT_REJECTED, FAULT_MESSAGE, "a field is incorrect" },
    { 401, VERDICT_REJECTED, FAULT_MESSAGE, "held by the spam filter" },
    { 402, VERDICT_REJECTED, FAULT_MESSAGE, "number is blacklisted" },
    { 403, VERDICT_REJECTED, FAULT_MESSAGE, "rejected" },
    { 500, VERDICT_UNKNOWN, FAULT_NONE, "internal error" },
    { 999, VERDICT_UNKNOWN, FAULT_NONE, "unknown error" },
};

static int check(const struct account *a, struct err *e)
{
    if (account_check_fields(a, e) < 0)
        return -1;
    return phone_check_sender(account_field(a, "From"), e);
}

static int set_request(const struct account *a, struct arena *scratch, struct request *out, struct err *e)
{
    buf_init(&out->body, BODY_MAX);
    out->method = "POST";
    out->url = account_url(a, "v1.0/message", scratch);
    out->headers[0] = "Content-Type: application/json";
    out->headers[1] = arena_printf(scratch, "X-CM-PRODUCTTOKEN: %s", account_field(a, "ApiKey"));
    return out->url && out->headers[1] ? 0 : err_set(e, ERR_NOMEM, "no room for a request");
}

/* CM writes the country with 00, as its examples do. */
static const char *cm_number(const char *address, struct arena *scratch)
{
    const char *number = phone_canonical(address, scratch);
    return number && number[0] == '+' ? arena_printf(scratch, "00%s", number + 1) : number;
}

static void put_message(struct json_out *w, const struct account *a, const struct message *m, struct arena *scratch)
{
    json_object(w, NULL);
    json_s(w, "from", account_field(a, "From"));
    json_array(w, "to");
    json_object(w, NULL);
    json_s(w, "number", cm_number(m->address, scratch));
    json_end(w);
    json_end(w);
    json_object(w, "body");
    json_s(w, "type", "auto"); /* without it everything but GSM-7 is damaged */
    json_s(w, "content", m->text);
    json_end(w);
    json_s(w, "reference", m->id);
    json_i(w, "minimumNumberOfMessageParts", 1); /* only together; without them long texts are cut to one part */
    json_i(w, "maximumNumberOfMessageParts", PARTS_MAX);
    json_array(w, "allowedChannels");
    json_s(w, NULL, "SMS");
    json_end(w);
    json_end(w);
}

static int build(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e)
{
    if (set_request(a, scratch, out, e) < 0)
        return -1;
    struct json_out w = json_begin(&out->body);
    json_object(&w, NULL);
    json_object(&w, "messages");
    json_array(&w, "msg");
    put_message(&w, a, m, scratch);
    json_end(&w);
    json_end(&w);
    json_end(&w);
    return out->body.failed ? err_set(e, ERR_LIMIT, "the text does not fit a request") : 0;
}

static void judge_code(const struct account *a, int number, const char *details, struct outcome *out)
{
    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i].number == number) {
            outcome_set(out, a, codes[i].verdict, codes[i].fault, "%d %s: %s", number, codes[i].meaning, details);
            return;
        }
    outcome_set(out, a, VERDICT_UNKNOWN, FAULT_NONE, "an error code that is not known: %d %s", number, details);
}

/* The first message that is not plainly Accepted, or NULL. */
static const struct json *first_refused(const struct json *messages)
{
    for (const struct json *v = json_first(messages); v; v = json_next(v))
        if (strcmp(json_str(v, "status", ""), "Accepted") != 0 || json_int(v, "messageErrorCode", 0) != 0)
            return v;
    return NULL;
}

static void judge_answer(const struct account *a, const struct json *root, const struct reply *r, struct outcome *out)
{
    int64_t            code = json_int(root, "errorCode", -1);
    const struct json *messages = json_get(root, "messages"), *refused = first_refused(messages);
    int64_t            message_code = json_int(refused, "messageErrorCode", 0);
    if (refused && message_code != 0) /* says more than 201 "look per message" */
        judge_code(a, (int)message_code, json_str(refused, "messageDetails", ""), out);
    else if (code > 0)
        judge_code(a, (int)code, json_str(root, "details", ""), out);
    else if (refused && strcmp(json_str(refused, "status", ""), "Rejected") == 0)
        outcome_set(out, a, VERDICT_REJECTED, FAULT_MESSAGE, "Rejected: %s", json_str(refused, "messageDetails", ""));
    else if (code == 0 && !refused && json_count(messages) > 0)
        outcome_set(out, a, VERDICT_SENT, FAULT_NONE, "Accepted");
    else
        outcome_set(out, a, VERDICT_UNKNOWN, FAULT_NONE, "HTTP %d without a clear answer", r->status);
}

static void judge(const struct account *a, const struct message *m, const struct reply *r, struct outcome *out)
{
    (void)m;
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    bool is_told = json_int(root, "errorCode", -1) > 0;
    if ((r->status >= 200 && r->status <= 299) || (r->status >= 400 && r->status <= 499 && r->status != 429 && is_told))
        judge_answer(a, root, r, out);
    else
        judge_by_status(r, out);
}

/* No harmless question is documented: a request with no message at all is refused, but a wrong key is refused first. */
static int probe(const struct account *a, struct arena *scratch, struct request *out, struct err *e)
{
    if (set_request(a, scratch, out, e) < 0)
        return -1;
    buf_puts(&out->body, "{\"messages\":{\"msg\":[]}}");
    return out->body.failed ? err_set(e, ERR_NOMEM, "no room for a request") : 0;
}

static int probe_read(const struct account *a, const struct reply *r, char *line, size_t size)
{
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    int64_t code = json_int(root, "errorCode", -1);
    bool    is_bad_key = r->status == 401 || r->status == 403 || (code >= 101 && code <= 103);
    if (is_bad_key || code < 0) {
        account_words(a, line, size, is_bad_key ? "HTTP %d: the key is refused" : "HTTP %d: not an answer of CM", r->status);
        return -1;
    }
    account_words(a, line, size, "answers, and does not refuse the key (HTTP %d)", r->status);
    return 0;
}

extern const struct provider provider_cm;
const struct provider provider_cm = {
    .name = "cm",
    .title = "CM.com",
    .fields = {
        { "ApiKey", .is_required = true, .is_secret = true },
        { "From", .fallback = "Postern" },
        { "MaxParts" },
        { "Url", .fallback = "https://gw.messaging.cm.com" },
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
