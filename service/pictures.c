/* pictures: chosen from the events, read through core/decoder. */
#include "service/pictures.h"
#include "core/log.h"
#include "store/media.h"
#include <stdlib.h>
#include <string.h>

enum { ROW_MAX = 256 * 1024 };

/* --- which ------------------------------------------------------------------------------------------------------ */

/* Two lines of one mail are two events with the same pictures. */
static bool is_chosen(const struct pictures *p, const char *arrival, const struct media *m)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].media->offset == m->offset && strcmp(p->items[i].arrival, arrival) == 0)
            return true;
    return false;
}

static bool is_fit(const struct pictures *p, const struct account *a, const struct media *m)
{
    return !m->is_forgotten && m->type && strncmp(m->type, "image/", 6) == 0 && m->bytes > 0 && m->bytes <= (int64_t)a->provider->media_max &&
           p->bytes + m->bytes <= PICTURES_IN_FLIGHT_MAX;
}

void pictures_choose(const struct account *a, const struct event *const *events, const struct event_origin *const *origins,
                     size_t event_count, struct pictures *out)
{
    size_t most = account_media_count(a), of_each = event_count > 1 ? 1 : PICTURES_MAX;
    *out = (struct pictures){ .count = 0 };
    for (size_t i = 0; i < event_count; i++) {
        size_t taken = 0;
        for (size_t k = 0; origins[i]->arrival && k < events[i]->media_count && taken < of_each; k++) {
            const struct media *m = &events[i]->media[k];
            if (!is_fit(out, a, m))
                continue;
            taken++;
            if (is_chosen(out, origins[i]->arrival, m))
                continue;
            if (out->count == most || out->count == PICTURES_MAX)
                return;
            out->items[out->count++] = (struct picture){ .arrival = origins[i]->arrival, .media = m };
            out->bytes += m->bytes;
        }
    }
}

/* --- their bytes ------------------------------------------------------------------------------------------------ */

static int open_arrival(struct store_reader *r, const char *id, int *fd_out, struct err *e)
{
    CLEANUP(arena_done) struct arena a;
    struct arrival_row row;
    arena_init(&a, ROW_MAX);
    int found = store_find_arrival(r, id, &row, &a, e);
    if (found == 0)
        return err_set(e, ERR_NOT_FOUND, "no such arrival");
    return found < 0 ? -1 : store_open_raw(r, row.seq, fd_out, e);
}

/* The length it was understood to have, or it is none. */
static int read_whole(struct media_stream *s, char *to, size_t n, struct err *e)
{
    for (size_t got = 0; got < n;) {
        ssize_t more = media_read(s, to + got, n - got, e);
        if (more <= 0)
            return more < 0 ? -1 : err_set(e, ERR_INPUT, "it is shorter than it was");
        got += (size_t)more;
    }
    return 0;
}

static int load_one(struct store_reader *r, const struct picture *p, void **block_out, struct err *e)
{
    CLEANUP(media_close) struct media_stream *s = NULL;
    int fd = -1;
    if (open_arrival(r, p->arrival, &fd, e) < 0 ||
        media_open(fd, p->media->offset, p->media->length, p->media->encoding, &s, e) < 0)
        return -1;
    char *block = malloc((size_t)p->media->bytes);
    if (!block)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (read_whole(s, block, (size_t)p->media->bytes, e) < 0) {
        free(block);
        return -1;
    }
    *block_out = block;
    return 0;
}

void pictures_load(struct store_reader *r, const struct pictures *p, struct pictures_loaded *out)
{
    *out = (struct pictures_loaded){ .count = 0 };
    for (size_t i = 0; i < p->count; i++) {
        const struct media *m = p->items[i].media;
        struct err e;
        void *block = NULL;
        if (load_one(r, &p->items[i], &block, &e) < 0) {
            log_line(LOG_WARN, "picture.missing", LOG_S("arrival", p->items[i].arrival), LOG_I("n", m->n),
                     LOG_S("text", e.text));
            continue;
        }
        out->blocks[out->count] = block;
        out->items[out->count++] =
            (struct message_media){ .type = m->type, .name = m->name, .bytes = block, .length = (size_t)m->bytes };
    }
}

void pictures_drop(struct pictures_loaded *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->blocks[i]);
    l->count = 0;
}
