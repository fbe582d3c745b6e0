/* transfer: content transfer encodings, undone as devices need it: tolerant, in pieces, never failing. Whoever says how many
 * bytes an attachment has (parsers) and whoever hands it out (api) count alike, because both do it here. */
#pragma once
#include "core/base64.h"
#include "core/event.h"

/* Begins as { .encoding = … }; keeps what a piece left open. */
struct transfer {
    enum encoding        encoding;
    struct base64_stream base64;
    char                 held[3]; /* quoted-printable: "=", "=4" or a soft line break so far */
    unsigned             held_count;
    unsigned             uu_state, uu_left, uu_bits, uu_count;
};

/* out has room for n + 2 bytes; returns how many were written. */
size_t transfer_decode(struct transfer *t, const char *text, size_t n, unsigned char *out);

/* What decoding all of it would give, in bytes, without room for it. */
int64_t transfer_size(enum encoding encoding, const char *text, size_t n);
