/* What every provider asks of the wire, and what it makes of the answers. */
#include "core/clock.h"
#include "core/json.h"
#include "providers/phone.h"
#include "providers/provider.h"
#include "providers/signature.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* */
#include <cmocka.h>

static const char id[] = "01JD5Z0000000000000000TEST";
static const char webhook_secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/* --- accounts and messages to test with --------------------------------------------------------------------- */

static void set_field(struct account *a, const char *name, const char *value)
{
    for (int i = 0; i < ACCOUNT_FIELDS && a->provider->fields[i].name; i++)
        if (strcmp(a->provider->fields[i].name, name) == 0)
            a->field[i] = value;
}

/* An account of this provider with something in every required and every secret field. */
static struct account account_of(const char *provider)
{
    struct account a = { .name = "test", .provider = provider_find(provider), .rate_per_minute = 6, .burst = 5 };
    assert_non_null(a.provider);
    set_field(&a, "Username", "anna");
    set_field(&a, "Token", "k3y-t0p-s3cr3t");
    set_field(&a, "Password", "p4ss-w0rd-x");
    set_field(&a, "ApiKey", "00000000-aaaa-bbbb-cccc-000000000000");
    set_field(&a, "AppToken", "AgotifyTokenX");
    if (strcmp(provider, "webhook") == 0) {
        set_field(&a, "Url", "https://hook.example/in");
        set_field(&a, "Secret", webhook_secret);
    }
    if (strcmp(provider, "gotify") == 0)
        set_field(&a, "Url", "https://push.example/");
    return a;
}

static const struct event        one_event = { .id = "01JD5Z0000000000000000EVNT", .kind = "alarm.interior", .severity = SEVERITY_ALARM,
                                               .device_id = "panel", .device_name = "panel", .zone_number = 8, .zone_name = "Ost 1" };
static const struct event_origin one_origin = { .site = "Home", .arrival = "01JD5Z0000000000000000ARRV", .parser = "lupusec",
                                                .received_ms = 1764000000123 };

static struct message message_to(const char *address)
{
    return (struct message){
        .id = id, .address = address, .title = "ALARM Home", .text = "Einbruch \"innen\", Zone 8 Küche", .severity = SEVERITY_ALARM,
        .events = &one_event, .origins = &one_origin, .event_count = 1, .now_ms = 1764000005000, .priority = PRIORITY_NONE,
    };
}

struct built {
    struct arena   scratch;
    struct request request;
    struct json   *body;
};

static void build(struct built *b, const struct account *a, const struct message *m)
{
    struct err e = { .code = ERR_NONE };
    *b = (struct built){ .body = NULL };
    arena_init(&b->scratch, 1 << 20);
    if (a->provider->build(a, m, &b->scratch, &b->request, &e) < 0)
        fail_msg("build: %s", e.text);
    b->body = json_parse(buf_str(&b->request.body), b->request.body.len, NULL);
}

static void built_done(struct built *b)
{
    json_free(&b->body);
    request_done(&b->request);
    arena_done(&b->scratch);
}

static const char *header(const struct request *r, const char *name)
{
    for (size_t i = 0; i < COUNT(r->headers) && r->headers[i]; i++)
        if (strncmp(r->headers[i], name, strlen(name)) == 0 && r->headers[i][strlen(name)] == ':')
            return r->headers[i] + strlen(name) + 2;
    return NULL;
}

static struct outcome judge(const struct account *a, int status, const char *body, int64_t retry_after_ms)
{
    struct message m = message_to("+491700000001");
    struct reply   r = { .status = status, .body = body, .length = strlen(body), .retry_after_ms = retry_after_ms };
    struct outcome o;
    memset(&o, 0x5a, sizeof o);
    a->provider->judge(a, &m, &r, &o);
    return o;
}

/* --- what all share ----------------------------------------------------------------------------------------- */

static void test_every_provider_is_found_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; providers[i]; i++)
        assert_ptr_equal(provider_find(providers[i]->name), providers[i]);
    assert_null(provider_find("carrier-pigeon"));
}

static void test_a_field_falls_back_to_its_default(void **state)
{
    (void)state;
    struct account a = account_of("clicksend");
    assert_string_equal(account_field(&a, "Url"), "https://rest.clicksend.com");
    assert_null(account_field(&a, "From"));
}

static void test_a_base_address_and_a_path_meet_in_one_slash(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena scratch;
    arena_init(&scratch, 4096);
    struct account a = account_of("clicksend");
    set_field(&a, "Url", "http://127.0.0.1:8/base//");
    assert_string_equal(account_url(&a, "v3/account", &scratch), "http://127.0.0.1:8/base/v3/account");
}

static void test_a_line_break_in_a_key_is_a_mistake(void **state)
{
    (void)state;
    struct err e;
    for (size_t i = 0; providers[i]; i++) {
        if (providers[i]->is_local)
            continue;
        struct account a = account_of(providers[i]->name);
        assert_int_equal(providers[i]->check(&a, &e), 0);
        for (int f = 0; f < ACCOUNT_FIELDS && providers[i]->fields[f].name; f++) {
            const char *before = a.field[f];
            a.field[f] = "abc\r\nX-Other: 1";
            assert_int_equal(providers[i]->check(&a, &e), -1);
            a.field[f] = before;
        }
        set_field(&a, "Url", "ftp://example");
        assert_int_equal(providers[i]->check(&a, &e), -1);
    }
}

