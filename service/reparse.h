/* reparse: reading again. A thread of its own, only while there is something to do, takes arrivals that were read once, from the
 * oldest, through a postern-inspect of its own, and corrects their events: in one transaction each, under the same ids, without telling
 * anybody; what is open to be told stays open. It waits while new arrivals wait. Killed in the middle it has done no harm: asked again it
 * begins from the front, and what was done comes out the same.
 *
 * An event that the new reading no longer has goes, unless somebody was, or is to be, told of it: then it stays as it was. */
#pragma once
#include "service/inspector.h"

struct reparse;

/* The strings of o must outlive it. */
int  reparse_new(struct store *s, const struct inspector_options *o, struct reparse **out, struct err *e) MUST_CHECK;
void reparse_free(struct reparse **r); /* a run that is going on ends after its arrival */

/* Begins; since_ms 0: from the first; device NULL: of all. ERR_STATE: one is running. Any thread. */
int reparse_begin(struct reparse *r, int64_t since_ms, const char *device, struct err *e) MUST_CHECK;
/* "state" (idle, running, done, stopped, failed), "since", "device", "total", "done", "changed" (read by another parser than before), "failed" (not
 * readable now: left as they were), "started_at", "ended_at", "eta_s", "error": members of the object that is open. Any thread. */
void reparse_write(struct reparse *r, struct json_out *w);
bool reparse_is_running(struct reparse *r); /* any thread */
