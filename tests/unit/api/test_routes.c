/* routes: the whole API on a real store and real sockets, with hooks that the test answers. */
#include "../query/history.h"

#include "api/api.h"
#include "api/http.h"
#include "ask.h"
#include "store/db.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENT1 "01J0000000000000000000000A"
#define EVENT2 "01J0000000000000000000000B"
#define ARRIVAL1 "01J0000000000000000000000Z"
#define ARRIVAL2 "01J0000000000000000000000Y"
#define DELIVERY1 "01J0000000000000000000000D"
#define JSON_TYPE "Content-Type: application/json\r\n"

/* Arrival 1 is "head" + base64 of the bytes FF D8 00 'p' + "tail"; arrival 2 is forgotten. */
static const char rows[] =
    "INSERT INTO arrivals(seq,id,received_ms,bytes,state,envelope,parser,subject,raw) VALUES"
    "(1,'" ARRIVAL1 "',1000000,16,2,'{\"listener\":\"smtp\",\"peer\":\"192.0.2.7\"}','lupusec','Alarm',CAST('head/9gAcA==tail' AS BLOB)),"
    "(2,'" ARRIVAL2 "',1000001,9,2,'{}',NULL,NULL,NULL);"
    "INSERT INTO events(seq,id,arrival,n,received_ms,parser,kind,restored,severity,device,zone,zone_name,text,code) VALUES"
    "(1,'" EVENT1 "',1,1,1000000,'lupusec','alarm.interior',0,2,'panel',8,'Ost 1','Zone:8 Ost 1, Innenbereich Alarm',132),"
    "(2,'" EVENT2 "',2,1,1000001,'plain','unknown',0,1,'',NULL,NULL,'ein Text',NULL);"
    "INSERT INTO media(event,n,type,name,bytes,offset,length,encoding) VALUES(1,1,'image/jpeg','../../Tür \"1\".jpg',4,4,8,1),(1,2,'text/html','',4,0,4,0),(2,1,'image/png','',4,0,4,0);"
    "INSERT INTO deliveries(seq,id,event,recipient,severity,state,created_ms,created_run_ms,due_run_ms) VALUES"
    "(1,'" DELIVERY1 "',1,'anna',2,4,1000000,0,0);";

static const char event1_json[] =
    "{\"id\":\"" EVENT1 "\",\"site\":\"Home\",\"arrival\":\"" ARRIVAL1 "\",\"parser\":\"lupusec\",\"kind\":\"alarm.interior\","
    "\"severity\":\"alarm\",\"restored\":false,\"device\":{\"id\":\"panel\",\"name\":\"panel\"},\"zone\":{\"number\":8,\"name\":\"Ost 1\"},"
    "\"text\":\"Zone:8 Ost 1, Innenbereich Alarm\",\"code\":132,\"received_at\":\"1970-01-01T00:16:40.000Z\",\"media\":["
    "{\"n\":1,\"type\":\"image/jpeg\",\"name\":\"../../Tür \\\"1\\\".jpg\",\"bytes\":4},{\"n\":2,\"type\":\"text/html\",\"bytes\":4}]}";

static struct history *history;
static struct api     *api;
static struct buf      answer;
static const char     *_Atomic health = "ok"; /* the hub asks, too, from a thread of its own */

static const char *on_health(void *user, struct json_out *w, const char *key)
{
    (void)user;
    const char *state = health;
    if (w) {
        json_object(w, key);
        json_s(w, "state", state);
        json_end(w);
    }
    return state;
}

static int on_retry(void *user, const char *delivery, struct err *e)
{
    (void)user;
    if (strcmp(delivery, EVENT1) == 0)
        return err_set(e, ERR_IO, "the disk");
    return strcmp(delivery, DELIVERY1) == 0;
}

static int on_rename(void *user, const char *device, const char *name, struct err *e)
{
    (void)user;
    if (strcmp(device, "fixed") == 0)
        return err_set(e, ERR_STATE, "its name is in the settings: Devices:fixed:Name");
    if (strcmp(device, "Flur/EG") != 0)
        return err_set(e, ERR_NOT_FOUND, "there is no device %s", device);
    return strcmp(name, "Gäste") == 0 ? 0 : err_set(e, ERR_INPUT, "name: %s", name);
}

