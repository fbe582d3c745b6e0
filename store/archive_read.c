/* archive_read: batches of events out of our own database, as everybody sees them. */
#include "store/archive_inside.h"
#include "store/query.h"
#include <stdlib.h>
#include <string.h>

enum { TEXTS_MAX = 8 << 20 }; /* of a batch; half of it is room for the last one */

struct reading {
    struct batch *batch;
    const char   *site;
};

int batch_init(struct batch *b, struct err *e)
{
    arena_init(&b->texts, TEXTS_MAX);
    b->events = calloc(MONGO_BATCH_MAX, sizeof *b->events);
    return b->events ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

void batch_done(struct batch *b)
{
    arena_done(&b->texts);
    free(b->events);
}

void batch_clear(struct batch *b)
{
    b->count = 0;
    arena_done(&b->texts);
}

/* Adds it to the batch; false: there is no more room. */
static bool on_event(void *user, const struct event_row *row)
{
    const struct reading *r = user;
    struct batch         *b = r->batch;
    struct mongo_event   *ev = &b->events[b->count];
    if (b->count == MONGO_BATCH_MAX || b->texts.used > TEXTS_MAX / 2)
        return false;
    struct event_origin origin = { .site = r->site, .arrival = row->arrival, .parser = row->parser, .received_ms = row->received_ms,
                                   .marks = &row->marks };
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, TEXTS_MAX / 2);
    struct json_out w = json_begin(&text);
    event_write(&w, NULL, &row->event, &origin);
    memcpy(ev->id, row->event.id, ID_TEXT);
    ev->seq = row->seq;
    ev->changed = row->marks.changed;
    ev->received_ms = row->received_ms;
    ev->json_length = text.len;
    ev->json = text.failed ? NULL : arena_copy(&b->texts, buf_str(&text), text.len);
    ev->file_count = 0;
    for (size_t i = 0; i < row->event.media_count && i < MONGO_FILES_MAX; i++)
        ev->files[ev->file_count++] = (struct mongo_file_of){ .n = row->event.media[i].n };
    b->count += ev->json != NULL;
    return true;
}

int batch_read_new(struct copying *c, struct batch *b, int64_t after_seq, struct err *e)
{
    struct reading      r = { .batch = b, .site = c->site };
    struct event_filter f = { .zone = ZONE_NONE, .severity = -1 };
    struct page         page = { .cursor = after_seq, .is_ascending = true };
    batch_clear(b);
    do {
        size_t left = c->limit - b->count;
        page.limit = left < QUERY_PAGE_MAX ? (int)left : QUERY_PAGE_MAX;
        if (query_events(c->reader, &f, &page, on_event, &r, e) < 0)
            return -1;
        page.cursor = page.next;
    } while (page.next != 0 && b->count < c->limit && b->texts.used <= TEXTS_MAX / 2);
    return 0;
}

int batch_add_one(struct copying *c, struct batch *b, const char *id, struct err *e)
{
    struct reading      r = { .batch = b, .site = c->site };
    struct event_filter f = { .zone = ZONE_NONE, .severity = -1, .id = id };
    struct page         page = { .limit = 1 };
    return query_events(c->reader, &f, &page, on_event, &r, e);
}
