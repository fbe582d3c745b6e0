/* marks: PATCH /api/v1/events/{id} {"acknowledged","kept","note"}, and POST /api/v1/events/ack for a whole filter. */
#include "store/marks.h"
#include "api/context.h"
#include "api/filter.h"
#include "core/clock.h"
#include "core/utf8.h"
#include <string.h>

enum { PART_ROWS = 100, PART_MS = 200, SWEEP_MS = 20000 };

/* --- one event ------------------------------------------------------------------------------------------------ */

static int read_wish(const struct json *m, enum mark_wish *out, struct err *e)
{
    if (json_type(m) != JSON_TRUE && json_type(m) != JSON_FALSE)
        return err_set(e, ERR_INPUT, "%s: true or false is expected", json_key(m));
    *out = json_is_true(m) ? MARK_SET : MARK_TAKE_BACK;
    return 0;
}

static int read_note(const struct json *m, const char **out, struct err *e)
{
    *out = json_text(m);
    if (!*out || utf8_count(*out, strlen(*out)) > MARKS_NOTE_CHARACTERS || !utf8_is_valid(*out, strlen(*out)))
        return err_set(e, ERR_INPUT, "note: a text of up to %d characters is expected", MARKS_NOTE_CHARACTERS);
    return 0;
}

static int read_member(const struct json *m, struct mark_change *change, struct err *e)
{
    if (strcmp(json_key(m), "acknowledged") == 0)
        return read_wish(m, &change->acknowledged, e);
    if (strcmp(json_key(m), "kept") == 0)
        return read_wish(m, &change->kept, e);
    if (strcmp(json_key(m), "note") == 0)
        return read_note(m, &change->note, e);
    return err_set(e, ERR_INPUT, "%.40s: the body may hold \"acknowledged\", \"kept\" and \"note\"", json_key(m));
}

static int read_change(const struct json *body, struct mark_change *change, struct err *e)
{
    if (json_type(body) != JSON_OBJECT || json_count(body) == 0)
        return err_set(e, ERR_INPUT, "the body must be an object: {\"acknowledged\": true, \"kept\": true, \"note\": \"the cat\"}");
    for (const struct json *m = json_first(body); m; m = json_next(m))
        if (read_member(m, change, e) < 0)
            return -1;
    return 0;
}

/* What was asked for, as the audit keeps it. */
static void write_detail(struct buf *out, const struct json *body)
{
    struct json_out w = json_begin(out);
    json_value(&w, NULL, body);
}

static int mark(struct api *a, const struct request *r, struct err *e)
{
    struct mark_change              change = { 0 };
    CLEANUP(json_free) struct json *body = json_parse(buf_str(&r->body), r->body.len, e);
    CLEANUP(buf_done) struct buf    detail;
    buf_init(&detail, 2 * HTTP_BODY_MAX);
    if (!body || read_change(body, &change, e) < 0)
        return -1;
    write_detail(&detail, body);
    struct audit_entry by = { .who = r->who, .role = r->role, .what = "event.mark", .object = r->args[0], .detail = buf_str(&detail) };
    return marks_set(a->store, &change, &by, e);
}

void events_patch(struct api *a, const struct request *r, struct response *p)
{
    struct err e;
    int        found = mark(a, r, &e);
    if (found < 0)
        problem_of(p, &e);
    else
        events_one(a, r, p); /* 404 too */
}

/* --- a whole filter ------------------------------------------------------------------------------------------- */

/* As query_event_seqs, and page->cursor is on. */
static int read_part(struct api *a, const struct event_filter *f, struct page *page, int64_t *seqs, struct err *e)
{
    struct store_reader *reader = NULL;
    if (api_reader(a, &reader, e) < 0)
        return -1;
    int count = query_event_seqs(reader, f, page, seqs, e);
    api_reader_back(a, &reader);
    page->cursor = page->next;
    return count;
}

/* From the newest there was on: what arrives meanwhile nobody has seen. */
static int sweep_all(struct api *a, const struct event_filter *f, struct marks_sweep *sweep, bool *is_complete, struct err *e)
{
    int64_t     until = clock_mono_ms() + SWEEP_MS, seqs[PART_ROWS];
    struct page page = { .limit = PART_ROWS, .budget_ms = PART_MS };
    do {
        int count = read_part(a, f, &page, seqs, e);
        if (count < 0 || (count > 0 && marks_acknowledge(a->store, sweep, seqs, (size_t)count, e) < 0))
            return -1;
    } while (page.next != 0 && clock_mono_ms() < until);
    *is_complete = page.next == 0;
    return 0;
}

static void write_query(struct buf *out, const struct request *r)
{
    for (size_t i = 0; i < r->query_count; i++)
        buf_printf(out, "%s%s=%s", i ? "&" : "", r->query[i].name, r->query[i].value);
}

/* Another site's events are that site's to mark. */
static int read_own_filter(struct api *a, const struct request *r, struct event_filter *f, struct err *e)
{
    if (events_filter(a, r, f, e) < 0)
        return -1;
    return f->site ? err_set(e, ERR_INPUT, "site: only the events of this one can be marked here") : 0;
}

void events_ack(struct api *a, const struct request *r, struct response *p)
{
    struct event_filter          f;
    struct err                   e;
    bool                         is_complete = false;
    CLEANUP(buf_done) struct buf query;
    buf_init(&query, 2 * HTTP_URI_MAX);
    write_query(&query, r);
    struct marks_sweep sweep = { .by = { .who = r->who, .role = r->role, .what = "event.ack" }, .filter = buf_str(&query) };
    if (read_own_filter(a, r, &f, &e) < 0 || sweep_all(a, &f, &sweep, &is_complete, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct json_out w = json_begin(&p->body);
    json_object(&w, NULL);
    json_i(&w, "acknowledged", sweep.count);
    json_b(&w, "complete", is_complete);
    json_end(&w);
    response_json(p);
}
