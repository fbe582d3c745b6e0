/* media: GET /api/v1/events/{id}/media/{n}: a picture or clip, decoded out of its arrival on the way. */
#include "api/archived.h"
#include "api/raw.h"
#include "store/event_media.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types that a browser shows without running anything; all else is a download. */
static const struct {
    const char *type, *extension;
} pictures[] = {
    { "image/jpeg", "jpg" },
    { "image/png", "png" },
    { "image/gif", "gif" },
    { "image/webp", "webp" },
};

/* NULL: no picture. The table's own string: what the row says goes into no header. */
static const char *picture_type(const char *type, const char **extension_out)
{
    for (size_t i = 0; i < COUNT(pictures); i++)
        if (strcmp(pictures[i].type, type) == 0) {
            *extension_out = pictures[i].extension;
            return pictures[i].type;
        }
    return NULL;
}

/* Types of clips keep their name, so that a player opens them; nothing that a browser would run. */
static const char *clip_type(const char *type)
{
    static const char *const clips[] = { "video/mp4", "video/x-msvideo", "video/quicktime", "audio/wav", "application/pdf" };
    for (size_t i = 0; i < COUNT(clips); i++)
        if (strcmp(clips[i], type) == 0)
            return clips[i];
    return "application/octet-stream";
}

struct found {
    struct media m;
    char         arrival[ID_TEXT];
    int64_t      arrival_seq;
};

static int find(struct api *a, const struct request *r, struct found *out, struct arena *strings, struct err *e)
{
    struct store_reader *reader = NULL;
    size_t               digits = strspn(r->args[1], "0123456789");
    if (r->args[1][digits] != '\0' || digits > 6)
        return 0;
    if (api_reader(a, &reader, e) < 0)
        return -1;
    int n = (int)strtol(r->args[1], NULL, 10);
    int found = event_media_find(reader, r->args[0], n, &out->m, out->arrival, &out->arrival_seq, strings, e);
    api_reader_back(a, &reader);
    return found;
}

static void send_medium(struct api *a, const struct request *r, const struct found *f, struct response *p)
{
    char etag[80], name[80];
    /* A better parser may cut the same arrival anew: the place is part of the version. */
    (void)snprintf(etag, sizeof etag, "%s-%" PRIx64 "-%" PRIx64 "-%d", f->arrival, (uint64_t)f->m.offset, (uint64_t)f->m.length,
                   (int)f->m.encoding);
    if (raw_is_known(r, etag, p))
        return;
    const char *extension = "bin";
    const char *picture = picture_type(f->m.type, &extension);
    raw_stream(a, f->arrival_seq, &f->m, p);
    if (!p->stream.read)
        return;
    (void)snprintf(name, sizeof name, "%s-%d.%s", r->args[0], f->m.n, extension);
    p->type = picture ? picture : clip_type(f->m.type);
    raw_disposition(p, picture != NULL, f->m.name[0] ? f->m.name : name);
    raw_cut(r, etag, f->m.bytes, p);
    if (strcmp(r->method, "HEAD") == 0) /* nobody reads: what the parser counted will do */
        p->stream.length = f->m.bytes;
}

/* What was added to the answer until now is taken back, but for the headers that were there before. */
static void begin_again(struct response *p, size_t headers)
{
    while (p->header_count > headers)
        free(p->header_texts[--p->header_count]);
    buf_clear(&p->body);
    p->status = 200;
    p->type = NULL;
}

static void send_archived(struct api *a, const struct request *r, const struct archived_file *file, struct response *p)
{
    struct err  e;
    char        name[80];
    const char *extension = "bin", *picture = picture_type(file->type, &extension);
    if (raw_is_known(r, file->hash, p))
        return;
    int fd = archived_open(a, file, &e);
    if (fd < 0) {
        problem_of(p, &e);
        return;
    }
    struct media m = { .type = file->type, .name = "", .bytes = file->bytes, .length = file->bytes };
    raw_stream_fd(fd, &m, p);
    if (!p->stream.read)
        return;
    (void)snprintf(name, sizeof name, "%s-%s.%s", r->args[0], r->args[1], extension);
    p->type = picture ? picture : clip_type(file->type);
    raw_disposition(p, picture != NULL, name);
    raw_cut(r, file->hash, file->bytes, p);
}

/* It is not, or no more, here: perhaps the archive has it. Else the answer stays what it is. */
static void ask_archive(struct api *a, const struct request *r, size_t headers, struct response *p)
{
    struct archived_file file;
    struct err           e;
    size_t               digits = strspn(r->args[1], "0123456789");
    if (!a->o.archive || r->args[1][digits] != '\0' || digits > 6)
        return;
    int found = archived_find(a, r->args[0], (int)strtol(r->args[1], NULL, 10), &file, &e);
    if (found == 0)
        return;
    begin_again(p, headers);
    if (found < 0)
        problem(p, 503, "the archive does not answer: %s", e.text);
    else
        send_archived(a, r, &file, p);
}

void media_get(struct api *a, const struct request *r, struct response *p)
{
    CLEANUP(arena_done) struct arena strings;
    arena_init(&strings, 64 * 1024);
    struct found f;
    struct err   e;
    size_t       headers = p->header_count;
    int          found = find(a, r, &f, &strings, &e);
    if (found < 0)
        problem_of(p, &e);
    else if (found == 0)
        problem(p, 404, "event %s has no medium %s", r->args[0], r->args[1]);
    else if (f.m.is_forgotten)
        problem(p, 410, "this medium is no longer kept (Store:Retention:Pictures)");
    else
        send_medium(a, r, &f, p);
    if (p->status == 404 || p->status == 410)
        ask_archive(a, r, headers, p);
}
