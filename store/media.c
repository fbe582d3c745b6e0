/* media: pread and decoder, one piece at a time. */
#include "store/media.h"
#include "core/decoder.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 8 * 1024 };

struct media_stream {
    int            fd;
    int64_t        offset, left; /* encoded */
    bool           is_ended;
    struct decoder decoder;
    size_t         decoded_at, decoded_end; /* what of `decoded` was not taken yet */
    char           piece[PIECE];
    unsigned char  decoded[PIECE + DECODER_ROOM];
};

int media_open(int fd, int64_t offset, int64_t length, enum encoding encoding, struct media_stream **out, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        (void)err_set(e, ERR_IO, "fstat: %m");
        (void)close(fd);
        return -1;
    }
    if (length < 0)
        length = st.st_size - offset;
    struct media_stream *s = offset >= 0 && length >= 0 ? malloc(sizeof *s) : NULL;
    if (!s) {
        (void)close(fd);
        return err_set(e, offset >= 0 && length >= 0 ? ERR_NOMEM : ERR_INPUT, "no room, or no such place in the arrival");
    }
    s->fd = fd;
    s->offset = offset;
    s->left = length;
    s->is_ended = false;
    s->decoded_at = s->decoded_end = 0;
    decoder_init(&s->decoder, encoding);
    *out = s;
    return 0;
}

/* The next encoded bytes into s->piece: their number, at least 1; -1. */
static ssize_t next_piece(struct media_stream *s, struct err *e)
{
    size_t  want = s->left < PIECE ? (size_t)s->left : PIECE;
    ssize_t got = pread(s->fd, s->piece, want, (off_t)s->offset);
    if (got < 0)
        return err_set(e, ERR_IO, "read the arrival: %m");
    if (got == 0)
        return err_set(e, ERR_IO, "the arrival is shorter than it was");
    s->offset += got;
    s->left -= got;
    return got;
}

/* Decodes until there is something to take, or the end. */
static int refill(struct media_stream *s, struct err *e)
{
    s->decoded_at = s->decoded_end = 0;
    while (s->decoded_end == 0 && s->left > 0) {
        ssize_t got = next_piece(s, e);
        if (got < 0)
            return -1;
        s->decoded_end = decoder_feed(&s->decoder, s->piece, (size_t)got, s->decoded);
    }
    if (s->decoded_end == 0 && !s->is_ended) {
        s->is_ended = true;
        s->decoded_end = decoder_end(&s->decoder, s->decoded);
    }
    return 0;
}

ssize_t media_read(struct media_stream *s, void *out, size_t n, struct err *e)
{
    if (s->decoded_at == s->decoded_end && refill(s, e) < 0)
        return -1;
    size_t left = s->decoded_end - s->decoded_at;
    size_t take = n < left ? n : left;
    memcpy(out, s->decoded + s->decoded_at, take);
    s->decoded_at += take;
    return (ssize_t)take;
}

void media_close(struct media_stream **sp)
{
    struct media_stream *s = TAKE(*sp);
    if (!s)
        return;
    (void)close(s->fd);
    free(s);
}
