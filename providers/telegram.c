/* telegram: the Bot API. Text by sendMessage, one picture by sendPhoto, 2 to 10 by sendMediaGroup; what is no picture or too large
 * for one goes as a document. No parse_mode: a zone named "a_b*" is not markup. docs/providers/telegram.md.
 * The token is part of the URL, so a URL never goes into a log or a detail. */
#include "core/json.h"
#include "core/utf8.h"
#include "providers/form.h"
#include "providers/provider.h"
#include <stdio.h>
#include <string.h>

enum { JSON_MAX = 64 * 1024, UPLOAD_MAX = 64 * 1024 * 1024 };
enum { TEXT_MAX = 4096, CAPTION_MAX = 1024, ALBUM_MAX = 10 }; /* characters, characters, pictures */
enum { PHOTO_MAX = 10 * 1000 * 1000, FILE_MAX = 50 * 1000 * 1000 };

/* --- checks ------------------------------------------------------------------------------------------------- */

static int check(const struct account *a, struct err *e)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-:";
    if (account_check_fields(a, e) < 0)
        return -1;
    const char *token = account_field(a, "Token");
    if (token && token[strspn(token, allowed)] != '\0')
        return err_set(e, ERR_INPUT, "Token is not of the form 123456789:letters-and-digits that @BotFather gives");
    return 0;
}

static bool is_number(const char *address)
{
    const char *digits = address + (*address == '-');
    size_t      n = strspn(digits, "0123456789");
    return n > 0 && n <= 18 && digits[n] == '\0';
}

static int check_address(const char *address, struct err *e)
{
    if (is_number(address) || (address[0] == '@' && strlen(address) > 4 && !strchr(address, ' ')))
        return 0;
    return err_set(e, ERR_INPUT, "'%.40s' is no chat: a number (`postern chats` shows it) or @channel", address);
}

/* --- the request -------------------------------------------------------------------------------------------- */

static int set_request(const struct account *a, const char *method, size_t body_max, struct arena *scratch, struct request *out, struct err *e)
{
    buf_init(&out->body, body_max);
    out->method = "POST";
    out->url = account_url(a, arena_printf(scratch, "bot%s/%s", account_field(a, "Token"), method), scratch);
    out->headers[0] = "Content-Type: application/json";
    return out->url ? 0 : err_set(e, ERR_NOMEM, "no room for a request");
}

static int build_text(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e)
{
    if (set_request(a, "sendMessage", JSON_MAX, scratch, out, e) < 0)
        return -1;
    struct json_out w = json_begin(&out->body);
    json_object(&w, NULL);
    (is_number(m->address) ? json_raw : json_s)(&w, "chat_id", m->address); /* 64 bits: as it is written */
    json_s(&w, "text", m->text);
    json_b(&w, "disable_notification", m->severity == SEVERITY_INFO);
    json_end(&w);
    return out->body.failed ? err_set(e, ERR_LIMIT, "the text does not fit a request") : 0;
}

/* How each kind of file goes out; the last row takes all. */
static const struct kind {
    const char *type, *method, *word, *extension;
    size_t      max;
} kinds[] = {
    { "image/jpeg", "sendPhoto", "photo", "jpg", PHOTO_MAX },
    { "image/png", "sendPhoto", "photo", "png", PHOTO_MAX },
    { "image/webp", "sendPhoto", "photo", "webp", PHOTO_MAX },
    { "video/mp4", "sendVideo", "video", "mp4", FILE_MAX },
    { "image/jpeg", "sendDocument", "document", "jpg", FILE_MAX },
    { "image/png", "sendDocument", "document", "png", FILE_MAX },
    { "image/gif", "sendDocument", "document", "gif", FILE_MAX },
    { NULL, "sendDocument", "document", "bin", FILE_MAX },
};

static bool is_document(const struct kind *k)
{
    return strcmp(k->word, "document") == 0;
}

static const struct kind *kind_of(const struct message_media *m, bool as_document)
{
    size_t i = 0;
    while (kinds[i].type && (strcmp(kinds[i].type, m->type) != 0 || m->length > kinds[i].max || (as_document && !is_document(&kinds[i]))))
        i++;
    return &kinds[i];
}

/* An album is of pictures and clips, or of documents; never both. */
static bool is_any_document(const struct message *m)
{
    for (size_t i = 0; i < m->media_count; i++)
        if (is_document(kind_of(&m->media[i], false)))
            return true;
    return false;
}

