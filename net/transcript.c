/* transcript: two buffers of lines, each line already as JSON with its end: the beginning, which only grows to its ceiling, and
 * the end, which loses its oldest line for each that does not fit. Thousands of devices may sit idle after their EHLO: what only
 * a mail needs is made when there is one. */
#include "net/transcript.h"
#include <stdlib.h>
#include <string.h>

enum {
    HALF_LINES = TRANSCRIPT_LINES / 2,
    HALF_BYTES = TRANSCRIPT_BYTES / 2,
    SHOWN_MAX = 400,                      /* of one line                                           */
    LINE_MAX_BYTES = SHOWN_MAX * 6 + 128, /* … as JSON, where each byte may become six             */
    RECIPIENTS_MAX = 16,
    IDS_MAX = 16,
    ID_BYTES = 32, /* with room to spare */
    WHO_MAX = 32 * 1024, /* an envelope's strings have ceilings of their own */
    TEXT_MAX = 256,
    CODE_BYTES = 4,
};

struct half {
    struct buf text; /* lines, each with \n */
    size_t lines;
};

struct transcript {
    int64_t started_ms, mono_ms, took_ms;
    struct half first, last;
    size_t left_out;
    bool was_heard;
    bool is_in_body; /* we said 354 and have not seen the end */
    const char *listener; /* a constant              */
    char *peer;
    struct arena arena; /* the envelope's strings  */
    struct envelope envelope;
    size_t mails;
    struct buf ids;      /* of the mails, one a line */
    struct buf refusal;  /* the last one's reply */
    const char *setting; /* a constant           */
    char last_code[CODE_BYTES];
    enum transcript_end how;
};

/* --- life ---------------------------------------------------------------------------------------------------------- */

struct transcript *transcript_new(const char *listener, const char *peer, int64_t wall_ms, int64_t mono_ms)
{
    CLEANUP(transcript_free) struct transcript *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->started_ms = wall_ms;
    t->mono_ms = mono_ms;
    t->how = TRANSCRIPT_LEFT;
    buf_init(&t->first.text, HALF_BYTES + LINE_MAX_BYTES);
    buf_init(&t->last.text, HALF_BYTES + LINE_MAX_BYTES);
    buf_init(&t->refusal, TEXT_MAX);
    buf_init(&t->ids, IDS_MAX * ID_BYTES);
    arena_init(&t->arena, WHO_MAX);
    t->peer = strdup(peer);
    if (!t->peer)
        return NULL;
    t->listener = listener;
    t->envelope = (struct envelope){ .listener = listener, .peer = t->peer, .helo = "", .login = "", .from = "" };
    return TAKE(t);
}

void transcript_free(struct transcript **tp)
{
    struct transcript *t = TAKE(*tp);
    if (!t)
        return;
    buf_done(&t->first.text);
    buf_done(&t->last.text);
    buf_done(&t->refusal);
    buf_done(&t->ids);
    arena_done(&t->arena);
    free(t->peer);
    free(t);
}

/* --- lines --------------------------------------------------------------------------------------------------------- */

static bool has_room(const struct half *h, size_t n)
{
    return h->lines < HALF_LINES && h->text.len + n <= HALF_BYTES;
}

static void drop_oldest(struct transcript *t)
{
    const char *end = memchr(t->last.text.data, '\n', t->last.text.len);
    buf_consume(&t->last.text, end ? (size_t)(end - t->last.text.data) + 1 : t->last.text.len);
    t->last.lines--;
    t->left_out++;
}

static void keep_line(struct transcript *t, const struct buf *line)
{
    bool is_early = t->last.lines == 0 && t->left_out == 0 && has_room(&t->first, line->len);
    struct half *h = is_early ? &t->first : &t->last;
    while (h->lines > 0 && !has_room(h, line->len))
        drop_oldest(t);
    struct err e;
    if (line->failed || buf_add(&h->text, buf_str(line), line->len, &e) < 0)
        t->left_out++;
    else
        h->lines++;
}

/* CR LF between the lines of a reply becomes LF. */
static void put_shown(struct buf *out, const char *text, size_t n)
{
    size_t shown = n < SHOWN_MAX ? n : SHOWN_MAX;
    for (size_t i = 0; i < shown; i++)
        if (text[i] != '\r' || i + 1 == n || text[i + 1] != '\n')
            buf_putc(out, text[i]);
    if (shown < n)
        buf_printf(out, "… (%zu bytes)", n);
}

static void add(struct transcript *t, const char *who, const char *text, size_t n, int64_t mono_ms)
{
    CLEANUP(buf_done) struct buf shown, line;
    buf_init(&shown, SHOWN_MAX + TEXT_MAX);
    buf_init(&line, LINE_MAX_BYTES);
    put_shown(&shown, text, n);
    struct json_out w = json_begin(&line);
    json_object(&w, NULL);
    json_i(&w, "ms", mono_ms - t->mono_ms);
    json_sn(&w, who, buf_str(&shown), shown.len);
    json_end(&w);
    buf_putc(&line, '\n');
    keep_line(t, &line);
}

void transcript_heard(struct transcript *t, const char *line, size_t n, int64_t mono_ms)
{
    t->was_heard = true;
    add(t, "C", line, n, mono_ms);
}

