/* arrivals: GET /api/v1/arrivals/{id} (what is known about it) and …/raw (byte for byte, as it came). */
#include "api/context.h"
#include "api/raw.h"
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {
    [ARRIVAL_KEPT] = "kept",
    [ARRIVAL_TOLD] = "told",
    [ARRIVAL_UNDERSTOOD] = "understood",
    [ARRIVAL_GIVEN_UP] = "given_up",
};

/* false: *p says why not. */
static bool find(struct api *a, const struct request *r, struct arrival_row *row, struct arena *strings, struct response *p)
{
    struct store_reader *reader = NULL;
    struct err           e;
    int                  found = api_reader(a, &reader, &e);
    if (found == 0)
        found = store_find_arrival(reader, r->args[0], row, strings, &e);
    api_reader_back(a, &reader);
    if (found < 0)
        problem_of(p, &e);
    else if (found == 0)
        problem(p, 404, "there is no arrival %s", r->args[0]);
    return found > 0;
}

static void write_arrival(struct json_out *w, const struct arrival_row *row)
{
    json_object(w, NULL);
    json_s(w, "id", row->id);
    json_time(w, "received_at", row->received_ms);
    json_i(w, "bytes", row->bytes);
    json_s(w, "state", (size_t)row->state < COUNT(state_names) ? state_names[row->state] : "kept");
    json_s_opt(w, "parser", row->parser);
    json_s_opt(w, "subject", row->subject);
    json_raw(w, "envelope", row->envelope);
    json_b(w, "has_raw", row->has_raw);
    json_end(w);
}

void arrivals_one(struct api *a, const struct request *r, struct response *p)
{
    CLEANUP(arena_done) struct arena strings;
    arena_init(&strings, 1 << 20);
    struct arrival_row row;
    if (!find(a, r, &row, &strings, p))
        return;
    struct json_out w = json_begin(&p->body);
    write_arrival(&w, &row);
    response_json(p);
}

void arrivals_raw(struct api *a, const struct request *r, struct response *p)
{
    CLEANUP(arena_done) struct arena strings;
    arena_init(&strings, 1 << 20);
    struct arrival_row row;
    char               etag[ID_TEXT + 8], name[ID_TEXT + 8];
    if (!find(a, r, &row, &strings, p))
        return;
    (void)snprintf(etag, sizeof etag, "%s-raw", row.id);
    if (raw_is_known(r, etag, p))
        return;
    struct media whole = { .length = row.bytes, .encoding = ENCODING_NONE };
    raw_stream(a, row.seq, &whole, p);
    if (!p->stream.read)
        return;
    (void)snprintf(name, sizeof name, "%s.eml", row.id);
    p->type = "message/rfc822";
    raw_disposition(p, false, name);
    raw_cut(r, etag, row.bytes, p);
}
