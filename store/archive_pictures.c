/* archive_pictures: pictures of a batch into GridFS, decoded out of their arrivals, each content once. */
#include "core/clock.h"
#include "core/sha256.h"
#include "store/archive_inside.h"
#include "store/event_media.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PICTURES_MAX = 8 << 20,  /* bytes of a batch; then it is sent, be it small            */
    KNOWN_MS = 10 * 60000,   /* another gateway may erase what we know to be there        */
};

/* Fills the piece as far as there is something: its length; -1: the arrival cannot be read. */
static ssize_t read_piece(struct media_stream *s, char *piece)
{
    size_t     n = 0;
    ssize_t    got = 1;
    struct err ignored;
    while (n < MONGO_CHUNK && (got = media_read(s, piece + n, MONGO_CHUNK - n, &ignored)) > 0)
        n += (size_t)got;
    return got < 0 ? -1 : (ssize_t)n;
}

/* Its name in the archive is its content's: 0, or -1: it cannot be read. */
static int name_medium(struct media_stream *s, char *piece, char hash[SHA256_TEXT])
{
    struct sha256 *d = sha256_new();
    ssize_t        n;
    while ((n = read_piece(s, piece)) > 0)
        sha256_add(d, piece, (size_t)n);
    int failed = sha256_end_text(d, hash);
    sha256_free(&d);
    return n < 0 || failed ? -1 : 0;
}

static bool is_known(struct copying *c, const char *hash)
{
    for (size_t i = 0; i < KNOWN_FILES && clock_mono_ms() - c->known_ms <= KNOWN_MS; i++)
        if (strcmp(c->known[i], hash) == 0)
            return true;
    return false;
}

static void remember(struct copying *c, const char *hash)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - c->known_ms > KNOWN_MS) {
        memset(c->known, 0, sizeof c->known);
        c->known_ms = now_ms;
    }
    (void)snprintf(c->known[c->next_known++ % KNOWN_FILES], sizeof c->known[0], "%s", hash);
    c->pictures++;
}

/* Sends the pieces, then says that there is a file. -1: the server failed. */
static int send_medium(struct copying *c, struct media_stream *s, char *piece, const char *hash, const char *type, int64_t *bytes, struct err *e)
{
    ssize_t n;
    int64_t sent = 0;
    for (int i = 0; (n = read_piece(s, piece)) > 0; i++, sent += n) {
        archive_away(c->archive);
        if (archive_home(c->archive, mongo_put_chunk(c->mongo, hash, i, piece, (size_t)n, e), e) < 0)
            return -1;
    }
    if (n < 0)
        return 0;
    archive_away(c->archive);
    if (archive_home(c->archive, mongo_put_file(c->mongo, hash, type, c->site, sent, clock_wall_ms(), e), e) < 0)
        return -1;
    *bytes += sent;
    remember(c, hash);
    return 0;
}

/* 1: hash names it, and it is there; 0: its bytes are no longer here; -1: the server failed. */
static int put_medium(struct copying *c, const char *event, int n, char hash[SHA256_TEXT], int64_t *bytes, struct err *e)
{
    char                 type[MEDIA_TYPE];
    struct media_stream *s = event_media_open(c->reader, event, n, type);
    char                *piece = s ? malloc(MONGO_CHUNK) : NULL;
    int                  result = piece && name_medium(s, piece, hash) == 0;
    media_close(&s);
    if (result && !is_known(c, hash) && (s = event_media_open(c->reader, event, n, type))) {
        result = send_medium(c, s, piece, hash, type, bytes, e) < 0 ? -1 : 1;
        media_close(&s);
    }
    free(piece);
    return result;
}

/* Puts the event's pictures there; those whose bytes are gone leave the list. */
static int put_media(struct copying *c, struct batch *b, struct mongo_event *ev, int64_t *bytes, struct err *e)
{
    size_t kept = 0;
    for (size_t i = 0; c->has_pictures && i < ev->file_count; i++) {
        char hash[SHA256_TEXT];
        int  there = put_medium(c, ev->id, ev->files[i].n, hash, bytes, e);
        if (there < 0)
            return -1;
        if (there == 0)
            continue;
        ev->files[kept] = ev->files[i];
        ev->files[kept].hash = arena_str(&b->texts, hash);
        kept += ev->files[kept].hash != NULL;
    }
    ev->file_count = kept;
    return 0;
}

int copy_pictures(struct copying *c, struct batch *b, struct err *e)
{
    int64_t bytes = 0;
    size_t  i = 0;
    for (; i < b->count && bytes < PICTURES_MAX; i++)
        if (put_media(c, b, &b->events[i], &bytes, e) < 0)
            return -1;
    b->count = i;
    return 0;
}