static int on_test(void *user, const char *recipient, const char *kind, struct json_out *w, struct err *e)
{
    (void)user;
    if (recipient && strcmp(recipient, "nobody") == 0)
        return err_set(e, ERR_INPUT, "to: there is no recipient \"nobody\"");
    if (recipient && strcmp(recipient, "busy") == 0)
        return err_set(e, ERR_STATE, "another test runs");
    if (recipient && strcmp(recipient, "broken") == 0)
        return err_set(e, ERR_IO, "refused");
    json_s(w, "to", recipient);
    json_s(w, "kind", kind);
    return 0;
}

static void start(const char *address, const char *token)
{
    struct err         e = { 0 };
    struct api_options o = {
        .address = address, .token = token, .site = "Home", .public_url = "https://house.example", .health = on_health,
        .retry = on_retry, .test = on_test, .rename = on_rename,
    };
    if (api_start(history->store, &o, &api, &e) < 0)
        fail_msg("%s", e.text);
}

static int setup(void **state)
{
    if (history_setup(state) < 0)
        return -1;
    history = *state;
    history_write(history, rows);
    health = "ok";
    buf_init(&answer, 8 << 20);
    start("127.0.0.1", "s3cret");
    return 0;
}

static int teardown(void **state)
{
    api_stop(&api);
    buf_done(&answer);
    return history_teardown(state);
}

static int get(const char *path, const char *headers)
{
    return ask(api_port(api), "GET", path, headers, NULL, &answer);
}

static int post(const char *path, const char *headers, const char *body)
{
    return ask(api_port(api), "POST", path, headers, body, &answer);
}

static const char *header(const char *name)
{
    static char value[400];
    return ask_header(&answer, name, value, sizeof value);
}

static void test_lists_and_single_events_have_the_promised_form(void **state)
{
    (void)state;
    char expected[2048];
    assert_int_equal(get("/api/v1/events/" EVENT1, NULL), 200);
    (void)snprintf(expected, sizeof expected, "%s\n", event1_json);
    assert_string_equal(ask_body(&answer), expected);
    assert_string_equal(header("Content-Type"), "application/json");
    assert_string_equal(header("X-Content-Type-Options"), "nosniff");
    assert_int_equal(get("/api/v1/events?kind=alarm.*&zone=8&since=1970-01-01T00:16:40Z", NULL), 200);
    (void)snprintf(expected, sizeof expected, "{\"items\":[%s],\"next\":null}\n", event1_json);
    assert_string_equal(ask_body(&answer), expected);
    assert_int_equal(get("/api/v1/events?limit=1", NULL), 200);
    assert_non_null(strstr(ask_body(&answer), "\"next\":\"2\"}"));
    assert_int_equal(get("/api/v1/events?limit=1&cursor=2", NULL), 200);
    assert_non_null(strstr(ask_body(&answer), EVENT1));
    assert_non_null(strstr(ask_body(&answer), "\"next\":null}"));
    assert_int_equal(get("/api/v1/events?kind=camera.*", NULL), 200);
    assert_string_equal(ask_body(&answer), "{\"items\":[],\"next\":null}\n");
    assert_int_equal(get("/api/v1/deliveries?state=failed", NULL), 200);
    assert_string_equal(ask_body(&answer), "{\"items\":[{\"id\":\"" DELIVERY1 "\",\"event\":\"" EVENT1 "\",\"recipient\":\"anna\","
                                           "\"state\":\"failed\",\"created_at\":\"1970-01-01T00:16:40.000Z\"}],\"next\":null}\n");
    assert_int_equal(get("/api/v1/arrivals/" ARRIVAL1, NULL), 200);
    assert_non_null(strstr(ask_body(&answer), "\"envelope\":{\"listener\":\"smtp\",\"peer\":\"192.0.2.7\"},\"has_raw\":true"));
}

