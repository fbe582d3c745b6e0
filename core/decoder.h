/* decoder: the bytes of an attachment out of their transfer encoding, piece by piece and in constant memory. Whoever says how many bytes an
 * attachment has (parsers) and whoever hands it out (store) count alike, because both do it here. Tolerant as a mail
 * reader must be: what is not of the encoding is passed over (base64, uuencode) or taken as it is (quoted-printable). */
#pragma once
#include "core/base64.h"
#include "core/event.h"

struct decoder {
    enum encoding        encoding;
    struct base64_stream base64;
    char                 held[3]; /* quoted-printable: "=", "=4", "= " not yet decided */
    unsigned char        held_count;
    unsigned             uu_state, uu_left, uu_bits, uu_count;
};
void decoder_init(struct decoder *d, enum encoding encoding);

enum { DECODER_ROOM = 4 }; /* what a piece may give beyond its own length: held back from the piece before */
/* out has room for n + DECODER_ROOM bytes; returns how many were written. The pieces may be cut anywhere. */
size_t decoder_feed(struct decoder *d, const char *text, size_t n, unsigned char *out);
/* After the last piece: what is still held; at most DECODER_ROOM bytes. */
size_t decoder_end(struct decoder *d, unsigned char *out);

/* What decoding all of it gives, in bytes, without room for it. */
int64_t decoder_size(enum encoding encoding, const char *text, size_t n);
