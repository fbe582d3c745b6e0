/* raw: answers whose bytes a stranger wrote: streamed from the arrival, and fenced so that no browser runs them. */
#pragma once
#include "api/context.h"
#include "core/event.h"

/* Whether the client has this version already: then *p is 304. Sets the ETag header in any case. etag without quotes. */
bool raw_is_known(const struct request *r, const char *etag, struct response *p);

/* Content-Disposition with the stranger's name as data: no path, no control characters. */
void raw_disposition(struct response *p, bool is_inline, const char *name);

/* Makes *p the stream of these bytes of the arrival. is_inline: a picture that a browser may show. */
void raw_stream(struct api *a, int64_t arrival_seq, const struct media *m, struct response *p);

/* The same of a descriptor, which is taken over. */
void raw_stream_fd(int fd, const struct media *m, struct response *p);

/* After raw_stream: only the range that was asked for, of `total` bytes there are (0: not known, no ranges). etag as in raw_is_known. */
void raw_cut(const struct request *r, const char *etag, int64_t total, struct response *p);
