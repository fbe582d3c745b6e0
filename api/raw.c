/* raw: ETag, fences, and the stream between store/media.h and http.h. */
#include "api/raw.h"
#include "api/range.h"
#include "core/log.h"
#include "core/utf8.h"
#include "store/media.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 120 };

/* If-None-Match: "a", W/"b", * (RFC 9110 section 13.1.2; weak comparison). */
static bool is_etag_listed(const char *list, const char *quoted)
{
    size_t n = strlen(quoted);
    for (const char *at = list; (at = strstr(at, quoted)) != NULL; at += n)
        if (at[n] == '\0' || strchr(", \t", at[n]))
            return true;
    return strcmp(list, "*") == 0;
}

bool raw_is_known(const struct request *r, const char *etag, struct response *p)
{
    char quoted[96];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    response_header(p, "ETag", quoted);
    response_header(p, "Cache-Control", "private, no-cache"); /* kept by the browser, asked for again with the ETag */
    const char *known = http_header(r, "If-None-Match");
    if (!known || !is_etag_listed(known, quoted))
        return false;
    p->status = 304;
    return true;
}

/* The last part of a path, without what has a meaning in a header or a file system. */
static void clean_name(const char *name, char out[NAME_BYTES])
{
    const char *slash = strrchr(name, '/'), *backslash = strrchr(name, '\\');
    name = slash ? slash + 1 : name;
    name = backslash && backslash >= name ? backslash + 1 : name;
    size_t n = utf8_cut(name, strlen(name), NAME_BYTES - 1);
    memcpy(out, name, n);
    out[n] = '\0';
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || strchr("\"%;:*?<>|", *c))
            *c = '_';
    if (out[0] == '.')
        out[0] = '_';
}

static void put_percent_encoded(struct buf *out, const char *s)
{
    for (; *s; s++)
        if ((*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') || strchr("-._", *s))
            buf_putc(out, *s);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*s);
}

/* Both forms of RFC 6266: an ASCII name for old readers, the true one for the others. */
void raw_disposition(struct response *p, bool is_inline, const char *name)
{
    char clean[NAME_BYTES];
    clean_name(name, clean);
    CLEANUP(buf_done) struct buf value;
    buf_init(&value, 1024);
    buf_puts(&value, is_inline ? "inline; filename=\"" : "attachment; filename=\"");
    for (const char *c = clean; *c; c++)
        buf_putc(&value, (unsigned char)*c < 0x80 ? *c : '_');
    buf_puts(&value, "\"; filename*=UTF-8''");
    put_percent_encoded(&value, clean);
    response_header(p, "Content-Disposition", buf_str(&value));
}

/* A stream, or a range of it: `skip` bytes are decoded and dropped first, then `left` (-1: all) are sent. */
struct part {
    struct media_stream *stream;
    int64_t              skip, left;
};

static ssize_t read_on(struct part *s, void *out, size_t n)
{
    struct err e;
    ssize_t    got = media_read(s->stream, out, n, &e);
    if (got < 0)
        log_line(LOG_WARN, "api.stream", LOG_S("text", e.text));
    return got;
}

/* 0: the bytes before the range are behind us; -1: the stream ended before. */
static int skip_bytes(struct part *s)
{
    char dropped[4096];
    while (s->skip > 0) {
        ssize_t got = read_on(s, dropped, s->skip < (int64_t)sizeof dropped ? (size_t)s->skip : sizeof dropped);
        if (got <= 0)
            return -1;
        s->skip -= got;
    }
    return 0;
}

static ssize_t on_read(void *user, void *out, size_t n)
{
    struct part *s = user;
    if (skip_bytes(s) < 0)
        return STREAM_BROKEN;
    if (s->left < 0)
        return read_on(s, out, n);
    ssize_t got = read_on(s, out, s->left < (int64_t)n ? (size_t)s->left : n);
    s->left -= got > 0 ? got : 0;
    return got;
}

static void on_close(void *user)
{
    struct part *s = user;
    media_close(&s->stream);
    free(s);
}

static int open_raw(struct api *a, int64_t arrival_seq, int *fd_out, struct err *e)
{
    struct store_reader *reader = NULL;
    if (api_reader(a, &reader, e) < 0)
        return -1;
    int failed = store_open_raw(reader, arrival_seq, fd_out, e);
    api_reader_back(a, &reader);
    return failed;
}

void raw_stream(struct api *a, int64_t arrival_seq, const struct media *m, struct response *p)
{
    struct err e;
    int        fd = -1;
    if (open_raw(a, arrival_seq, &fd, &e) < 0) {
        if (e.code == ERR_NOT_FOUND)
            problem(p, 410, "the raw arrival is no longer kept (Store:KeepRawDays, Store:MaxBytes)");
        else
            problem_of(p, &e);
        return;
    }
    raw_stream_fd(fd, m, p);
}

void raw_stream_fd(int fd, const struct media *m, struct response *p)
{
    struct err   e;
    struct part *s = malloc(sizeof *s);
    if (!s) {
        (void)close(fd);
        problem(p, 503, "out of memory");
        return;
    }
    *s = (struct part){ .left = -1 };
    if (media_open(fd, m->offset, m->length, m->encoding, &s->stream, &e) < 0) {
        free(s);
        problem_of(p, &e);
        return;
    }
    response_header(p, "Content-Security-Policy", "sandbox");
    p->stream = (struct stream){ .read = on_read, .close = on_close, .user = s, .length = -1 };
    if (m->encoding == ENCODING_NONE && m->length >= 0)
        p->stream.length = m->length;
}

void raw_cut(const struct request *r, const char *etag, int64_t total, struct response *p)
{
    char    quoted[96], range[80];
    int64_t first = 0, last = 0;
    if (total <= 0 || !p->stream.read)
        return;
    response_header(p, "Accept-Ranges", "bytes");
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    bool is_of_use = strcmp(r->method, "GET") == 0 && range_is_of(http_header(r, "If-Range"), quoted);
    switch (is_of_use ? range_read(http_header(r, "Range"), total, &first, &last) : RANGE_WHOLE) {
    case RANGE_WHOLE:
        return;
    case RANGE_PART: {
        struct part *s = p->stream.user;
        s->skip = first;
        s->left = p->stream.length = last - first + 1;
        p->status = 206;
        (void)snprintf(range, sizeof range, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, first, last, total);
        break;
    }
    case RANGE_NONE:
        p->stream.close(p->stream.user);
        p->stream = (struct stream){ 0 };
        problem(p, 416, "there are %" PRId64 " bytes", total);
        (void)snprintf(range, sizeof range, "bytes */%" PRId64, total);
        break;
    }
    response_header(p, "Content-Range", range);
}