static void test_a_wrong_value_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *path, *said;
    } wrong[] = {
        { "/api/v1/events?limit=0", "limit: \\\"0\\\" is not a number from 1 to 500" },
        { "/api/v1/events?limit=501", "limit" },
        { "/api/v1/events?limit=1x", "limit" },
        { "/api/v1/events?limit=", "limit" },
        { "/api/v1/events?limit=-1", "limit" },
        { "/api/v1/events?limit=99999999999999999999", "limit" },
        { "/api/v1/events?cursor=abc", "cursor" },
        { "/api/v1/events?cursor=0", "cursor" },
        { "/api/v1/events?kind=alarm.banana", "kind: \\\"alarm.banana\\\"" },
        { "/api/v1/events?kind=alarm.%5Ba-z%5D", "kind" },
        { "/api/v1/events?severity=loud", "severity: \\\"loud\\\" is not info, warning or alarm" },
        { "/api/v1/events?since=yesterday", "since" },
        { "/api/v1/events?until=2026-13-01T00:00:00Z", "until" },
        { "/api/v1/events?text=", "text" },
        { "/api/v1/events?kinds=alarm.gas", "kinds: there is no such parameter" },
        { "/api/v1/events?text=%ff", "UTF-8" },
        { "/api/v1/deliveries?state=lost", "state: \\\"lost\\\"" },
        { "/api/v1/deliveries?event=x", "event" },
        { "/livez?verbose", "verbose" },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int status = get(wrong[i].path, NULL);
        if (status != 400 || !strstr(ask_body(&answer), wrong[i].said))
            fail_msg("%s: %d %s", wrong[i].path, status, ask_body(&answer));
        assert_string_equal(header("Content-Type"), "application/problem+json");
    }
    assert_int_equal(get("/api/v1/events?since=1970-01-01T01:16:40+01:00&until=1970-01-01T01:16:40.001%2B01:00", NULL), 200);
    assert_non_null(strstr(ask_body(&answer), EVENT1));
    assert_null(strstr(ask_body(&answer), EVENT2));
}

static void test_what_is_not_there_is_said_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        int         status;
    } asked[] = {
        { "GET", "/", 404 },
        { "GET", "/api/v1/event", 404 },
        { "GET", "/api/v1/events/", 404 },
        { "GET", "/api/v1/events/01J", 404 },
        { "GET", "/api/v1/events/" EVENT1 "/media/9", 404 },
        { "GET", "/api/v1/events/" EVENT1 "/media/x", 404 },
        { "GET", "/api/v1/events/" EVENT1 "/media/1/2", 404 },
        { "GET", "/api/v1/events/0123456789012345678901234567890123456789", 404 },
        { "GET", "/api/v1/events/..%2f..%2fetc%2fpasswd", 404 },
        { "GET", "/api/v1/arrivals/" EVENT1 "/raw", 404 },
        { "GET", "/api/v1/arrivals/" ARRIVAL2 "/raw", 410 },
        { "GET", "/api/v1/events/" EVENT2 "/media/1", 410 },
        { "POST", "/api/v1/events", 405 },
        { "POST", "/api/v1/events/" EVENT1, 405 },
        { "DELETE", "/api/v1/events/01J", 404 },
        { "GET", "/api/v1/test", 405 },
        { "GET", "/api/v1/events/ack", 405 },
        { "PATCH", "/api/v1/devices/Flur/EG/sessions", 405 },
        { "OPTIONS", "/api/v1/events", 405 },
    };
    for (size_t i = 0; i < COUNT(asked); i++) {
        int  status = ask(api_port(api), asked[i].method, asked[i].path, NULL, NULL, &answer);
        char wanted[32];
        (void)snprintf(wanted, sizeof wanted, "\"status\":%d", asked[i].status);
        if (status != asked[i].status || !strstr(ask_body(&answer), wanted) || !strstr(ask_body(&answer), "\"type\":\"about:blank\""))
            fail_msg("%s %s: %d %s", asked[i].method, asked[i].path, status, ask_body(&answer));
    }
    assert_int_equal(get("/api/v1/test", NULL), 405);
    assert_string_equal(header("Allow"), "POST");
    char path[HTTP_URI_MAX + 20] = "/api/v1/events?text=";
    memset(path + strlen(path), 'a', HTTP_URI_MAX - 10);
    assert_int_equal(get(path, NULL), 414);
}