static void test_a_status_code_gives_the_verdict_that_is_the_same_everywhere(void **state)
{
    (void)state;
    static const struct {
        int          status;
        enum verdict verdict;
        enum fault   fault;
    } rows[] = {
        { 200, VERDICT_SENT, FAULT_NONE },        { 204, VERDICT_SENT, FAULT_NONE },        { 429, VERDICT_RETRY, FAULT_NONE },
        { 503, VERDICT_RETRY, FAULT_NONE },       { 408, VERDICT_UNKNOWN, FAULT_NONE },     { 425, VERDICT_UNKNOWN, FAULT_NONE },
        { 500, VERDICT_UNKNOWN, FAULT_NONE },     { 502, VERDICT_UNKNOWN, FAULT_NONE },     { 504, VERDICT_UNKNOWN, FAULT_NONE },
        { 401, VERDICT_REJECTED, FAULT_ACCOUNT }, { 402, VERDICT_REJECTED, FAULT_ACCOUNT }, { 403, VERDICT_REJECTED, FAULT_ACCOUNT },
        { 302, VERDICT_REJECTED, FAULT_MESSAGE }, { 400, VERDICT_REJECTED, FAULT_MESSAGE }, { 404, VERDICT_REJECTED, FAULT_MESSAGE },
        { 101, VERDICT_UNKNOWN, FAULT_NONE },     { 0, VERDICT_UNKNOWN, FAULT_NONE },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome o;
        judge_by_status(&(struct reply){ .status = rows[i].status, .body = "", .retry_after_ms = 7000 }, &o);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_int_equal(o.fault, rows[i].fault);
        assert_int_equal(o.wait_ms, rows[i].verdict == VERDICT_RETRY ? 7000 : -1);
    }
}

static void test_a_detail_is_one_line_of_utf8_without_secrets(void **state)
{
    (void)state;
    struct account a = account_of("clicksend");
    struct outcome o;
    outcome_set(&o, &a, VERDICT_RETRY, FAULT_NONE, "bad key k3y-t0p-s3cr3t,\r\nk3y-t0p-s3cr3t!");
    assert_string_equal(o.detail, "bad key ***,  ***!");
    outcome_set(&o, &a, VERDICT_RETRY, FAULT_NONE, "gut\xFF nicht");
    assert_string_equal(o.detail, "gut");
    char words[2000];
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    memcpy(words + 190, "k3y-t0p-s3cr3t", 14);
    outcome_set(&o, &a, VERDICT_RETRY, FAULT_NONE, "%s", words);
    assert_int_equal(strlen(o.detail), sizeof o.detail - 1);
    assert_null(strstr(o.detail, "k3y"));
}

/* Whatever a far side sends back, our own keys among it, comes out without them. */
static void test_no_secret_ever_reaches_an_outcome(void **state)
{
    (void)state;
    static const int statuses[] = { 200, 201, 400, 401, 403, 404, 410, 429, 500, 503 };
    for (size_t i = 0; providers[i]; i++) {
        if (providers[i]->is_local)
            continue;
        struct account a = account_of(providers[i]->name);
        for (int f = 0; f < ACCOUNT_FIELDS && providers[i]->fields[f].name; f++) {
            if (!providers[i]->fields[f].is_secret)
                continue;
            assert_non_null(a.field[f]);
            char body[2048];
            const char *k = a.field[f];
            (void)snprintf(body, sizeof body,
                           "{\"ok\":false,\"error_code\":400,\"description\":\"%s\",\"error\":\"%s\",\"errorDescription\":\"%s\","
                           "\"errorCode\":103,\"details\":\"%s\",\"response_code\":\"%s\",\"response_msg\":\"%s\",\"code\":40001,"
                           "\"data\":{\"balance\":\"1\",\"api_key\":\"%s\",\"messages\":[{\"status\":\"%s\"}]},"
                           "\"messages\":[{\"status\":\"%s\",\"messageErrorCode\":103,\"messageDetails\":\"%s\"}]}",
                           k, k, k, k, k, k, k, k, k, k);
            for (size_t s = 0; s < COUNT(statuses); s++) {
                struct outcome o = judge(&a, statuses[s], body, -1);
                assert_null(strstr(o.detail, k));
                char         line[300] = "";
                struct reply r = { .status = statuses[s], .body = body, .length = strlen(body), .retry_after_ms = -1 };
                if (providers[i]->probe_read)
                    (void)providers[i]->probe_read(&a, &r, line, sizeof line);
                assert_null(strstr(line, k));
            }
        }
    }
}

static void test_an_answer_that_is_no_answer_of_the_service_is_never_taken_as_sent(void **state)
{
    (void)state;
    static const char *const bodies[] = { "", "<html>Log in to the hotel's WLAN</html>", "[]", "{}", "null", "{\"data\":", "42" };
    for (size_t i = 0; providers[i]; i++) {
        if (providers[i]->is_local || strcmp(providers[i]->name, "webhook") == 0)
            continue;
        struct account a = account_of(providers[i]->name);
        for (size_t b = 0; b < COUNT(bodies); b++)
            assert_int_equal(judge(&a, 200, bodies[b], -1).verdict, VERDICT_UNKNOWN);
    }
}

/* --- telephone numbers -------------------------------------------------------------------------------------- */

static void test_a_number_has_one_way_to_be_written(void **state)
{
    (void)state;
    static const struct {
        const char *given, *canonical; /* NULL: a mistake */
    } rows[] = {
        { "+491700000001", "+491700000001" },  { "00491700000001", "+491700000001" }, { "+49 (170) 000-0001", "+491700000001" },
        { "0049 170/0000001", "+491700000001" }, { "01700000001", NULL },             { "491700000001", NULL },
        { "+49", NULL },                        { "", NULL },                         { "+0491700000001", NULL },
        { "+4917000000010000", NULL },          { "+49170000000x", NULL },            { "<phone number here>", NULL },
        { "+1234567", "+1234567" },             { "+123456789012345", "+123456789012345" },
    };
    CLEANUP(arena_done) struct arena scratch;
    arena_init(&scratch, 4096);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err e;
        assert_int_equal(phone_check(rows[i].given, &e), rows[i].canonical ? 0 : -1);
        if (rows[i].canonical)
            assert_string_equal(phone_canonical(rows[i].given, &scratch), rows[i].canonical);
    }
}