static const char *caption_of(const struct message *m, struct arena *scratch)
{
    size_t n = strlen(m->text);
    if (utf8_count(m->text, n) <= CAPTION_MAX)
        return m->text;
    size_t bytes = 0;
    for (size_t i = 0; i < CAPTION_MAX - 1; i++) {
        size_t one = utf8_length(m->text + bytes, n - bytes);
        bytes += one ? one : 1;
    }
    return arena_printf(scratch, "%.*s…", (int)bytes, m->text);
}

static void put_file(struct form *f, const struct message_media *m, const struct kind *k, const char *part, size_t n)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%zu.%s", n + 1, k->extension);
    form_file(f, part, name, k->type ? k->type : "application/octet-stream", m->bytes, m->length);
}

static void put_album(struct form *f, const struct message *m, const char *caption)
{
    CLEANUP(buf_done) struct buf list;
    buf_init(&list, JSON_MAX);
    bool            as_documents = is_any_document(m);
    struct json_out w = json_begin(&list);
    json_array(&w, NULL);
    for (size_t i = 0; i < m->media_count; i++) {
        const struct kind *k = kind_of(&m->media[i], as_documents);
        char               part[16], attach[32];
        (void)snprintf(part, sizeof part, "f%zu", i);
        (void)snprintf(attach, sizeof attach, "attach://%s", part);
        put_file(f, &m->media[i], k, part, i);
        json_object(&w, NULL);
        json_s(&w, "type", k->word);
        json_s(&w, "media", attach);
        if (i == 0)
            json_s(&w, "caption", caption);
        json_end(&w);
    }
    json_end(&w);
    f->out->failed |= list.failed;
    form_text(f, "media", buf_str(&list));
}

static int build_upload(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e)
{
    bool               is_album = m->media_count > 1;
    const struct kind *k = kind_of(&m->media[0], false);
    const char        *caption = caption_of(m, scratch);
    if (m->media_count > ALBUM_MAX)
        return err_set(e, ERR_LIMIT, "%zu pictures do not fit one album", m->media_count);
    if (set_request(a, is_album ? "sendMediaGroup" : k->method, UPLOAD_MAX, scratch, out, e) < 0)
        return -1;
    struct form f = { .out = &out->body, .boundary = arena_printf(scratch, "postern-%s", m->id) };
    out->headers[0] = arena_printf(scratch, "Content-Type: multipart/form-data; boundary=%s", f.boundary);
    if (!f.boundary || !out->headers[0] || !caption)
        return err_set(e, ERR_NOMEM, "no room for a request");
    form_text(&f, "chat_id", m->address);
    form_text(&f, "disable_notification", m->severity == SEVERITY_INFO ? "true" : "false");
    if (is_album) {
        put_album(&f, m, caption);
    } else {
        form_text(&f, "caption", caption);
        put_file(&f, &m->media[0], k, k->word, 0);
    }
    form_end(&f);
    return out->body.failed ? err_set(e, ERR_LIMIT, "the pictures do not fit a request") : 0;
}

static int build(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e)
{
    return (m->media_count > 0 ? build_upload : build_text)(a, m, scratch, out, e);
}

/* --- the answer --------------------------------------------------------------------------------------------- */

/* The group became a supergroup: the same message again, there. */
static bool judge_move(const struct account *a, const struct json *parameters, struct outcome *out)
{
    int64_t chat = json_int(parameters, "migrate_to_chat_id", 0);
    if (chat == 0)
        return false;
    outcome_set(out, a, VERDICT_RETRY, FAULT_NONE, "the group is now chat %lld", (long long)chat);
    (void)snprintf(out->moved_to, sizeof out->moved_to, "%lld", (long long)chat);
    out->wait_ms = 0;
    return true;
}

/* Error codes of a complete answer. 403 is the chat's, and may end (the bot is unblocked, or invited again): it is tried as
 * an account that refuses is, but who blocked the bot does not stop the others. */
static const struct {
    int          status;
    enum verdict verdict;
    enum fault   fault;
} refusals[] = {
    { 400, VERDICT_REJECTED, FAULT_MESSAGE },
    { 401, VERDICT_REJECTED, FAULT_ACCOUNT },
    { 403, VERDICT_REJECTED, FAULT_ADDRESS },
    { 404, VERDICT_REJECTED, FAULT_ACCOUNT },
    { 429, VERDICT_RETRY, FAULT_NONE },
};

