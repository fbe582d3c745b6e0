/* exporter: a thread that puts each picture into Store:ExportFolder too, for other programs (store/export_files.h says how it lies there), and
 * takes the oldest away again, by age and bytes. It follows the database by position and holds no queue; a folder that is full, gone,
 * read-only or hangs costs nobody else anything, and is caught up with later. Positions and names are written with the same
 * care as events (store/exported.h), so that a restart leaves nothing out and writes nothing twice. */
#pragma once
#include "store/store.h"

struct exporter;
struct exporter_options {
    const char *folder, *site;
    int         days;  /* older ones go; 0: never                          */
    int64_t     bytes; /* above that the oldest go; 0: a quarter of its file system */
};
/* Before events are made: a folder that is new begins with those. */
int  exporter_start(struct store *s, const struct exporter_options *o, struct exporter **out, struct err *e) MUST_CHECK;
void exporter_stop(struct exporter **x); /* before store_close; three seconds at most */

struct exporter_state {
    bool     is_failing;
    int64_t  failing_ms; /* for so long, monotonic */
    uint64_t pictures;   /* exported since the start */
    char     text[300];  /* why it fails */
};
void exporter_state(struct exporter *x, struct exporter_state *out); /* any thread */