static void test_a_sender_is_a_short_name_or_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        int         result;
    } rows[] = {
        { "Lupusec", 0 },      { "House", 0 },        { "ABCDEFGHIJK", 0 },      { "ABCDEFGHIJKL", -1 }, { "My House", -1 },
        { "Büro", -1 },        { "+491700000001", 0 }, { "1234567890123456", 0 }, { "12345678901234567", -1 }, { "", -1 },
        { "+House", -1 },      { "A-B", -1 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err e;
        assert_int_equal(phone_check_sender(rows[i].from, &e), rows[i].result);
    }
}

/* --- ClickSend ---------------------------------------------------------------------------------------------- */

static void test_clicksend_sends_from_the_sender_with_the_message_as_custom_string(void **state)
{
    (void)state;
    struct account a = account_of("clicksend");
    set_field(&a, "From", "House");
    struct message m = message_to("0049 170 0000001");
    struct built   b;
    build(&b, &a, &m);
    assert_string_equal(b.request.method, "POST");
    assert_string_equal(b.request.url, "https://rest.clicksend.com/v3/sms/send");
    assert_string_equal(b.request.user, "anna");
    assert_string_equal(b.request.password, "k3y-t0p-s3cr3t");
    assert_string_equal(header(&b.request, "Content-Type"), "application/json");
    const struct json *sms = json_first(json_get(b.body, "messages"));
    assert_string_equal(json_str(sms, "to", ""), "+491700000001");
    assert_string_equal(json_str(sms, "from", ""), "House");
    assert_string_equal(json_str(sms, "body", ""), m.text);
    assert_string_equal(json_str(sms, "custom_string", ""), id);
    assert_int_equal(json_type(json_get(b.body, "shorten_urls")), JSON_FALSE);
    built_done(&b);
}

static void test_clicksend_without_a_sender_leaves_the_field_out(void **state)
{
    (void)state;
    struct account a = account_of("clicksend");
    struct message m = message_to("+491700000001");
    struct built   b;
    build(&b, &a, &m);
    assert_null(json_get(json_first(json_get(b.body, "messages")), "from"));
    built_done(&b);
}

static void test_clicksend_believes_the_status_of_the_message_alone(void **state)
{
    (void)state;
    static const struct {
        const char  *status;
        enum verdict verdict;
        enum fault   fault;
    } rows[] = {
        { "SUCCESS", VERDICT_SENT, FAULT_NONE },
        { "THROTTLED", VERDICT_RETRY, FAULT_NONE },
        { "INSUFFICIENT_CREDIT", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "INVALID_CREDENTIALS", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "MISSING_CREDENTIALS", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "ACCOUNT_NOT_ACTIVATED", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "INVALID_SENDER_ID", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "COUNTRY_NOT_ENABLED", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "INVALID_RECIPIENT", VERDICT_REJECTED, FAULT_MESSAGE },
        { "EMPTY_MESSAGE", VERDICT_REJECTED, FAULT_MESSAGE },
        { "INTERNAL_ERROR", VERDICT_UNKNOWN, FAULT_NONE },
        { "SOMETHING_NEW", VERDICT_UNKNOWN, FAULT_NONE },
    };
    struct account a = account_of("clicksend");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char body[256];
        (void)snprintf(body, sizeof body,
                       "{\"http_code\":200,\"response_code\":\"SUCCESS\",\"data\":{\"messages\":[{\"status\":\"%s\"}]}}", rows[i].status);
        struct outcome o = judge(&a, 200, body, -1);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_int_equal(o.fault, rows[i].fault);
        assert_non_null(strstr(o.detail, rows[i].status));
        assert_int_equal(o.wait_ms, rows[i].verdict == VERDICT_RETRY ? 60000 : -1);
    }
}

static void test_clicksend_errors_come_as_status_codes(void **state)
{
    (void)state;
    static const struct {
        int          status;
        const char  *code;
        enum verdict verdict;
        enum fault   fault;
    } rows[] = {
        { 400, "BAD_REQUEST", VERDICT_REJECTED, FAULT_MESSAGE },   { 400, "INSUFFICIENT_CREDIT", VERDICT_REJECTED, FAULT_ACCOUNT },
        { 401, "UNAUTHORIZED", VERDICT_REJECTED, FAULT_ACCOUNT },  { 403, "FORBIDDEN", VERDICT_REJECTED, FAULT_ACCOUNT },
        { 404, "NOT_FOUND", VERDICT_REJECTED, FAULT_MESSAGE },     { 405, "METHOD_NOT_FOUND", VERDICT_REJECTED, FAULT_MESSAGE },
        { 429, "TOO_MANY_REQUESTS", VERDICT_RETRY, FAULT_NONE },   { 500, "INTERNAL_SERVER_ERROR", VERDICT_UNKNOWN, FAULT_NONE },
        { 500, "INVALID_RECIPIENT", VERDICT_UNKNOWN, FAULT_NONE }, { 503, "", VERDICT_UNKNOWN, FAULT_NONE },
    };
    struct account a = account_of("clicksend");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char body[256];
        (void)snprintf(body, sizeof body, "{\"response_code\":\"%s\",\"response_msg\":\"words\",\"data\":null}", rows[i].code);
        struct outcome o = judge(&a, rows[i].status, body, 23000);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_int_equal(o.fault, rows[i].fault);
        assert_int_equal(o.wait_ms, rows[i].verdict == VERDICT_RETRY ? 23000 : -1);
    }
}