static void judge_refusal(const struct account *a, const struct json *root, const struct reply *r, struct outcome *out)
{
    const char        *words = json_str(root, "description", "");
    const struct json *parameters = json_get(root, "parameters");
    judge_by_status(r, out);
    enum verdict verdict = out->verdict;
    enum fault   fault = out->fault;
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (refusals[i].status == r->status) {
            verdict = refusals[i].verdict;
            fault = refusals[i].fault;
        }
    if (r->status == 400 && judge_move(a, parameters, out))
        return;
    outcome_set(out, a, verdict, fault, "HTTP %d%s%s", r->status, *words ? " " : "", words);
    if (verdict == VERDICT_RETRY) {
        int64_t seconds = json_int(parameters, "retry_after", -1);
        out->wait_ms = seconds >= 0 && seconds <= INT32_MAX ? seconds * 1000 : r->retry_after_ms;
    }
}

static void judge(const struct account *a, const struct message *m, const struct reply *r, struct outcome *out)
{
    (void)m;
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    if (r->status < 200 || r->status > 299)
        judge_refusal(a, root, r, out);
    else if (json_bool(root, "ok", false))
        outcome_set(out, a, VERDICT_SENT, FAULT_NONE, "ok");
    else
        outcome_set(out, a, VERDICT_UNKNOWN, FAULT_NONE, "HTTP %d without ok: true", r->status);
}

/* --- questions ---------------------------------------------------------------------------------------------- */

static int ask(const struct account *a, const char *method, struct arena *scratch, struct request *out, struct err *e)
{
    int result = set_request(a, method, 1, scratch, out, e);
    out->method = "GET";
    out->headers[0] = NULL;
    return result;
}

static int probe(const struct account *a, struct arena *scratch, struct request *out, struct err *e)
{
    return ask(a, "getMe", scratch, out, e);
}

static int probe_read(const struct account *a, const struct reply *r, char *line, size_t size)
{
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    const char *name = json_str(json_get(root, "result"), "username", NULL);
    if (r->status == 200 && json_bool(root, "ok", false) && name) {
        account_words(a, line, size, "bot @%s", name);
        return 0;
    }
    account_words(a, line, size, "HTTP %d %s", r->status, json_str(root, "description", ""));
    return -1;
}

static int list(const struct account *a, struct arena *scratch, struct request *out, struct err *e)
{
    return ask(a, "getUpdates", scratch, out, e);
}

/* An update holds its chat in one of several places. */
static const struct json *chat_of(const struct json *update)
{
    static const char *const places[] = { "message", "channel_post", "edited_message", "my_chat_member" };
    for (size_t i = 0; i < COUNT(places); i++) {
        const struct json *chat = json_get(json_get(update, places[i]), "chat");
        if (chat)
            return chat;
    }
    return NULL;
}

static int list_read(const struct account *a, const struct reply *r, struct buf *out)
{
    CLEANUP(json_free) struct json *root = json_parse(r->body, r->length, NULL);
    if (r->status != 200 || !json_bool(root, "ok", false))
        return -1;
    for (const struct json *u = json_first(json_get(root, "result")); u; u = json_next(u)) {
        const struct json *chat = chat_of(u);
        char               line[200];
        if (!chat)
            continue;
        account_words(a, line, sizeof line - 1, "%lld  %s  %s %s", (long long)json_int(chat, "id", 0), json_str(chat, "type", ""),
                      json_str(chat, "title", json_str(chat, "first_name", "")), json_str(chat, "last_name", ""));
        size_t n = strlen(line);
        while (n > 0 && line[n - 1] == ' ')
            n--;
        line[n] = '\n';
        line[n + 1] = '\0';
        if (!strstr(buf_str(out), line)) /* who wrote twice is one chat */
            buf_puts(out, line);
    }
    return 0;
}

extern const struct provider provider_telegram;
const struct provider provider_telegram = {
    .name = "telegram",
    .title = "Telegram",
    .fields = {
        { "Token", .is_required = true, .is_secret = true },
        { "Url", .fallback = "https://api.telegram.org" },
    },
    .rate_per_minute = 20,
    .burst = 5,
    .per_second = 25, /* the service stops at 30 */
    .shows_original = true,
    .text_max = TEXT_MAX,
    .media_count = ALBUM_MAX,
    .media_max = FILE_MAX,
    .check = check,
    .check_address = check_address,
    .build = build,
    .judge = judge,
    .probe = probe,
    .probe_read = probe_read,
    .list = list,
    .list_read = list_read,
};
