/* flow: whoever takes is_asleep back resumes the connection. */
#include "api/flow.h"
#include "core/clock.h"
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    BLOCK_BYTES = 32 * 1024,
    BLOCK_SECONDS = 60, /* a client that takes a block slower than that is cut: 546 bytes a second */
};

struct flows {
    pthread_mutex_t lock; /* guards all of this, and of each flow what stands below it */
    struct flow    *first;
    uint64_t        wakes; /* so a wake between a look and the sleep counts */
    bool            is_stopping;
};

struct flow {
    struct stream          stream;
    struct flows          *all;
    struct MHD_Connection *connection;
    int                    fd; /* MHD's, open as long as the flow is */
    struct flow           *next, **link;
    int64_t                asked_ms; /* when the client had taken all before */
    bool                   is_asleep, is_cut;
};

/* --- asked by libmicrohttpd ------------------------------------------------------------------------------------------ */

static uint64_t begin(struct flow *f, bool *is_over_out)
{
    (void)pthread_mutex_lock(&f->all->lock);
    f->asked_ms = clock_mono_ms();
    *is_over_out = f->all->is_stopping || f->is_cut;
    uint64_t wakes = f->all->wakes;
    (void)pthread_mutex_unlock(&f->all->lock);
    return wakes;
}

/* Suspended, unless there was a wake since. To suspend and resume at once is how libmicrohttpd is told "ask again, others first":
 * an answer of 0 bytes alone would not be asked again. */
static void fall_asleep(struct flow *f, bool is_long, uint64_t wakes)
{
    struct flows *all = f->all;
    (void)pthread_mutex_lock(&all->lock);
    f->is_asleep = is_long && wakes == all->wakes && !all->is_stopping;
    MHD_suspend_connection(f->connection);
    if (!f->is_asleep)
        MHD_resume_connection(f->connection);
    (void)pthread_mutex_unlock(&all->lock);
}

static ssize_t on_read(void *user, uint64_t position, char *out, size_t n)
{
    (void)position; /* it only moves forward */
    struct flow *f = user;
    bool         is_over;
    uint64_t     wakes = begin(f, &is_over);
    ssize_t      got = is_over ? STREAM_BROKEN : f->stream.read(f->stream.user, out, n);
    if (got == STREAM_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (got != STREAM_AGAIN && got != STREAM_WAIT)
        return got < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : got;
    fall_asleep(f, got == STREAM_WAIT, wakes);
    return 0;
}

static void on_end(void *user)
{
    struct flow *f = user;
    (void)pthread_mutex_lock(&f->all->lock);
    *f->link = f->next;
    if (f->next)
        f->next->link = f->link;
    (void)pthread_mutex_unlock(&f->all->lock);
    f->stream.close(f->stream.user);
    free(f);
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

struct flows *flows_new(void)
{
    struct flows *all = calloc(1, sizeof *all);
    if (all)
        (void)pthread_mutex_init(&all->lock, NULL);
    return all;
}

void flows_free(struct flows *all)
{
    if (!all)
        return;
    (void)pthread_mutex_destroy(&all->lock);
    free(all);
}

static int descriptor_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static struct flow *flow_new(struct flows *all, struct MHD_Connection *connection, const struct stream *from)
{
    struct flow *f = malloc(sizeof *f);
    if (!f)
        return NULL;
    *f = (struct flow){ .stream = *from, .all = all, .connection = connection, .fd = descriptor_of(connection), .asked_ms = clock_mono_ms() };
    if (f->stream.block_seconds == 0)
        f->stream.block_seconds = BLOCK_SECONDS;
    (void)pthread_mutex_lock(&all->lock);
    f->next = all->first;
    f->link = &all->first;
    if (f->next)
        f->next->link = &f->next;
    all->first = f;
    (void)pthread_mutex_unlock(&all->lock);
    return f;
}

struct MHD_Response *flow_answer(struct flows *all, struct MHD_Connection *connection, struct stream *from)
{
    struct stream given = *from;
    *from = (struct stream){ 0 };
    struct flow *f = flow_new(all, connection, &given);
    if (!f) {
        given.close(given.user);
        return NULL;
    }
    uint64_t length = given.length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)given.length;
    struct MHD_Response *m = MHD_create_response_from_callback(length, given.block ? given.block : BLOCK_BYTES, on_read, f, on_end);
    if (!m)
        on_end(f);
    return m;
}

/* --- asked by others ------------------------------------------------------------------------------------------------- */

/* With the lock. */
static void wake(struct flow *f)
{
    if (!f->is_asleep)
        return;
    f->is_asleep = false;
    f->asked_ms = clock_mono_ms(); /* its time begins now */
    MHD_resume_connection(f->connection);
}

/* With the lock. */
static void wake_all(struct flows *all)
{
    all->wakes++;
    for (struct flow *f = all->first; f; f = f->next)
        wake(f);
}

void flows_wake(struct flows *all)
{
    (void)pthread_mutex_lock(&all->lock);
    wake_all(all);
    (void)pthread_mutex_unlock(&all->lock);
}

void flows_stop(struct flows *all)
{
    (void)pthread_mutex_lock(&all->lock);
    all->is_stopping = true;
    wake_all(all);
    (void)pthread_mutex_unlock(&all->lock);
}

/* Nobody takes what was sent, or nobody is there any more: libmicrohttpd looks at no connection that is asleep. */
static bool is_lost(const struct flow *f, int64_t now_ms)
{
    char byte;
    if (f->is_asleep)
        return recv(f->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    return now_ms - f->asked_ms > (int64_t)f->stream.block_seconds * 1000;
}

int flows_look_after(struct flows *all, int64_t now_ms)
{
    int count = 0;
    (void)pthread_mutex_lock(&all->lock);
    for (struct flow *f = all->first; f; f = f->next, count++)
        if (!f->is_cut && is_lost(f, now_ms)) {
            f->is_cut = true;
            (void)shutdown(f->fd, SHUT_RDWR);
            wake(f);
        }
    (void)pthread_mutex_unlock(&all->lock);
    return count;
}
