/* export_files: the files in Store:ExportFolder: <device>/<YYYY-MM-DD>/<HHMMSS>-<n>.jpg and the same with .json. Nothing a stranger
 * wrote becomes a path. No database; each call may hang as long as that file system does. */
#pragma once
#include "store/exported.h"
#include "store/media.h"

/* How names of this device's pictures begin: in local time, the device's id cut to letters that every file system takes. */
void export_beginning(char out[EXPORTED_STEM], const char *device, int64_t received_ms);
/* "jpg" for "image/jpeg"; NULL: neither picture nor clip. */
const char *export_extension(const char *type);

/* Opens it; made if only its last part is missing. ERR_INPUT: it lies in `data` (a descriptor of the data folder), or the other way round. */
int export_open(const char *path, int data, int *fd_out, struct err *e) MUST_CHECK;

struct export_room {
    int64_t free, all; /* bytes of its file system */
};
int export_room(int folder, struct export_room *out, struct err *e) MUST_CHECK;

/* Both files whole under temporary names, synced, then renamed, the picture last: who sees it finds the other. Overwrites what a run that
 * was cut off left there. 1, x->bytes is set; 0: the picture cannot be read (nothing stays); -1: the folder fails. */
int export_write(int folder, struct exported *x, const char *json, size_t n, struct media_stream *picture, struct err *e) MUST_CHECK;
/* Both, and folders that are empty then. What is not there is gone. */
int export_remove(int folder, const struct exported *x, struct err *e) MUST_CHECK;
