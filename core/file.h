/* file: a few things that all who write files need. */
#pragma once
#include "core/buf.h"

/* Closes it; negative: there is none. The CLEANUP handler; what was handed over leaves -1 behind, not TAKE's 0. */
void file_close(const int *fd);

/* Adds all there is from here to its end; a signal does not end it. 0, or -1: ERR_IO, and as buf_add. */
int file_read(int fd, struct buf *out, struct err *e) MUST_CHECK;

/* Writes all of it, in as many calls as that takes; a signal does not end it. 0; -1: errno says why, some may be written. */
int file_write(int fd, const void *bytes, size_t n) MUST_CHECK;

/* Keeps a small file of a folder, 0600: written and synced beside its name, renamed, the folder synced; so it is there whole or
 * not at all. 0, or -1: ERR_IO. */
int file_keep(const char *folder, const char *name, const void *bytes, size_t n, struct err *e) MUST_CHECK;