static void test_pictures_come_out_as_the_camera_made_them(void **state)
{
    (void)state;
    char etag[200], headers[300];
    assert_int_equal(get("/api/v1/events/" EVENT1 "/media/1", NULL), 200);
    assert_non_null(memmem(buf_str(&answer), answer.len, "\xff\xd8\x00p", 4));
    assert_string_equal(header("Content-Type"), "image/jpeg");
    assert_string_equal(header("Content-Security-Policy"), "sandbox");
    assert_string_equal(header("X-Content-Type-Options"), "nosniff");
    assert_string_equal(header("Content-Disposition"), "inline; filename=\"T__r _1_.jpg\"; filename*=UTF-8''T%C3%BCr%20_1_.jpg");
    (void)snprintf(etag, sizeof etag, "%s", header("ETag"));
    (void)snprintf(headers, sizeof headers, "If-None-Match: \"x\", W/%s\r\n", etag);
    assert_int_equal(get("/api/v1/events/" EVENT1 "/media/1", headers), 304);
    assert_string_equal(header("ETag"), etag);
    assert_int_equal(get("/api/v1/events/" EVENT1 "/media/1", "If-None-Match: *\r\n"), 304);
    assert_int_equal(get("/api/v1/events/" EVENT1 "/media/1", "If-None-Match: \"x\"\r\n"), 200);
    assert_int_equal(ask(api_port(api), "HEAD", "/api/v1/events/" EVENT1 "/media/1", NULL, NULL, &answer), 200);
    assert_string_equal(ask_body(&answer), "");
}

static void test_what_a_browser_could_run_is_a_download(void **state)
{
    (void)state;
    assert_int_equal(get("/api/v1/events/" EVENT1 "/media/2", NULL), 200);
    assert_string_equal(header("Content-Type"), "application/octet-stream");
    assert_int_equal(strncmp(header("Content-Disposition"), "attachment;", 11), 0);
    assert_string_equal(ask_body(&answer), "head");
    assert_int_equal(get("/api/v1/arrivals/" ARRIVAL1 "/raw", NULL), 200);
    assert_string_equal(header("Content-Type"), "message/rfc822");
    assert_string_equal(header("Content-Security-Policy"), "sandbox");
    assert_int_equal(strncmp(header("Content-Disposition"), "attachment;", 11), 0);
    assert_string_equal(header("Content-Length"), "16");
    assert_string_equal(ask_body(&answer), "head/9gAcA==tail");
}

static void test_on_loopback_only_our_names_are_answered(void **state)
{
    (void)state;
    assert_int_equal(get("/livez", "Host: evil.example\r\n"), 421);
    assert_int_equal(get("/api/v1/events", "Host: evil.example:8080\r\n"), 421);
    assert_int_equal(get("/livez", "Host: house.example\r\n"), 200);
    assert_int_equal(get("/livez", "Host: 127.0.0.1:1234\r\n"), 200);
    assert_int_equal(get("/livez", "Host: [::1]\r\n"), 200);
}

static void test_only_json_from_our_own_pages_changes_anything(void **state)
{
    (void)state;
    assert_int_equal(post("/api/v1/test", NULL, "{}"), 403);
    assert_int_equal(post("/api/v1/test", "Content-Type: text/plain\r\n", "{}"), 403);
    assert_int_equal(post("/api/v1/test", JSON_TYPE "Origin: http://evil.example\r\n", "{}"), 403);
    assert_int_equal(post("/api/v1/test", JSON_TYPE "Origin: null\r\n", "{}"), 403);
    assert_int_equal(post("/api/v1/test", JSON_TYPE "Origin: http://localhost\r\n", "{}"), 200);
    assert_int_equal(post("/api/v1/test", JSON_TYPE "Origin: https://house.example\r\n", "{}"), 200);
    assert_int_equal(post("/api/v1/deliveries/" DELIVERY1 "/retry", NULL, ""), 403);
}