void transcript_said(struct transcript *t, const char *reply, size_t n, int64_t mono_ms)
{
    memset(t->last_code, 0, sizeof t->last_code);
    memcpy(t->last_code, reply, n < CODE_BYTES - 1 ? n : CODE_BYTES - 1);
    t->is_in_body = strcmp(t->last_code, "354") == 0;
    add(t, "S", reply, n, mono_ms);
}

void transcript_note(struct transcript *t, const char *text, int64_t mono_ms)
{
    add(t, "N", text, strlen(text), mono_ms);
}

void transcript_took(struct transcript *t, int64_t body_bytes, int64_t mono_ms)
{
    CLEANUP(buf_done) struct buf text;
    t->is_in_body = false;
    buf_init(&text, TEXT_MAX);
    buf_puts(&text, "a message of ");
    buf_puti(&text, body_bytes);
    buf_puts(&text, " bytes");
    transcript_note(t, buf_str(&text), mono_ms);
}

/* --- what came of it ------------------------------------------------------------------------------------------------ */

static const char *copy(struct transcript *t, const char *text, const char *before)
{
    const char *kept = text && text[0] ? arena_str(&t->arena, text) : NULL;
    return kept ? kept : before;
}

/* A copy of all anew: so that a conversation of a thousand mails takes no more than one of one mail. */
void transcript_envelope_is(struct transcript *t, const struct envelope *env)
{
    struct arena old = t->arena;
    struct envelope before = t->envelope;
    const struct envelope *mail = env->to_count > 0 || (env->from && env->from[0]) ? env : &before;
    size_t count = mail->to_count < RECIPIENTS_MAX ? mail->to_count : RECIPIENTS_MAX, n = 0;
    arena_init(&t->arena, WHO_MAX);
    const char **to = arena_alloc(&t->arena, (count + 1) * sizeof *to);
    t->envelope = *env;
    t->envelope.listener = t->listener;
    t->envelope.peer = t->peer;
    t->envelope.helo = copy(t, env->helo[0] ? env->helo : before.helo, "");
    t->envelope.login = copy(t, env->login[0] ? env->login : before.login, "");
    t->envelope.from = copy(t, mail->from, "");
    for (size_t i = 0; to && i < count; i++)
        if ((to[n] = copy(t, mail->to[i], NULL)))
            n++;
    t->envelope.to = to;
    t->envelope.to_count = n;
    arena_done(&old);
}

void transcript_kept(struct transcript *t, const char *id)
{
    t->mails++;
    if (t->mails > IDS_MAX)
        return;
    buf_puts(&t->ids, id);
    buf_putc(&t->ids, '\n');
}

void transcript_refused(struct transcript *t, const char *reply, const char *setting)
{
    buf_clear(&t->refusal);
    buf_puts(&t->refusal, reply);
    t->setting = setting;
}

void transcript_ended(struct transcript *t, enum transcript_end how, int64_t mono_ms)
{
    t->how = how;
    t->took_ms = mono_ms - t->mono_ms;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

bool transcript_is_worth_keeping(const struct transcript *t)
{
    return t->was_heard || t->refusal.len > 0;
}

int64_t transcript_started_ms(const struct transcript *t)
{
    return t->started_ms;
}

const struct envelope *transcript_envelope(const struct transcript *t)
{
    return &t->envelope;
}

size_t transcript_mails(const struct transcript *t)
{
    return t->mails;
}

const char *transcript_last_refusal(const struct transcript *t)
{
    return t->refusal.len > 0 ? buf_str(&t->refusal) : NULL;
}

bool transcript_is_broken_off(const struct transcript *t)
{
    return t->is_in_body;
}

const char *transcript_last_reply(const struct transcript *t)
{
    return t->last_code;
}

static void write_half(struct json_out *w, const struct half *h)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    for (const char *at = buf_str(&h->text), *end; *at && (end = strchr(at, '\n')); at = end + 1) {
        buf_clear(&line);
        buf_put(&line, at, (size_t)(end - at));
        json_raw(w, NULL, buf_str(&line));
    }
}

static const char *const ends[] = {
    [TRANSCRIPT_QUIT] = "quit",
    [TRANSCRIPT_LEFT] = "left",
    [TRANSCRIPT_CUT] = "cut",
};

void transcript_write(struct json_out *w, const struct transcript *t)
{
    json_time(w, "started", t->started_ms);
    json_i(w, "ms", t->took_ms);
    envelope_write(w, &t->envelope);
    json_s(w, "ended", ends[t->how]);
    json_i(w, "mails", (int64_t)t->mails);
    json_array(w, "kept");
    for (const char *at = buf_str(&t->ids), *end; (end = strchr(at, '\n')); at = end + 1)
        json_sn(w, NULL, at, (size_t)(end - at));
    json_end(w);
    json_s_opt(w, "reply", transcript_last_refusal(t));
    json_s_opt(w, "setting", t->setting);
    if (t->left_out > 0)
        json_i(w, "left_out", (int64_t)t->left_out);
    json_array(w, "lines");
    write_half(w, &t->first);
    write_half(w, &t->last);
    json_end(w);
}
