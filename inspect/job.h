/* job: how postern and postern-inspect talk, over a stream socket pair that is the helper's standard input.
 *
 * A frame is four bytes of length (native order: both ends are one machine) and that many bytes of JSON.
 *   helper → postern, once    {"ready":true}  or  {"error":"…"} and it ends (no seccomp here, no such time zone)
 *   postern → helper          {"received_ms":N,"envelope":{…},"device":{"id","name","kind","language","time_zone"}}, then a NUL and the raw arrival where it is small, else with
 *                             the first byte one descriptor: the raw arrival
 *   helper → postern          {"parser","subject","rule_trouble","events":[event_write_full …]} or {"error"}; with "retire":true
 *                             it ends after this answer (1,000 jobs, or 64 MB grown): start another
 * Jobs are answered in their order. Several small ones may be on their way; one with a descriptor is on its way alone, so that
 * what was read in one piece never holds two descriptors. The end of the stream ends the helper. Postern believes nothing but
 * well-formed answers. */
#pragma once
#include "core/buf.h"
#include "core/envelope.h"
#include "core/event.h"

enum { JOB_FRAME_MAX = 1024 * 1024, JOB_SOCKET = 0 };

/* Sends all of it; pass_fd goes with the first byte (-1: none). Blocks as long as the socket does: a send timeout is the socket's. */
int job_send(int socket, const struct buf *json, int pass_fd, struct err *e) MUST_CHECK;

/* Takes the next frame: it stands first in frame, until the caller has read it: job_next. 1; 0: the other end is gone; -1:
 * ERR_TIMEOUT after wait_ms (-1: never; what came so far stays in frame: call again), ERR_INPUT, ERR_IO.
 * passed_fd_out: NULL, or the descriptor that came along (-1: none). */
int job_receive(int socket, struct buf *frame, int wait_ms, int *passed_fd_out, struct err *e) MUST_CHECK;
/* Of a frame that job_receive gave: the JSON behind the length; the raw arrival behind that (NULL: none). */
const char *job_text(const struct buf *frame, size_t *n_out);
const char *job_raw(const struct buf *frame, size_t *n_out);
void        job_next(struct buf *frame); /* drops it; what has come behind it stays */

/* Who sent it, as far as postern knows; kind, language and time_zone may be "". */
struct job_device {
    const char *id, *name, *kind, *language, *time_zone;
};

/* The bodies. envelope is JSON already; device NULL: not known; raw NULL: it comes as a descriptor. */
void job_write_request(struct buf *out, const char *envelope, const struct job_device *device, int64_t received_ms, const char *raw,
                       size_t n);
void job_write_answer(struct buf *out, const char *subject, const struct events *events, bool is_last);
void job_write_error(struct buf *out, const char *text, bool is_last);
void job_write_ready(struct buf *out);

/* An answer, or the greeting. Strings in arena; events->arena must be set. */
struct job_answer {
    const char *error;   /* NULL: none */
    const char *parser, *subject;
    bool        is_last; /* the helper ends now */
};
int job_read_answer(const struct buf *frame, struct events *events, struct job_answer *out, struct err *e) MUST_CHECK;