static void test_retry_and_test_answer_as_their_hooks_say(void **state)
{
    (void)state;
    assert_int_equal(post("/api/v1/deliveries/" DELIVERY1 "/retry", JSON_TYPE, ""), 202);
    assert_int_equal(post("/api/v1/deliveries/" EVENT2 "/retry", JSON_TYPE, "{}"), 404);
    assert_int_equal(post("/api/v1/deliveries/" EVENT1 "/retry", JSON_TYPE, "{}"), 500);
    assert_int_equal(post("/api/v1/deliveries/x/retry", JSON_TYPE, "{}"), 404);
    assert_int_equal(post("/api/v1/test", JSON_TYPE, "{\"to\":\"anna\",\"kind\":\"alarm.gas\"}"), 200);
    assert_string_equal(ask_body(&answer), "{\"to\":\"anna\",\"kind\":\"alarm.gas\"}\n");
    assert_int_equal(post("/api/v1/test", JSON_TYPE, ""), 200);
    static const struct {
        const char *body;
        int         status;
    } refused[] = {
        { "{\"to\":\"nobody\"}", 400 }, { "{\"to\":\"busy\"}", 409 },     { "{\"to\":\"broken\"}", 502 }, { "{\"to\":5}", 400 },
        { "{\"to\":\"\"}", 400 },       { "{\"kind\":\"alarm.x\"}", 400 }, { "{\"too\":\"anna\"}", 400 },  { "[]", 400 },
        { "{", 400 },                   { "null", 400 },
    };
    for (size_t i = 0; i < COUNT(refused); i++)
        if (post("/api/v1/test", JSON_TYPE, refused[i].body) != refused[i].status)
            fail_msg("%s: %s", refused[i].body, buf_str(&answer));
}

static void test_devices_are_asked_for_by_any_name(void **state)
{
    struct history *h = *state;
    history_write(h, "INSERT INTO devices(id, name, last_seen_ms, mails) VALUES('Flur/EG', 'Gäste', 1795000000000, 3);"
                     "INSERT INTO transcripts(device, at_ms, peer, body) VALUES('Flur/EG', 1, '10.0.0.7', '{\"n\":1}');"
                     "INSERT INTO transcripts(device, at_ms, peer, body) VALUES('Flur/EG', 2, '10.0.0.7', '{\"n\":2}');");
    assert_int_equal(get("/api/v1/devices?limit=1", NULL), 200);
    assert_non_null(strstr(ask_body(&answer), "{\"items\":[{\"id\":\"Flur/EG\",\"name\":\"Gäste\","));
    assert_int_equal(get("/api/v1/devices/Flur%2FEG", NULL), 200);
    assert_non_null(strstr(ask_body(&answer), "\"mails\":3"));
    assert_int_equal(get("/api/v1/devices/Flur%2fEG/sessions", NULL), 200);
    assert_string_equal(ask_body(&answer), "{\"items\":[{\"n\":2},{\"n\":1}],\"next\":null}\n");
    assert_int_equal(get("/api/v1/devices/unknown/sessions", NULL), 200);
    assert_string_equal(ask_body(&answer), "{\"items\":[],\"next\":null}\n");

    static const struct {
        const char *method, *path, *body;
        int         status;
    } asked[] = {
        { "GET", "/api/v1/devices/nobody", NULL, 404 },
        { "GET", "/api/v1/devices/nobody/sessions", NULL, 404 },
        { "GET", "/api/v1/devices/", NULL, 404 },
        { "GET", "/api/v1/devices/0123456789012345678901234567890123456789012345678901234567890123456789012", NULL, 404 },
        { "GET", "/api/v1/devices?kind=panel", NULL, 400 },
        { "PATCH", "/api/v1/devices/Flur%2FEG", "{\"name\":\"Gäste\"}", 200 },
        { "PATCH", "/api/v1/devices/Flur%2FEG", "{\"name\":\"x\"}", 400 },
        { "PATCH", "/api/v1/devices/Flur%2FEG", "{\"name\":\"Gäste\",\"kind\":\"panel\"}", 400 },
        { "PATCH", "/api/v1/devices/Flur%2FEG", "{\"name\":7}", 400 },
        { "PATCH", "/api/v1/devices/Flur%2FEG", "[]", 400 },
        { "PATCH", "/api/v1/devices/Flur%2FEG", "", 400 },
        { "PATCH", "/api/v1/devices/nobody", "{\"name\":\"Gäste\"}", 404 },
        { "PATCH", "/api/v1/devices/fixed", "{\"name\":\"Gäste\"}", 409 },
        { "PATCH", "/api/v1/devices", "{\"name\":\"Gäste\"}", 405 },
    };
    for (size_t i = 0; i < COUNT(asked); i++) {
        int status = ask(api_port(api), asked[i].method, asked[i].path, "Content-Type: application/json\r\n", asked[i].body, &answer);
        if (status != asked[i].status)
            fail_msg("%s %s %s: %d %s", asked[i].method, asked[i].path, asked[i].body, status, ask_body(&answer));
    }
    assert_int_equal(ask(api_port(api), "PATCH", "/api/v1/devices/fixed", NULL, "{}", &answer), 403); /* not sent as JSON */
    assert_int_equal(post("/api/v1/devices/fixed", NULL, "{}"), 405);
    assert_string_equal(header("Allow"), "GET, HEAD, PATCH");
}