static void test_clicksend_tells_its_balance_and_not_its_key(void **state)
{
    (void)state;
    static const char body[] = "{\"http_code\":200,\"data\":{\"username\":\"anna\",\"api_key\":\"k3y-t0p-s3cr3t\",\"balance\":\"12.34\","
                               "\"_currency\":{\"currency_name_short\":\"EUR\"}}}";
    struct account a = account_of("clicksend");
    char           line[200];
    assert_int_equal(a.provider->probe_read(&a, &(struct reply){ 200, body, sizeof body - 1, -1 }, line, sizeof line), 0);
    assert_string_equal(line, "balance 12.34 EUR");
    static const char refused[] = "{\"response_code\":\"UNAUTHORIZED\"}";
    assert_int_equal(a.provider->probe_read(&a, &(struct reply){ 401, refused, sizeof refused - 1, -1 }, line, sizeof line), -1);
    assert_string_equal(line, "HTTP 401 UNAUTHORIZED");
}

/* --- CM.com ------------------------------------------------------------------------------------------------- */

static void test_cm_sends_type_auto_both_part_numbers_and_the_reference(void **state)
{
    (void)state;
    struct account a = account_of("cm");
    set_field(&a, "From", "Lupusec");
    struct message m = message_to("+491700000001");
    struct built   b;
    build(&b, &a, &m);
    assert_string_equal(b.request.url, "https://gw.messaging.cm.com/v1.0/message");
    assert_string_equal(header(&b.request, "X-CM-PRODUCTTOKEN"), "00000000-aaaa-bbbb-cccc-000000000000");
    const struct json *sms = json_first(json_get(json_get(b.body, "messages"), "msg"));
    assert_string_equal(json_str(sms, "from", ""), "Lupusec");
    assert_string_equal(json_str(json_first(json_get(sms, "to")), "number", ""), "00491700000001");
    assert_string_equal(json_str(json_get(sms, "body"), "type", ""), "auto");
    assert_string_equal(json_str(json_get(sms, "body"), "content", ""), m.text);
    assert_int_equal(json_int(sms, "minimumNumberOfMessageParts", 0), 1);
    assert_int_equal(json_int(sms, "maximumNumberOfMessageParts", 0), 8);
    const char *reference = json_str(sms, "reference", "");
    assert_string_equal(reference, id);
    assert_true(strlen(reference) <= 32);
    built_done(&b);
}

static void test_cm_accepts_only_if_both_levels_say_so(void **state)
{
    (void)state;
    static const struct {
        int          status;
        const char  *body;
        enum verdict verdict;
        enum fault   fault;
    } rows[] = {
        { 200, "{\"errorCode\":0,\"messages\":[{\"status\":\"Accepted\",\"messageErrorCode\":0}]}", VERDICT_SENT, FAULT_NONE },
        { 201, "{\"errorCode\":0,\"messages\":[{\"status\":\"Accepted\"}]}", VERDICT_SENT, FAULT_NONE },
        { 200, "{\"errorCode\":0,\"messages\":[{\"status\":\"Rejected\",\"messageErrorCode\":303}]}", VERDICT_REJECTED, FAULT_MESSAGE },
        { 200, "{\"errorCode\":0,\"messages\":[{\"status\":\"Rejected\",\"messageErrorCode\":0}]}", VERDICT_REJECTED, FAULT_MESSAGE },
        { 200, "{\"errorCode\":0,\"messages\":[]}", VERDICT_UNKNOWN, FAULT_NONE },
        { 200, "{\"messages\":[{\"status\":\"Accepted\"}]}", VERDICT_UNKNOWN, FAULT_NONE },
        { 200, "{\"errorCode\":201,\"messages\":[{\"status\":\"Rejected\",\"messageErrorCode\":102}]}", VERDICT_REJECTED, FAULT_ACCOUNT },
        { 200, "{\"errorCode\":999,\"messages\":[]}", VERDICT_UNKNOWN, FAULT_NONE },
        { 401, "{\"errorCode\":101,\"details\":\"no\",\"messages\":[]}", VERDICT_REJECTED, FAULT_ACCOUNT },
        { 400, "{\"errorCode\":103,\"messages\":[]}", VERDICT_REJECTED, FAULT_ACCOUNT },
        { 400, "", VERDICT_REJECTED, FAULT_MESSAGE },
        { 500, "{\"errorCode\":500}", VERDICT_UNKNOWN, FAULT_NONE },
        { 502, "bad gateway", VERDICT_UNKNOWN, FAULT_NONE },
        { 503, "", VERDICT_RETRY, FAULT_NONE },
        { 429, "", VERDICT_RETRY, FAULT_NONE },
    };
    struct account a = account_of("cm");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome o = judge(&a, rows[i].status, rows[i].body, -1);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_int_equal(o.fault, rows[i].fault);
    }
}

static void test_cm_knows_every_documented_code(void **state)
{
    (void)state;
    static const struct {
        int          code;
        enum verdict verdict;
        enum fault   fault;
    } rows[] = {
        { 101, VERDICT_REJECTED, FAULT_ACCOUNT }, { 102, VERDICT_REJECTED, FAULT_ACCOUNT }, { 103, VERDICT_REJECTED, FAULT_ACCOUNT },
        { 201, VERDICT_REJECTED, FAULT_MESSAGE }, { 202, VERDICT_REJECTED, FAULT_MESSAGE }, { 203, VERDICT_REJECTED, FAULT_MESSAGE },
        { 301, VERDICT_REJECTED, FAULT_ACCOUNT }, { 302, VERDICT_REJECTED, FAULT_MESSAGE }, { 303, VERDICT_REJECTED, FAULT_MESSAGE },
        { 304, VERDICT_REJECTED, FAULT_MESSAGE }, { 305, VERDICT_REJECTED, FAULT_MESSAGE }, { 401, VERDICT_REJECTED, FAULT_MESSAGE },
        { 402, VERDICT_REJECTED, FAULT_MESSAGE }, { 403, VERDICT_REJECTED, FAULT_MESSAGE }, { 500, VERDICT_UNKNOWN, FAULT_NONE },
        { 999, VERDICT_UNKNOWN, FAULT_NONE },     { 777, VERDICT_UNKNOWN, FAULT_NONE },
    };
    struct account a = account_of("cm");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char body[200];
        (void)snprintf(body, sizeof body, "{\"errorCode\":%d,\"details\":\"words\",\"messages\":[]}", rows[i].code);
        struct outcome o = judge(&a, 200, body, -1);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_int_equal(o.fault, rows[i].fault);
    }
}

