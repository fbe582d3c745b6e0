/* import: bringing the past along. A thread of its own, only while there is something to do, takes rows of another system (import_row.h),
 * lets a postern-inspect of its own read each, and keeps it as an arrival with its events, in transactions of about thirty. Nobody is
 * told: the relay never hears of it. New arrivals go first. Ids follow from the rows: killed anywhere and begun again, each row is there once.
 *
 * One way for both cases: the same object runs in the gateway (`postern import` asks it to, over the API, and watches), or, where none
 * runs, in `postern import` itself, which then holds the store. The store's lock says which. What is to be read is named in a file of the
 * data folder, never by the API: whoever holds a token from afar cannot make the gateway open files or connect anywhere. */
#pragma once
#include "service/inspector.h"

struct import;

struct import_options {
    const struct inspector_options *inspector; /* its strings must outlive the import */
    const char                     *site;
    bool                            is_alone; /* no gateway runs here: nobody else reads what waits */
};
int  import_new(struct store *s, const struct import_options *o, struct import **out, struct err *e) MUST_CHECK;
void import_free(struct import **i); /* a run that is going on ends after its transaction */

/* The job as `postern import` left it for the gateway (import_job.h), 0600 in the data folder; replaces one that was not taken. */
int import_leave_job(const char *folder, const struct buf *job, struct err *e) MUST_CHECK;
/* Takes that job and begins. ERR_NOT_FOUND: there is none; ERR_STATE: a run is going on; ERR_INPUT: it is wrong. Any thread. */
int import_begin(struct import *i, struct err *e) MUST_CHECK;
void import_stop(struct import *i); /* after its transaction; does not wait */

/* "state" (idle, running, done, stopped, failed), "source", "total", "read", "kept", "already" (there before), "refused" (no row, or no
 * time), "unreadable" (kept, but nobody could read it), "events", "persons", "started_at", "ended_at", "eta_s", "refusals": [text…] (the
 * first), "error". Any thread. */
void import_write(struct import *i, struct json_out *w);
bool import_is_running(struct import *i); /* any thread */