static void test_health_says_its_word_to_all_and_its_reasons_to_few(void **state)
{
    (void)state;
    assert_int_equal(get("/livez", NULL), 200);
    assert_string_equal(ask_body(&answer), "ok\n");
    health = "degraded";
    assert_int_equal(get("/readyz", NULL), 200);
    assert_string_equal(ask_body(&answer), "degraded\n");
    assert_int_equal(get("/readyz?verbose", NULL), 200);
    assert_string_equal(ask_body(&answer), "{\"state\":\"degraded\"}\n");
    assert_int_equal(get("/readyz", "Authorization: Bearer s3cret\r\n"), 200);
    assert_string_equal(ask_body(&answer), "{\"state\":\"degraded\"}\n");
    health = "down";
    assert_int_equal(get("/readyz", NULL), 503);
    assert_string_equal(ask_body(&answer), "down\n");
    assert_int_equal(get("/livez", NULL), 200);
}

static void test_metrics_are_text(void **state)
{
    (void)state;
    assert_int_equal(get("/metrics", NULL), 200);
    assert_int_equal(strncmp(header("Content-Type"), "text/plain; version=0.0.4", 25), 0);
    assert_non_null(strstr(ask_body(&answer), "process_"));
}

static void test_beyond_loopback_a_token_is_needed(void **state)
{
    (void)state;
    static const char *const closed[] = {
        "/api/v1/events", "/api/v1/events/" EVENT1, "/api/v1/events/" EVENT1 "/media/1", "/api/v1/arrivals/" ARRIVAL1 "/raw",
        "/api/v1/arrivals/" ARRIVAL1, "/api/v1/deliveries", "/metrics",
    };
    api_stop(&api);
    start("0.0.0.0", "s3cret");
    for (size_t i = 0; i < COUNT(closed); i++) {
        assert_int_equal(get(closed[i], NULL), 401);
        assert_string_equal(header("WWW-Authenticate"), "Bearer");
        assert_null(strstr(buf_str(&answer), "s3cret"));
        assert_int_equal(get(closed[i], "Authorization: Bearer s3cre\r\n"), 401);
        assert_int_equal(get(closed[i], "Authorization: Bearer s3cret\r\nHost: any.example\r\n"), 200);
    }
    assert_int_equal(post("/api/v1/test", JSON_TYPE, "{}"), 401);
    assert_int_equal(post("/api/v1/test", JSON_TYPE "Authorization: Bearer s3cret\r\n", "{}"), 200);
    assert_int_equal(post("/api/v1/test", JSON_TYPE "Authorization: Bearer s3cret\r\nOrigin: http://evil.example\r\n", "{}"), 403);
    assert_int_equal(get("/livez", NULL), 200);
    health = "degraded";
    assert_int_equal(get("/readyz?verbose", NULL), 200);
    assert_string_equal(ask_body(&answer), "degraded\n");
    assert_int_equal(get("/readyz", "Authorization: Bearer s3cret\r\n"), 200);
    assert_string_equal(ask_body(&answer), "{\"state\":\"degraded\"}\n");
}

