/* erase: DELETE /api/v1/events and /api/v1/events/{id}: without `confirm` what would go, with the right one it goes. And GET
 * /api/v1/erasures: what is still under way. A whole mail goes with all its events. */
#include "store/erase.h"
#include "api/archived.h"
#include "api/context.h"
#include "api/filter.h"
#include "api/params.h"
#include "api/sheet.h"
#include "core/clock.h"
#include <inttypes.h>
#include <string.h>

enum { PART_ROWS = 100, PART_MS = 200, FIND_MS = 20000, DETAIL_BYTES = 16 * 1024 };

struct wish {
    struct erase_list   list;
    struct erase_counts counts;
    int64_t             found;         /* by the filter: those that share a mail with them go, too */
    bool                has_more;      /* the filter finds more than may go at once                */
    int64_t             confirm;       /* -1: it is only asked                                     */
    bool                removes_copies;
};

static void wish_done(struct wish *w)
{
    erase_list_done(&w->list);
}

/* --- what it is about --------------------------------------------------------------------------------------------- */

static int read_wish(const struct request *r, struct wish *w, struct err *e)
{
    const char *copies = NULL;
    *w = (struct wish){ .confirm = -1 };
    if (param_number(r, "confirm", 0, ERASE_MAX * INT64_C(64), &w->confirm, e) < 0 || param_text(r, "copies", 16, &copies, e) < 0)
        return -1;
    if (copies && strcmp(copies, "keep") != 0 && strcmp(copies, "remove") != 0)
        return err_set(e, ERR_INPUT, "copies=%.16s: keep or remove", copies);
    w->removes_copies = copies && strcmp(copies, "remove") == 0;
    return 0;
}

/* Oldest first, so that what arrives between question and confirmation changes nothing about the first so many. */
static int find(struct store_reader *reader, const struct event_filter *f, struct wish *w, struct err *e)
{
    int64_t     until = clock_mono_ms() + FIND_MS, seqs[PART_ROWS];
    struct page page = { .limit = PART_ROWS, .budget_ms = PART_MS, .is_ascending = true };
    do {
        if (clock_mono_ms() > until)
            return err_set(e, ERR_TIMEOUT, "to find them all takes more than %d s: narrow since and until", FIND_MS / 1000);
        if (ERASE_MAX - w->found < PART_ROWS)
            page.limit = (int)(ERASE_MAX - w->found);
        int count = query_event_seqs(reader, f, &page, seqs, e);
        if (count < 0 || erase_list_add(&w->list, reader, seqs, (size_t)count, e) < 0)
            return -1;
        w->found += count;
        page.cursor = page.next;
    } while (page.next != 0 && w->found < ERASE_MAX);
    w->has_more = page.next != 0;
    return erase_count(&w->list, reader, &w->counts, e);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void write_copy(void *user, const char *name, int64_t bytes, int64_t made_ms)
{
    struct json_out *w = user;
    json_object(w, NULL);
    json_s(w, "name", name);
    json_i(w, "bytes", bytes);
    json_time(w, "made_at", made_ms);
    json_end(w);
}

static int write_copies(struct api *a, struct json_out *w, struct err *e)
{
    json_array(w, "copies");
    int failed = erase_copies(a->store, write_copy, w, e);
    json_end(w);
    return failed;
}

static void begin_answer(struct json_out *w, struct response *p)
{
    *w = json_begin(&p->body);
    json_object(w, NULL);
}

static void end_answer(struct json_out *w, struct response *p)
{
    json_end(w);
    response_json(p);
}

/* Whatever was copied elsewhere since the first of them came still holds it: nobody here knows where. */
static void write_backups(struct json_out *w, const struct erase_counts *c)
{
    if (c->events == 0)
        return;
    json_object(w, "in_backups");
    if (c->first_ms != 0)
        json_time(w, "since", c->first_ms);
    json_time(w, "until", clock_wall_ms());
    json_end(w);
}

static int write_answer(struct api *a, const struct wish *wish, const struct erase_result *done, struct response *p, struct err *e)
{
    struct json_out w;
    begin_answer(&w, p);
    json_b(&w, "dry_run", !done);
    json_i(&w, "count", wish->counts.events);
    json_i(&w, "found", wish->found);
    json_b(&w, "more", wish->has_more);
    json_i(&w, "mails", wish->counts.mails);
    json_i(&w, "linked", wish->counts.linked);
    json_i(&w, "untold", done ? done->deliveries : wish->counts.deliveries);
    if (done) {
        json_i(&w, "erased", done->events);
        json_i(&w, "left", done->left);
    }
    write_backups(&w, &wish->counts);
    int failed = write_copies(a, &w, e);
    end_answer(&w, p);
    return failed;
}

/* --- doing it ----------------------------------------------------------------------------------------------------- */

/* A filter that may quote what is to go. */
static bool is_quoting(const char *name)
{
    static const char *const quoting[] = { "text", "user", "zone", "device", "site" };
    for (size_t i = 0; i < COUNT(quoting); i++)
        if (strcmp(quoting[i], name) == 0)
            return true;
    return false;
}

/* What was asked for, without the words that are to go. */
static void write_detail(struct buf *out, const struct request *r, const struct wish *wish)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    for (size_t i = 0; i < r->query_count; i++)
        json_s(&w, r->query[i].name, is_quoting(r->query[i].name) ? "…" : r->query[i].value);
    json_i(&w, "count", wish->counts.events);
    json_end(&w);
}