/* --- webhook ------------------------------------------------------------------------------------------------ */

static void test_webhook_carries_the_events_and_says_when_and_what(void **state)
{
    (void)state;
    struct account a = account_of("webhook");
    struct message m = message_to("");
    struct built   b;
    build(&b, &a, &m);
    assert_string_equal(b.request.url, "https://hook.example/in");
    assert_string_equal(header(&b.request, "webhook-id"), id);
    assert_string_equal(header(&b.request, "webhook-timestamp"), "1764000005");
    assert_string_equal(json_str(b.body, "type", ""), "alarm.interior");
    assert_string_equal(json_str(b.body, "timestamp", ""), "2025-11-24T16:00:00.123Z");
    const struct json *data = json_get(b.body, "data");
    assert_string_equal(json_str(data, "text", ""), m.text);
    const struct json *ev = json_first(json_get(data, "events"));
    assert_string_equal(json_str(ev, "kind", ""), "alarm.interior");
    assert_string_equal(json_str(ev, "site", ""), "Home");
    assert_int_equal(json_int(json_get(ev, "zone"), "number", 0), 8);
    built_done(&b);
}

static void test_webhook_without_a_secret_is_not_signed(void **state)
{
    (void)state;
    struct account a = account_of("webhook");
    set_field(&a, "Secret", NULL);
    struct message m = message_to("");
    struct built   b;
    build(&b, &a, &m);
    assert_null(header(&b.request, "webhook-signature"));
    built_done(&b);
}

