/* events: GET /api/v1/events and /api/v1/events/{id}. */
#include "api/archived.h"
#include "api/filter.h"
#include "api/list.h"
#include "api/params.h"
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 200 };

struct writing {
    struct list list;
    const char *site;
};

static void write_event(struct json_out *w, const char *site, const struct event_row *row)
{
    struct event_origin origin = { .site = site, .arrival = row->arrival, .parser = row->parser, .received_ms = row->received_ms,
                                   .marks = &row->marks };
    event_write(w, NULL, &row->event, &origin);
}

static bool on_listed(void *user, const struct event_row *row)
{
    struct writing *x = user;
    if (!list_has_room(&x->list))
        return false;
    write_event(&x->list.w, x->site, row);
    x->list.count++;
    return true;
}

/* zone=8 is its number; anything else its name. */
static int read_zone(const struct request *r, struct event_filter *f, struct err *e)
{
    const char *text = NULL;
    if (param_text(r, "zone", TEXT_MAX, &text, e) < 0)
        return -1;
    if (!text)
        return 0;
    size_t digits = strspn(text, "0123456789");
    if (text[digits] != '\0' || digits > 6)
        f->zone_name = text;
    else
        f->zone = (int)strtol(text, NULL, 10);
    return 0;
}

static int read_marks(const struct request *r, struct event_filter *f, struct err *e)
{
    return param_mark(r, "person", &f->person, e) < 0 || param_mark(r, "has_picture", &f->picture, e) < 0 ||
                   param_mark(r, "acknowledged", &f->acknowledged, e) < 0 || param_mark(r, "kept", &f->kept, e) < 0
               ? -1
               : 0;
}

int events_filter(const struct api *a, const struct request *r, struct event_filter *f, struct err *e)
{
    *f = (struct event_filter){ .zone = ZONE_NONE, .severity = -1 };
    if (param_kind(r, "kind", &f->kind, e) < 0 || param_severity(r, "severity", &f->severity, e) < 0
        || param_text(r, "device", TEXT_MAX, &f->device, e) < 0 || param_text(r, "user", TEXT_MAX, &f->user, e) < 0
        || param_text(r, "text", TEXT_MAX, &f->text, e) < 0 || param_text(r, "site", TEXT_MAX, &f->site, e) < 0)
        return -1;
    if (param_time(r, "since", &f->since_ms, e) < 0 || param_time(r, "until", &f->until_ms, e) < 0)
        return -1;
    if (f->site && strcmp(f->site, a->o.site) == 0)
        f->site = NULL;
    return read_marks(r, f, e) < 0 ? -1 : read_zone(r, f, e);
}

void events_list(struct api *a, const struct request *r, struct response *p)
{
    struct event_filter  f;
    struct page          page;
    struct store_reader *reader = NULL;
    struct err           e = { 0 };
    char                 older[ARCHIVED_CURSOR];
    if (archived_is_asked(a, r)) {
        archived_list(a, r, p);
        return;
    }
    if (events_filter(a, r, &f, &e) < 0 || param_page(r, &page, &e) < 0 ||
        param_order(r, "order", &page.is_ascending, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    if (list_is_known(a, r, p))
        return;
    if (api_reader(a, &reader, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct writing x = { .site = a->o.site };
    bool           follows = archived_follows(a, &f, &page, older);
    list_begin(&x.list, p);
    int failed = query_events(reader, &f, &page, on_listed, &x, &e);
    api_reader_back(a, &reader);
    if (failed)
        problem_of(p, &e);
    else if (follows && page.next == 0)
        list_end_at(&x.list, p, older);
    else
        list_end(&x.list, p, &page);
}

static bool on_found(void *user, const struct event_row *row)
{
    struct writing *x = user;
    write_event(&x->list.w, x->site, row);
    x->list.count++;
    return true;
}

void events_one(struct api *a, const struct request *r, struct response *p)
{
    struct event_filter  f = { .zone = ZONE_NONE, .severity = -1, .id = r->args[0] };
    struct page          page = { .limit = 1 };
    struct store_reader *reader = NULL;
    struct err           e;
    if (api_reader(a, &reader, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct writing x = { .site = a->o.site, .list.w = json_begin(&p->body) };
    int            failed = query_events(reader, &f, &page, on_found, &x, &e);
    api_reader_back(a, &reader);
    if (failed) {
        problem_of(p, &e);
    } else if (x.list.count == 0 && archived_one(a, r->args[0], p)) {
        return;
    } else if (x.list.count == 0) {
        problem(p, 404, "there is no event %s", r->args[0]);
    } else {
        response_json(p); /* nobody keeps it: it may be corrected */
    }
}