static int erase(struct api *a, const struct request *r, struct store_reader *reader, struct wish *wish, struct erase_result *done, struct err *e)
{
    CLEANUP(buf_done) struct buf detail;
    buf_init(&detail, DETAIL_BYTES);
    write_detail(&detail, r, wish);
    const struct audit_entry by = { .who = r->who, .role = r->role, .what = "event.erase", .object = r->args[0][0] ? r->args[0] : NULL,
                                    .detail = buf_str(&detail) };
    if (wish->removes_copies && erase_copies_remove(a->store, e) < 0)
        return -1;
    int failed = erase_all(a->store, reader, &wish->list, &by, done, e);
    sheets_forget(a->sheets, store_commits(a->store)); /* part of it may be done */
    return failed;
}

/* The list is complete: asked, confirmed, or confirmed for another number than there is now. */
static int decide(struct api *a, const struct request *r, struct store_reader *reader, struct wish *wish, struct response *p, struct err *e)
{
    struct erase_result done;
    if (wish->confirm < 0)
        return write_answer(a, wish, NULL, p, e);
    if (wish->confirm != wish->counts.events)
        return err_set(e, ERR_STATE, "%" PRId64 " events would go now, not %" PRId64 ": confirm=%" PRId64 " erases them", wish->counts.events, wish->confirm,
                       wish->counts.events);
    if (erase(a, r, reader, wish, &done, e) < 0)
        return -1;
    return write_answer(a, wish, &done, p, e);
}

static int answer(struct api *a, const struct request *r, const struct event_filter *f, struct wish *wish, struct response *p, struct err *e)
{
    struct store_reader *reader = NULL;
    if (api_reader(a, &reader, e) < 0)
        return -1;
    int result = find(reader, f, wish, e);
    if (result == 0 && wish->found == 0 && f->id)
        result = err_set(e, ERR_NOT_FOUND, "there is no event %s", f->id);
    if (result == 0)
        result = decide(a, r, reader, wish, p, e);
    api_reader_back(a, &reader);
    return result;
}

void events_erase(struct api *a, const struct request *r, struct response *p)
{
    struct event_filter            f;
    struct err                     e;
    CLEANUP(wish_done) struct wish wish = { .confirm = -1 };
    int failed = events_filter(a, r, &f, &e) < 0 || read_wish(r, &wish, &e) < 0;
    if (!failed && f.site)
        failed = err_set(&e, ERR_INPUT, "site: what another site has is erased by its own gateway");
    if (failed || answer(a, r, &f, &wish, p, &e) < 0)
        problem_of(p, &e);
}

/* --- one event ---------------------------------------------------------------------------------------------------- */

/* Whether the event that is the answer's body is of our own site. */
static bool is_ours(const struct api *a, const struct response *p)
{
    struct err                      e;
    CLEANUP(json_free) struct json *event = json_parse(buf_str(&p->body), p->body.len, &e);
    return strcmp(json_str(event, "site", ""), a->o.site) == 0;
}

/* -1: *e. One event, by its id. */
static int erase_copy(struct api *a, const struct request *r, const struct wish *wish, struct response *p, struct err *e)
{
    const struct audit_entry  by = { .who = r->who, .role = r->role, .what = "event.erase", .object = r->args[0] };
    const struct wish         one = { .found = 1, .counts = { .events = 1 } };
    const struct erase_result done = { .events = 1 };
    if (!is_ours(a, p))
        return err_set(e, ERR_INPUT, "%s: what another site has is erased by its own gateway", r->args[0]);
    if (wish->confirm >= 0 && wish->confirm != 1)
        return err_set(e, ERR_STATE, "1 event would go now, not %" PRId64 ": confirm=1 erases it", wish->confirm);
    if (wish->confirm == 1 && erase_archived(a->store, r->args[0], &by, e) < 0)
        return -1;
    buf_clear(&p->body);
    return write_answer(a, &one, wish->confirm == 1 ? &done : NULL, p, e);
}

/* The box has forgotten it, the archive has not: its thread erases it there. false: it is not there either. */
static bool erase_in_archive(struct api *a, const struct request *r, const struct wish *wish, struct response *p)
{
    struct err e;
    if (!archived_one(a, r->args[0], p))
        return false;
    if (p->status < 400 && erase_copy(a, r, wish, p, &e) < 0)
        problem_of(p, &e);
    return true;
}

void events_erase_one(struct api *a, const struct request *r, struct response *p)
{
    const struct event_filter      f = { .zone = ZONE_NONE, .severity = -1, .id = r->args[0] };
    struct err                     e;
    CLEANUP(wish_done) struct wish wish = { .confirm = -1 };
    if (read_wish(r, &wish, &e) == 0 && answer(a, r, &f, &wish, p, &e) == 0)
        return;
    if (e.code == ERR_NOT_FOUND && erase_in_archive(a, r, &wish, p))
        return;
    problem_of(p, &e);
}

/* --- what is left ------------------------------------------------------------------------------------------------- */

static int read_rest(struct api *a, struct erase_rest *out, struct err *e)
{
    struct store_reader *reader = NULL;
    if (api_reader(a, &reader, e) < 0)
        return -1;
    int failed = erase_rest(reader, out, e);
    api_reader_back(a, &reader);
    return failed;
}

void erasures_get(struct api *a, const struct request *r, struct response *p)
{
    (void)r;
    struct erase_rest rest = { 0 };
    struct json_out   w;
    struct err        e;
    if (read_rest(a, &rest, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    begin_answer(&w, p);
    json_b(&w, "complete", rest.mails + rest.archive + rest.exported == 0 && !rest.has_traces);
    json_i(&w, "mails", rest.mails);
    json_i(&w, "archive", rest.archive);
    json_i(&w, "exported", rest.exported);
    json_b(&w, "traces", rest.has_traces);
    int failed = write_copies(a, &w, &e);
    end_answer(&w, p);
    if (failed)
        problem_of(p, &e);
}