static void test_webhook_signs_with_every_secret_it_is_given(void **state)
{
    (void)state;
    struct account a = account_of("webhook");
    set_field(&a, "Secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    struct message m = message_to("");
    struct built   b;
    build(&b, &a, &m);
    const char *signature = header(&b.request, "webhook-signature");
    assert_non_null(signature);
    assert_int_equal(strlen(signature), 2 * 47 + 1);
    assert_int_equal(strncmp(signature + 48, "v1,", 3), 0);
    built_done(&b);
}

/* The example of the Standard Webhooks repository. */
static void test_a_signature_is_that_of_the_published_example(void **state)
{
    (void)state;
    struct err e;
    CLEANUP(buf_done) struct buf body, signature;
    buf_init(&body, 100);
    buf_init(&signature, 100);
    buf_puts(&body, "{\"test\": 2432232314}");
    assert_int_equal(signature_add(webhook_secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, &body, &signature, &e), 0);
    assert_string_equal(buf_str(&signature), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void test_webhook_refuses_a_secret_that_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = { "secret", "whsec_", "whsec_AAAA", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" };
    struct account a = account_of("webhook");
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err e;
        set_field(&a, "Secret", bad[i]);
        assert_int_equal(a.provider->check(&a, &e), -1);
        if (strlen(bad[i]) > 10)
            assert_null(strstr(e.text, bad[i] + 6));
    }
}

static void test_webhook_answers(void **state)
{
    (void)state;
    static const struct {
        int          status;
        enum verdict verdict;
        enum fault   fault;
    } rows[] = {
        { 200, VERDICT_SENT, FAULT_NONE },        { 202, VERDICT_SENT, FAULT_NONE },        { 204, VERDICT_SENT, FAULT_NONE },
        { 302, VERDICT_REJECTED, FAULT_ACCOUNT }, { 401, VERDICT_REJECTED, FAULT_ACCOUNT }, { 410, VERDICT_REJECTED, FAULT_ACCOUNT },
        { 400, VERDICT_RETRY, FAULT_NONE },       { 404, VERDICT_RETRY, FAULT_NONE },       { 429, VERDICT_RETRY, FAULT_NONE },
        { 500, VERDICT_RETRY, FAULT_NONE },       { 502, VERDICT_RETRY, FAULT_NONE },       { 504, VERDICT_RETRY, FAULT_NONE },
    };
    struct account a = account_of("webhook");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome o = judge(&a, rows[i].status, "anything", 9000);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_int_equal(o.fault, rows[i].fault);
        assert_int_equal(o.wait_ms, rows[i].verdict == VERDICT_RETRY ? 9000 : -1);
    }
}

/* --- Telegram ----------------------------------------------------------------------------------------------- */

static void test_telegram_sends_text_without_markup_and_infos_silently(void **state)
{
    (void)state;
    struct account a = account_of("telegram");
    struct message m = message_to("-1001234567890");
    struct built   b;
    build(&b, &a, &m);
    assert_string_equal(b.request.url, "https://api.telegram.org/botk3y-t0p-s3cr3t/sendMessage");
    assert_int_equal(json_int(b.body, "chat_id", 0), -1001234567890);
    assert_string_equal(json_str(b.body, "text", ""), m.text);
    assert_false(json_bool(b.body, "disable_notification", true));
    assert_null(json_get(b.body, "parse_mode"));
    built_done(&b);
    m.severity = SEVERITY_INFO;
    m.address = "@house_channel";
    build(&b, &a, &m);
    assert_string_equal(json_str(b.body, "chat_id", ""), "@house_channel");
    assert_true(json_bool(b.body, "disable_notification", false));
    built_done(&b);
}

static const char jpeg[] = "\xFF\xD8\xFF\xE0 --postern- \r\n\0 the picture";

static struct message_media picture_of(const char *type, size_t length)
{
    return (struct message_media){ .type = type, .name = "../../\"\r\nX: evil", .bytes = jpeg, .length = length };
}

static bool contains(const struct buf *b, const char *what)
{
    return memmem(b->data, b->len, what, strlen(what)) != NULL;
}

static void test_telegram_uploads_a_picture_with_its_caption(void **state)
{
    (void)state;
    struct account       a = account_of("telegram");
    struct message       m = message_to("4711");
    struct message_media picture = picture_of("image/jpeg", sizeof jpeg);
    m.media = &picture;
    m.media_count = 1;
    struct built b;
    build(&b, &a, &m);
    assert_non_null(strstr(b.request.url, "/sendPhoto"));
    assert_non_null(strstr(header(&b.request, "Content-Type"), "multipart/form-data; boundary=postern-01JD5Z"));
    assert_true(contains(&b.request.body, "name=\"photo\"; filename=\"1.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\xFF\xD8"));
    assert_true(contains(&b.request.body, "name=\"caption\"\r\n\r\nEinbruch"));
    assert_false(contains(&b.request.body, "evil"));
    assert_non_null(memmem(b.request.body.data, b.request.body.len, jpeg, sizeof jpeg));
    built_done(&b);
}

static void test_telegram_makes_an_album_of_two_to_ten(void **state)
{
    (void)state;
    struct account       a = account_of("telegram");
    struct message       m = message_to("4711");
    struct message_media pictures[11];
    for (size_t i = 0; i < COUNT(pictures); i++)
        pictures[i] = picture_of(i == 1 ? "video/mp4" : "image/png", sizeof jpeg);
    m.media = pictures;
    m.media_count = 10;
    struct built b;
    build(&b, &a, &m);
    assert_non_null(strstr(b.request.url, "/sendMediaGroup"));
    assert_true(contains(&b.request.body, "{\"type\":\"photo\",\"media\":\"attach://f0\",\"caption\":\"Einbruch"));
    assert_true(contains(&b.request.body, "{\"type\":\"video\",\"media\":\"attach://f1\"}"));
    assert_true(contains(&b.request.body, "name=\"f9\"; filename=\"10.png\""));
    built_done(&b);
    m.media_count = 11;
    struct err     e;
    struct request r = { .method = NULL };
    CLEANUP(arena_done) struct arena scratch;
    arena_init(&scratch, 1 << 20);
    assert_int_equal(a.provider->build(&a, &m, &scratch, &r, &e), -1);
    request_done(&r);
}

static void test_telegram_sends_what_is_too_large_or_no_picture_as_a_document(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        size_t      length;
        const char *method;
    } rows[] = {
        { "image/jpeg", 100, "/sendPhoto" },         { "image/jpeg", 10000001, "/sendDocument" }, { "image/gif", 100, "/sendDocument" },
        { "application/octet-stream", 100, "/sendDocument" }, { "video/mp4", 10000001, "/sendVideo" },
    };
    static char    large[10000001];
    struct account a = account_of("telegram");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct message_media one = { .type = rows[i].type, .name = "", .bytes = large, .length = rows[i].length };
        struct message       m = message_to("4711");
        m.media = &one;
        m.media_count = 1;
        struct built b;
        build(&b, &a, &m);
        assert_non_null(strstr(b.request.url, rows[i].method));
        built_done(&b);
    }
}

static void test_a_caption_has_1024_characters_at_most(void **state)
{
    (void)state;
    struct account       a = account_of("telegram");
    struct message       m = message_to("4711");
    struct message_media picture = picture_of("image/jpeg", 10);
    char                 text[2 * 1500 + 1];
    for (size_t i = 0; i < 1500; i++)
        memcpy(text + 2 * i, "ä", 2);
    text[3000] = '\0';
    m.text = text;
    m.media = &picture;
    m.media_count = 1;
    struct built b;
    build(&b, &a, &m);
    const char *caption = memmem(b.request.body.data, b.request.body.len, "\r\n\r\nää", 8);
    assert_non_null(caption);
    assert_int_equal(strstr(caption + 4, "\r\n") - (caption + 4), 2 * 1023 + 3);
    built_done(&b);
}

static void test_telegram_answers(void **state)
{
    (void)state;
    static const struct {
        int          status;
        const char  *body;
        enum verdict verdict;
        enum fault   fault;
        int64_t      wait_ms;
        const char  *moved_to;
    } rows[] = {
        { 200, "{\"ok\":true,\"result\":{\"message_id\":1}}", VERDICT_SENT, FAULT_NONE, -1, "" },
        { 200, "{\"ok\":true,\"result\":[{},{}]}", VERDICT_SENT, FAULT_NONE, -1, "" },
        { 200, "{\"ok\":false}", VERDICT_UNKNOWN, FAULT_NONE, -1, "" },
        { 429, "{\"ok\":false,\"description\":\"Too Many Requests\",\"parameters\":{\"retry_after\":17}}", VERDICT_RETRY, FAULT_NONE, 17000, "" },
        { 429, "", VERDICT_RETRY, FAULT_NONE, 5000, "" },
        { 400, "{\"ok\":false,\"description\":\"Bad Request: group chat was upgraded to a supergroup chat\","
               "\"parameters\":{\"migrate_to_chat_id\":-1001234567890}}", VERDICT_RETRY, FAULT_NONE, 0, "-1001234567890" },
        { 400, "{\"ok\":false,\"description\":\"Bad Request: chat not found\"}", VERDICT_REJECTED, FAULT_MESSAGE, -1, "" },
        { 401, "{\"ok\":false,\"description\":\"Unauthorized\"}", VERDICT_REJECTED, FAULT_ACCOUNT, -1, "" },
        { 403, "{\"ok\":false,\"description\":\"Forbidden: bot was blocked by the user\"}", VERDICT_REJECTED, FAULT_ADDRESS, -1, "" },
        { 404, "{\"ok\":false,\"description\":\"Not Found\"}", VERDICT_REJECTED, FAULT_ACCOUNT, -1, "" },
        { 500, "", VERDICT_UNKNOWN, FAULT_NONE, -1, "" },
        { 502, "<html>", VERDICT_UNKNOWN, FAULT_NONE, -1, "" },
    };
    struct account a = account_of("telegram");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome o = judge(&a, rows[i].status, rows[i].body, 5000);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_int_equal(o.fault, rows[i].fault);
        assert_int_equal(o.wait_ms, rows[i].wait_ms);
        assert_string_equal(o.moved_to, rows[i].moved_to);
    }
}

