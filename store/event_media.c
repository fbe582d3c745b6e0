/* event_media: one list of columns for whoever reads media. */
#include "store/event_media.h"
#include <stdio.h>
#include <string.h>

#define COLUMNS "m.n, m.type, m.name, m.bytes, m.offset, m.length, m.encoding, m.forgotten_ms IS NOT NULL"
enum { AFTER_COLUMNS = 8, STRINGS_MAX = 64 * 1024 };

static int read_medium(struct stmt *q, struct media *m, struct arena *a, struct err *e)
{
    *m = (struct media){
        .n = (int)col_int(q, 0),
        .type = col_copy(q, 1, a),
        .name = col_copy(q, 2, a),
        .bytes = col_int(q, 3),
        .offset = col_int(q, 4),
        .length = col_int(q, 5),
        .encoding = (enum encoding)col_int(q, 6),
        .is_forgotten = col_int(q, 7) != 0,
    };
    return m->type && m->name ? 0 : err_set(e, ERR_NOMEM, "no room for a medium");
}

static struct media *more_media(const struct media *media, size_t *cap, struct arena *a)
{
    size_t        wanted = *cap ? *cap * 2 : 2;
    struct media *more = arena_alloc(a, wanted * sizeof *more);
    if (more && *cap > 0)
        memcpy(more, media, *cap * sizeof *more);
    if (more)
        *cap = wanted;
    return more;
}

int event_media_read(struct db *d, int64_t event_seq, int max, struct event *ev, struct arena *a, struct err *e)
{
    struct media *media = NULL;
    size_t        count = 0, cap = 0;
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(d, e, "SELECT " COLUMNS " FROM media m WHERE m.event = ? ORDER BY m.n LIMIT ?", P(event_seq), P(max));
    if (!q)
        return -1;
    int found;
    while ((found = stmt_step(q, e)) > 0) {
        if (count == cap && !(media = more_media(media, &cap, a)))
            return err_set(e, ERR_NOMEM, "no room for an event's media");
        if (read_medium(q, &media[count++], a, e) < 0)
            return -1;
    }
    if (found < 0)
        return -1;
    ev->media = media;
    ev->media_count = count;
    return 0;
}

int event_media_find(struct store_reader *r, const char *event_id, int n, struct media *out, char arrival_id_out[ID_TEXT],
                     int64_t *arrival_seq_out, struct arena *a, struct err *e)
{
    CLEANUP(stmt_done) struct stmt *q =
        db_ask(reader_db(r), e,
               "SELECT " COLUMNS ", a.id, a.seq FROM events e JOIN media m ON m.event = e.seq JOIN arrivals a ON a.seq = e.arrival"
               " WHERE e.id = ? AND m.n = ?", P(event_id), P(n));
    int found = q ? stmt_step(q, e) : -1;
    if (found <= 0)
        return found;
    if (read_medium(q, out, a, e) < 0)
        return -1;
    (void)snprintf(arrival_id_out, ID_TEXT, "%s", col_text(q, AFTER_COLUMNS));
    *arrival_seq_out = col_int(q, AFTER_COLUMNS + 1);
    return 1;
}

struct media_stream *event_media_open(struct store_reader *r, const char *event_id, int n, char type_out[MEDIA_TYPE])
{
    CLEANUP(arena_done) struct arena strings;
    struct media         m;
    struct media_stream *s = NULL;
    struct err           ignored;
    char                 arrival[ID_TEXT];
    int64_t              seq;
    int                  fd;
    arena_init(&strings, STRINGS_MAX);
    if (event_media_find(r, event_id, n, &m, arrival, &seq, &strings, &ignored) <= 0 || m.is_forgotten ||
        store_open_raw(r, seq, &fd, &ignored) < 0 || media_open(fd, m.offset, m.length, m.encoding, &s, &ignored) < 0)
        return NULL;
    if (type_out)
        (void)snprintf(type_out, MEDIA_TYPE, "%s", m.type);
    return s;
}
