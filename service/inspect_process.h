/* inspect_process: one running postern-inspect, as one of the inspector's threads holds it: started, asked, ended. It may be
 * taken over by the mail it reads, so its answers are only data and it is killed when it is late. One thread. */
#pragma once
#include "inspect/job.h"
#include "service/inspector.h"
#include <sys/types.h>

struct inspect_process {
    pid_t      pid;    /* 0: not running */
    int        socket; /* -1: not running */
    int        unheard; /* questions it has not answered */
    struct buf frame, request;
};
void inspect_process_init(struct inspect_process *p);
void inspect_process_done(struct inspect_process *p);

/* Called about four times a second while the process is waited for; false: we are stopping, wait no longer. */
struct ticker {
    bool (*tick)(void *user);
    void *user;
};

/* Starts it and waits for its greeting (10 s). ERR_IO: it cannot be started; ERR_STATE: it refuses, text says why. */
int  inspect_process_start(struct inspect_process *p, const struct inspector_options *o, struct ticker t, struct err *e) MUST_CHECK;
void inspect_process_stop(struct inspect_process *p); /* kills and reaps; nothing if it is not running */

struct question {
    const char *envelope; /* JSON */
    const struct job_device *device; /* NULL: not known */
    int64_t     received_ms;
    const char *raw;      /* the arrival, small; NULL: fd */
    size_t      raw_bytes;
    int         fd;       /* stays the caller's */
};
/* Hands it one more question; answers come in order. Several may be open (process->unheard), but one with a descriptor only alone.
 * -1 and the process is stopped (ERR_BUSY): it was gone before it took it; the same question to a new one may succeed. */
int inspect_process_tell(struct inspect_process *p, const struct question *q, struct err *e) MUST_CHECK;

/* The next answer: 0 with *out (which may hold an error of the reader's own); the process may have ended with it. -1 and the process is
 * stopped: ERR_TIMEOUT: it was late; ERR_IO: it died of this question; ERR_BUSY: we are stopping; ERR_INPUT: its answer is none. */
int inspect_process_hear(struct inspect_process *p, int64_t deadline_ms, struct ticker t, struct events *events, struct job_answer *out,
                         struct err *e) MUST_CHECK;
