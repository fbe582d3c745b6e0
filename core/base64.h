/* base64: RFC 4648 section 4, for AUTH, signatures and attachments. */
#pragma once
#include "core/buf.h"

void base64_encode(struct buf *out, const void *bytes, size_t n); /* with padding, no line breaks; may set out->failed */

/* Strict: only the alphabet, right padding (or none). ERR_INPUT otherwise, ERR_LIMIT when out is full. */
int base64_decode(struct buf *out, const char *text, size_t n, struct err *e) MUST_CHECK;

/* Tolerant, for mail bodies: what is not in the alphabet is passed over; after padding a new group may begin.
 * Keeps its state between calls, so that a body may come in pieces. */
struct base64_stream {
    unsigned bits;  /* up to 18 bits not yet written */
    int      count; /* sextets in bits               */
};
/* out must have room for n bytes; returns how many were written. */
size_t base64_stream_decode(struct base64_stream *s, const char *text, size_t n, unsigned char *out);