static void test_telegram_lists_each_chat_once(void **state)
{
    (void)state;
    static const char body[] = "{\"ok\":true,\"result\":[{\"message\":{\"chat\":{\"id\":4711,\"type\":\"private\",\"first_name\":\"Anna\"}}},"
                               "{\"message\":{\"chat\":{\"id\":4711,\"type\":\"private\",\"first_name\":\"Anna\"}}},{\"poll\":{}},"
                               "{\"my_chat_member\":{\"chat\":{\"id\":-100123,\"type\":\"supergroup\",\"title\":\"Family\\nX\"}}}]}";
    struct account a = account_of("telegram");
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(a.provider->list_read(&a, &(struct reply){ 200, body, sizeof body - 1, -1 }, &out), 0);
    assert_string_equal(buf_str(&out), "4711  private  Anna\n-100123  supergroup  Family X\n");
}

/* --- Gotify and ntfy ---------------------------------------------------------------------------------------- */

static void test_gotify_sends_title_text_and_priority(void **state)
{
    (void)state;
    struct account a = account_of("gotify");
    struct message m = message_to("");
    struct built   b;
    build(&b, &a, &m);
    assert_string_equal(b.request.url, "https://push.example/message");
    assert_string_equal(header(&b.request, "X-Gotify-Key"), "AgotifyTokenX");
    assert_string_equal(json_str(b.body, "title", ""), m.title);
    assert_string_equal(json_str(b.body, "message", ""), m.text);
    assert_int_equal(json_int(b.body, "priority", 0), 8);
    assert_string_equal(json_str(json_get(json_get(b.body, "extras"), "client::display"), "contentType", ""), "text/plain");
    built_done(&b);
    set_field(&a, "Priority", "1");
    build(&b, &a, &m);
    assert_int_equal(json_int(b.body, "priority", 0), 1);
    built_done(&b);
    m.priority = 0;
    build(&b, &a, &m);
    assert_int_equal(json_int(b.body, "priority", 9), 0);
    built_done(&b);
}

static void test_ntfy_publishes_json_to_the_topic(void **state)
{
    (void)state;
    struct account a = account_of("ntfy");
    struct message m = message_to("house");
    struct built   b;
    build(&b, &a, &m);
    assert_string_equal(b.request.url, "https://ntfy.sh/");
    assert_string_equal(header(&b.request, "Authorization"), "Bearer k3y-t0p-s3cr3t");
    assert_string_equal(json_str(b.body, "topic", ""), "house");
    assert_string_equal(json_str(b.body, "message", ""), m.text);
    assert_int_equal(json_int(b.body, "priority", 0), 5);
    built_done(&b);
    m.priority = 10;
    m.severity = SEVERITY_INFO;
    set_field(&a, "Token", NULL);
    set_field(&a, "Password", "pass");
    build(&b, &a, &m);
    assert_null(header(&b.request, "Authorization"));
    assert_string_equal(b.request.user, "anna");
    assert_string_equal(b.request.password, "pass");
    assert_int_equal(json_int(b.body, "priority", 0), 5);
    assert_null(json_get(b.body, "tags"));
    built_done(&b);
}

static void test_gotify_and_ntfy_answers(void **state)
{
    (void)state;
    static const struct {
        const char  *provider;
        int          status;
        const char  *body;
        enum verdict verdict;
        enum fault   fault;
    } rows[] = {
        { "gotify", 200, "{\"id\":7,\"message\":\"t\"}", VERDICT_SENT, FAULT_NONE },
        { "gotify", 400, "{\"errorDescription\":\"no\"}", VERDICT_REJECTED, FAULT_MESSAGE },
        { "gotify", 401, "", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "gotify", 403, "", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "gotify", 404, "", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "gotify", 302, "", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "gotify", 500, "", VERDICT_UNKNOWN, FAULT_NONE },
        { "gotify", 503, "", VERDICT_RETRY, FAULT_NONE },
        { "ntfy", 200, "{\"id\":\"x\"}", VERDICT_SENT, FAULT_NONE },
        { "ntfy", 400, "{\"code\":40009}", VERDICT_REJECTED, FAULT_MESSAGE },
        { "ntfy", 401, "{\"code\":40101}", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "ntfy", 403, "{\"code\":40301}", VERDICT_REJECTED, FAULT_ACCOUNT },
        { "ntfy", 413, "{\"code\":41303}", VERDICT_REJECTED, FAULT_MESSAGE },
        { "ntfy", 429, "{\"code\":42901}", VERDICT_RETRY, FAULT_NONE },
        { "ntfy", 429, "{\"code\":42908}", VERDICT_RETRY, FAULT_NONE },
        { "ntfy", 507, "{\"code\":50701}", VERDICT_RETRY, FAULT_NONE },
        { "ntfy", 500, "", VERDICT_UNKNOWN, FAULT_NONE },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account a = account_of(rows[i].provider);
        struct outcome o = judge(&a, rows[i].status, rows[i].body, 4000);
        assert_int_equal(o.verdict, rows[i].verdict);
        assert_int_equal(o.fault, rows[i].fault);
        assert_int_equal(o.wait_ms, rows[i].verdict == VERDICT_RETRY ? 4000 : -1);
    }
}

