/* webhook: the events as JSON to a URL of the user's, signed after Standard Webhooks (standardwebhooks.com). docs/providers/webhook.md.
 * webhook-id is the message's id, the same on every attempt: the receiver can tell a repetition, so one does no harm. */
#include "core/base64.h"
#include "core/json.h"
#include "providers/provider.h"
#include "providers/link.h"
#include "providers/signature.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT_BODY_MAX = 1024 * 1024, BODY_MAX = 32 * 1024 * 1024, SIGNATURE_MAX = 1024 };
enum { PICTURES_MAX = 10, PICTURE_MAX = 10 * 1000 * 1000 };

/* --- the request -------------------------------------------------------------------------------------------- */

static int check(const struct account *a, struct err *e)
{
    if (account_check_fields(a, e) < 0)
        return -1;
    const char *secrets = account_field(a, "Secret"), *pictures = account_field(a, "Pictures");
    if (strcasecmp(pictures, "link") != 0 && strcasecmp(pictures, "base64") != 0 && strcasecmp(pictures, "none") != 0)
        return err_set(e, ERR_INPUT, "Pictures is none of link, base64, none");
    return secrets ? signature_check(secrets, e) : 0;
}

static bool takes_media(const struct account *a)
{
    return strcasecmp(account_field(a, "Pictures"), "base64") == 0;
}

static int check_address(const char *address, struct err *e)
{
    return *address ? err_set(e, ERR_INPUT, "a webhook takes no address: write it as \"name:\"") : 0;
}

static void put_link(struct json_out *w, const struct message *m, const struct event *ev, const struct media *one)
{
    char path[128], url[LINK_TEXT];
    (void)snprintf(path, sizeof path, "/api/v1/events/%s/media/%d", ev->id, one->n);
    if (link_write(m->public_url, m->link_key, path, m->now_ms + LINK_LIFE_MS, url) < 0)
        return;
    json_object(w, NULL);
    json_s(w, "type", one->type);
    json_s_opt(w, "name", one->name);
    json_s(w, "url", url);
    json_end(w);
}

static void put_links(struct json_out *w, const struct message *m)
{
    json_array(w, "pictures");
    for (size_t i = 0; i < m->event_count; i++)
        for (size_t k = 0; k < m->events[i].media_count; k++)
            put_link(w, m, &m->events[i], &m->events[i].media[k]);
    json_end(w);
}

static void put_bytes(struct json_out *w, const struct message *m)
{
    json_array(w, "pictures");
    for (size_t i = 0; i < m->media_count; i++) {
        json_object(w, NULL);
        json_s(w, "type", m->media[i].type);
        json_s_opt(w, "name", m->media[i].name);
        json_raw(w, "data", "\""); /* straight into the body: it may be long */
        base64_encode(w->out, m->media[i].bytes, m->media[i].length);
        buf_putc(w->out, '"');
        json_end(w);
    }
    json_end(w);
}

static void put_pictures(struct json_out *w, const struct account *a, const struct message *m)
{
    bool is_link = strcasecmp(account_field(a, "Pictures"), "link") == 0 && m->public_url && m->public_url[0] && m->link_key;
    bool has_any = false;
    for (size_t i = 0; i < m->event_count; i++)
        has_any = has_any || m->events[i].media_count > 0;
    if (is_link && has_any)
        put_links(w, m);
    if (m->media_count > 0)
        put_bytes(w, m);
}

static void put_payload(struct buf *out, const struct account *a, const struct message *m)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    json_s(&w, "type", m->event_count > 0 ? m->events[0].kind : "message");
    json_time(&w, "timestamp", m->event_count > 0 && m->origins ? m->origins[0].received_ms : m->now_ms);
    json_object(&w, "data");
    json_s(&w, "message", m->id);
    json_s_opt(&w, "title", m->title);
    json_s(&w, "text", m->text);
    json_s(&w, "severity", severity_name(m->severity));
    json_array(&w, "events");
    for (size_t i = 0; i < m->event_count; i++)
        event_write(&w, NULL, &m->events[i], m->origins ? &m->origins[i] : NULL);
    json_end(&w);
    put_pictures(&w, a, m);
    json_end(&w);
    json_end(&w);
}

static int set_headers(const struct account *a, const struct message *m, struct arena *scratch, struct request *out,
                       struct err *e)
{
    int64_t seconds = m->now_ms / 1000;
    const char *secrets = account_field(a, "Secret");
    CLEANUP(buf_done) struct buf signature;
    buf_init(&signature, SIGNATURE_MAX);
    if (secrets && signature_add(secrets, m->id, seconds, &out->body, &signature, e) < 0)
        return -1;
    out->headers[0] = "Content-Type: application/json";
    out->headers[1] = arena_printf(scratch, "webhook-id: %s", m->id);
    out->headers[2] = arena_printf(scratch, "webhook-timestamp: %lld", (long long)seconds);
    if (secrets)
        out->headers[3] = arena_printf(scratch, "webhook-signature: %s", buf_str(&signature));
    bool is_whole = out->headers[1] && out->headers[2] && (out->headers[3] || !secrets);
    return is_whole ? 0 : err_set(e, ERR_NOMEM, "no room for the headers");
}

static int build(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e)
{
    buf_init(&out->body, m->media_count > 0 ? BODY_MAX : TEXT_BODY_MAX);
    out->method = "POST";
    out->url = account_field(a, "Url");
    put_payload(&out->body, a, m);
    if (out->body.failed)
        return err_set(e, ERR_LIMIT, "the events do not fit a request");
    return set_headers(a, m, scratch, out, e);
}

/* 2xx: done. 410: the receiver wants no more. 3xx and a refused login: the account is set up wrongly. All else, as Standard
 * Webhooks has it: again later; an answer that is not 2xx means "not accepted", and the id makes a repetition harmless. */
static void judge(const struct account *a, const struct message *m, const struct reply *r, struct outcome *out)
{
    (void)m;
    judge_by_status(r, out);
    if (out->verdict == VERDICT_SENT)
        return;
    bool is_account = (r->status >= 300 && r->status <= 399) || r->status == 401 || r->status == 403 || r->status == 410;
    if (is_account) {
        outcome_set(out, a, VERDICT_REJECTED, FAULT_ACCOUNT, "HTTP %d%s", r->status, r->status == 410 ? ": wants no more" : "");
        return;
    }
    outcome_set(out, a, VERDICT_RETRY, FAULT_NONE, "HTTP %d", r->status);
    out->wait_ms = r->retry_after_ms;
}

static int probe(const struct account *a, struct arena *scratch, struct request *out, struct err *e)
{
    (void)scratch;
    (void)e;
    buf_init(&out->body, 1);
    out->method = "HEAD";
    out->url = account_field(a, "Url");
    return 0;
}

static int probe_read(const struct account *a, const struct reply *r, char *line, size_t size)
{
    account_words(a, line, size, "answers (HTTP %d to HEAD)", r->status);
    return r->status < 500 && r->status != 404 && r->status != 410 ? 0 : -1;
}

extern const struct provider provider_webhook;
const struct provider provider_webhook = {
    .name = "webhook",
    .title = "Webhook",
    .fields = {
        { "Url", .is_required = true },
        { "Secret", .is_secret = true },
        { "Pictures", .fallback = "link" },
    },
    .rate_per_minute = 60,
    .burst = 20,
    .is_idempotent = true,
    .text_max = 4096,
    .media_count = PICTURES_MAX,
    .media_max = PICTURE_MAX,
    .takes_media = takes_media,
    .check = check,
    .check_address = check_address,
    .build = build,
    .judge = judge,
    .probe = probe,
    .probe_read = probe_read,
};
