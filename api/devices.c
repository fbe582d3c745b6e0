/* devices: GET /api/v1/devices, GET and PATCH /api/v1/devices/{id}, GET /api/v1/devices/{id}/sessions. */
#include "store/devices.h"
#include "api/context.h"
#include "api/list.h"
#include "api/params.h"
#include "core/json.h"
#include "store/transcripts.h"
#include <string.h>

static bool on_device(void *user, const struct device_row *row)
{
    struct list *l = user;
    if (!list_has_room(l))
        return false;
    device_write(&l->w, NULL, row);
    l->count++;
    return true;
}

void devices_list(struct api *a, const struct request *r, struct response *p)
{
    struct page          page;
    struct store_reader *reader = NULL;
    struct err           e;
    if (param_page(r, &page, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    if (list_is_known(a, r, p))
        return;
    if (api_reader(a, &reader, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct list l;
    list_begin(&l, p);
    int failed = query_devices(reader, NULL, &page, on_device, &l, &e);
    api_reader_back(a, &reader);
    if (failed)
        problem_of(p, &e);
    else
        list_end(&l, p, &page);
}

/* The device as the body; its problem otherwise. */
static void answer_device(struct api *a, const char *id, struct response *p)
{
    struct page          page = { .limit = 1 };
    struct list          l = { .w = json_begin(&p->body) };
    struct store_reader *reader = NULL;
    struct err           e;
    if (api_reader(a, &reader, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    int failed = query_devices(reader, id, &page, on_device, &l, &e);
    api_reader_back(a, &reader);
    if (failed) {
        problem_of(p, &e);
    } else if (l.count == 0) {
        problem(p, 404, "there is no device %s", id);
    } else {
        response_json(p);
    }
}

void devices_one(struct api *a, const struct request *r, struct response *p)
{
    answer_device(a, r->args[0], p);
}

/* {"name":"Garden"}, nothing else. */
static const char *read_name(const struct json *body, struct err *e)
{
    if (json_type(body) != JSON_OBJECT || !json_text(json_get(body, "name"))) {
        (void)err_set(e, ERR_INPUT, "the body must be an object: {\"name\": \"Garden\"}; \"\" takes the name back");
        return NULL;
    }
    for (const struct json *m = json_first(body); m; m = json_next(m))
        if (strcmp(json_key(m), "name") != 0) {
            (void)err_set(e, ERR_INPUT, "%.40s: the body may hold \"name\" only", json_key(m));
            return NULL;
        }
    return json_text(json_get(body, "name"));
}

void devices_patch(struct api *a, const struct request *r, struct response *p)
{
    struct err                     e;
    CLEANUP(json_free) struct json *body = json_parse(buf_str(&r->body), r->body.len, &e);
    const char                     *name = body ? read_name(body, &e) : NULL;
    if (!name || a->o.rename(a->o.user, r->args[0], name, &e) < 0)
        problem_of(p, &e);
    else
        answer_device(a, r->args[0], p);
}

/* --- sessions ----------------------------------------------------------------------------------------------- */

static void on_session(void *user, const struct transcript_row *row)
{
    struct list *l = user;
    json_raw(&l->w, NULL, row->body);
    l->count++;
}

static bool note_found(void *user, const struct device_row *row)
{
    (void)row;
    *(bool *)user = true;
    return true;
}

static int read_sessions(struct store_reader *reader, const char *id, struct list *l, bool *is_there, struct err *e)
{
    struct page page = { .limit = 1 };
    if (query_transcripts(reader, id, on_session, l, e) < 0)
        return -1;
    *is_there = l->count > 0 || strcmp(id, TRANSCRIPTS_OF_STRANGERS) == 0;
    return *is_there ? 0 : query_devices(reader, id, &page, note_found, is_there, e);
}

void devices_sessions(struct api *a, const struct request *r, struct response *p)
{
    struct store_reader *reader = NULL;
    struct err           e;
    if (api_reader(a, &reader, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    struct list l;
    bool        is_there = false;
    list_begin(&l, p);
    int failed = read_sessions(reader, r->args[0], &l, &is_there, &e);
    api_reader_back(a, &reader);
    if (failed)
        problem_of(p, &e);
    else if (!is_there)
        problem(p, 404, "there is no device %s", r->args[0]);
    else
        list_end(&l, p, &(struct page){ .next = 0 });
}