static void test_addresses_are_what_each_service_calls_one(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *address;
        int         result;
    } rows[] = {
        { "telegram", "4711", 0 },  { "telegram", "-1001234567890", 0 }, { "telegram", "@channel", 0 }, { "telegram", "Anna", -1 },
        { "telegram", "", -1 },     { "telegram", "-", -1 },             { "telegram", "47 11", -1 },   { "gotify", "", 0 },
        { "gotify", "x", -1 },      { "ntfy", "my_house-1", 0 },         { "ntfy", "a/b", -1 },         { "ntfy", "", -1 },
        { "clicksend", "+491700000001", 0 }, { "cm", "01700000001", -1 }, { "webhook", "", 0 },         { "webhook", "x", -1 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err e;
        assert_int_equal(provider_find(rows[i].provider)->check_address(rows[i].address, &e), rows[i].result);
    }
}

static void test_every_check_online_reads_its_own_answer(void **state)
{
    (void)state;
    static const struct {
        const char *provider;
        int         status;
        const char *body, *line;
        int         result;
    } rows[] = {
        { "telegram", 200, "{\"ok\":true,\"result\":{\"username\":\"house_bot\"}}", "bot @house_bot", 0 },
        { "telegram", 401, "{\"ok\":false,\"description\":\"Unauthorized\"}", "HTTP 401 Unauthorized", -1 },
        { "gotify", 200, "{\"version\":\"2.6.1\"}", "Gotify 2.6.1", 0 },
        { "gotify", 200, "<html>", "HTTP 200, not from Gotify", -1 },
        { "ntfy", 200, "{\"healthy\":true}", "ntfy, healthy", 0 },
        { "ntfy", 401, "{\"error\":\"unauthorized\"}", "HTTP 401 unauthorized", -1 },
        { "cm", 401, "{\"errorCode\":101}", "HTTP 401: the key is refused", -1 },
        { "webhook", 405, "", "answers (HTTP 405 to HEAD)", 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account a = account_of(rows[i].provider);
        char           line[200];
        struct reply   r = { .status = rows[i].status, .body = rows[i].body, .length = strlen(rows[i].body), .retry_after_ms = -1 };
        assert_int_equal(a.provider->probe_read(&a, &r, line, sizeof line), rows[i].result);
        assert_string_equal(line, rows[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_provider_is_found_by_its_name),
        cmocka_unit_test(test_a_field_falls_back_to_its_default),
        cmocka_unit_test(test_a_base_address_and_a_path_meet_in_one_slash),
        cmocka_unit_test(test_a_line_break_in_a_key_is_a_mistake),
        cmocka_unit_test(test_a_status_code_gives_the_verdict_that_is_the_same_everywhere),
        cmocka_unit_test(test_a_detail_is_one_line_of_utf8_without_secrets),
        cmocka_unit_test(test_no_secret_ever_reaches_an_outcome),
        cmocka_unit_test(test_an_answer_that_is_no_answer_of_the_service_is_never_taken_as_sent),
        cmocka_unit_test(test_a_number_has_one_way_to_be_written),
        cmocka_unit_test(test_a_sender_is_a_short_name_or_a_number),
        cmocka_unit_test(test_clicksend_sends_from_the_sender_with_the_message_as_custom_string),
        cmocka_unit_test(test_clicksend_without_a_sender_leaves_the_field_out),
        cmocka_unit_test(test_clicksend_believes_the_status_of_the_message_alone),
        cmocka_unit_test(test_clicksend_errors_come_as_status_codes),
        cmocka_unit_test(test_clicksend_tells_its_balance_and_not_its_key),
        cmocka_unit_test(test_cm_sends_type_auto_both_part_numbers_and_the_reference),
        cmocka_unit_test(test_cm_accepts_only_if_both_levels_say_so),
        cmocka_unit_test(test_cm_knows_every_documented_code),
        cmocka_unit_test(test_webhook_carries_the_events_and_says_when_and_what),
        cmocka_unit_test(test_webhook_without_a_secret_is_not_signed),
        cmocka_unit_test(test_webhook_signs_with_every_secret_it_is_given),
        cmocka_unit_test(test_a_signature_is_that_of_the_published_example),
        cmocka_unit_test(test_webhook_refuses_a_secret_that_is_none),
        cmocka_unit_test(test_webhook_answers),
        cmocka_unit_test(test_telegram_sends_text_without_markup_and_infos_silently),
        cmocka_unit_test(test_telegram_uploads_a_picture_with_its_caption),
        cmocka_unit_test(test_telegram_makes_an_album_of_two_to_ten),
        cmocka_unit_test(test_telegram_sends_what_is_too_large_or_no_picture_as_a_document),
        cmocka_unit_test(test_a_caption_has_1024_characters_at_most),
        cmocka_unit_test(test_telegram_answers),
        cmocka_unit_test(test_telegram_lists_each_chat_once),
        cmocka_unit_test(test_gotify_sends_title_text_and_priority),
        cmocka_unit_test(test_ntfy_publishes_json_to_the_topic),
        cmocka_unit_test(test_gotify_and_ntfy_answers),
        cmocka_unit_test(test_addresses_are_what_each_service_calls_one),
        cmocka_unit_test(test_every_check_online_reads_its_own_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
