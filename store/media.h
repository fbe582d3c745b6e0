/* media: a piece of a raw arrival as the bytes it stands for: (descriptor, offset, length, encoding) → picture. Reads with
 * pread, holds a few kilobytes and no database; so a slow reader costs neither a transaction nor a thread. */
#pragma once
#include "core/event.h"
#include "core/err.h"
#include <sys/types.h>

struct media_stream;
/* Takes fd over, on every path. length -1: to the end of the file. */
int media_open(int fd, int64_t offset, int64_t length, enum encoding encoding, struct media_stream **out, struct err *e) MUST_CHECK;
/* Decoded bytes, up to n; 0: the end; -1: the arrival ended before its length, or cannot be read. */
ssize_t media_read(struct media_stream *s, void *out, size_t n, struct err *e) MUST_CHECK;
void    media_close(struct media_stream **s);