static void test_without_a_token_it_does_not_open_to_others(void **state)
{
    (void)state;
    struct err         e;
    struct api        *open = NULL;
    struct api_options o = { .address = "0.0.0.0", .token = "", .health = on_health, .retry = on_retry, .test = on_test };
    assert_int_equal(api_start(history->store, &o, &open, &e), -1);
    assert_int_equal(e.code, ERR_STATE);
    assert_null(open);
}

/* 3,000 events of 2 kB each: a page is far more than a socket takes without being read. */
static void fill(void)
{
    history_write(history, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 3100)"
                           " INSERT INTO events(seq,id,n,received_ms,parser,kind,restored,severity,device,text)"
                           " SELECT i, printf('E%025d', i), 1, i, 'plain', 'unknown', 0, 1, '', hex(zeroblob(1000)) FROM n;");
}

static void test_a_page_ends_early_when_it_is_large(void **state)
{
    (void)state;
    history_write(history, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
                           " INSERT INTO events(seq,id,n,received_ms,parser,kind,restored,severity,device,text)"
                           " SELECT i, printf('E%025d', i), 1, i, 'plain', 'unknown', 0, 1, '', hex(zeroblob(30000)) FROM n;");
    int         count = 0, pages = 0;
    char        path[100] = "/api/v1/events?limit=500";
    const char *next;
    do {
        assert_int_equal(get(path, NULL), 200);
        for (const char *at = ask_body(&answer); (at = strstr(at, "\"kind\":")) != NULL; at++)
            count++;
        assert_true(strlen(ask_body(&answer)) < 3 << 20);
        next = strstr(ask_body(&answer), "\"next\":\"");
        if (next)
            (void)snprintf(path, sizeof path, "/api/v1/events?limit=500&cursor=%ld", strtol(next + 8, NULL, 10));
        pages++;
    } while (next);
    assert_int_equal(count, 103);
    assert_true(pages > 1);
}

static void test_slow_readers_hold_neither_a_transaction_nor_a_thread(void **state)
{
    (void)state;
    enum { SLOW = 12 };
    int fds[SLOW];
    fill();
    for (int i = 0; i < SLOW; i++) {
        static const char request[] = "GET /api/v1/events?limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n";
        fds[i] = ask_connect(api_port(api));
        assert_true(fds[i] >= 0);
        assert_int_equal(write(fds[i], request, sizeof request - 1), sizeof request - 1);
        char first;
        assert_int_equal(recv(fds[i], &first, 1, 0), 1); /* it is answered, and then nobody reads on */
    }
    history_write(history, "INSERT INTO devices(id, name, last_seen_ms) VALUES('later','later',1);");
    struct err  e = { 0 };
    char        path[128];
    int         left = -1;
    CLEANUP(db_close) struct db *d = NULL;
    (void)snprintf(path, sizeof path, "%s/postern.db", history->folder);
    assert_int_equal(db_open(path, DB_CHECKPOINT, &d, &e), 0);
    assert_int_equal(db_checkpoint(d, true, &left, &e), 0);
    assert_int_equal(left, 0); /* a reader's transaction would have kept pages in the log */
    assert_int_equal(get("/api/v1/events?limit=1", NULL), 200);
    for (int i = 0; i < SLOW; i++)
        (void)close(fds[i]);
}

#define WITH_API(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_API(test_lists_and_single_events_have_the_promised_form),
        WITH_API(test_a_wrong_value_is_named),
        WITH_API(test_what_is_not_there_is_said_in_words),
        WITH_API(test_pictures_come_out_as_the_camera_made_them),
        WITH_API(test_what_a_browser_could_run_is_a_download),
        WITH_API(test_on_loopback_only_our_names_are_answered),
        WITH_API(test_only_json_from_our_own_pages_changes_anything),
        WITH_API(test_retry_and_test_answer_as_their_hooks_say),
        WITH_API(test_devices_are_asked_for_by_any_name),
        WITH_API(test_health_says_its_word_to_all_and_its_reasons_to_few),
        WITH_API(test_metrics_are_text),
        WITH_API(test_beyond_loopback_a_token_is_needed),
        WITH_API(test_without_a_token_it_does_not_open_to_others),
        WITH_API(test_a_page_ends_early_when_it_is_large),
        WITH_API(test_slow_readers_hold_neither_a_transaction_nor_a_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
