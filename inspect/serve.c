/* serve: the job loop. The parent keeps the time; here only the count of jobs and the memory are watched, and the process
 * asks to be replaced between two jobs. */
#include "inspect/inspect.h"
#include "inspect/job.h"
#include "parsers/zone.h"
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JOBS_MAX = 1000, GROWTH_MAX_MIB = 64, EXIT_NO_SANDBOX = 69 };

struct server {
    const struct parser_site *site;
    int                       statm; /* opened before the filter */
    long                      resident_at_start;
    int                       jobs;
    struct buf                frame, answer;
};

/* Pages in memory: the second number of /proc/self/statm; 0 where there is none. */
static long resident_pages(int statm)
{
    char    text[128];
    ssize_t n = pread(statm, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *second = strchr(text, ' ');
    return second ? strtol(second, NULL, 10) : 0;
}

/* Small mails do not need a look each time. */
static bool is_worn_out(struct server *s, bool is_large)
{
    enum { LOOK_EVERY = 32 };
    if (!is_large && s->jobs % LOOK_EVERY != 0 && s->jobs < JOBS_MAX)
        return false;
    long grown_kib = (resident_pages(s->statm) - s->resident_at_start) * (sysconf(_SC_PAGESIZE) / 1024);
    return s->jobs >= JOBS_MAX || grown_kib / 1024 > GROWTH_MAX_MIB;
}

/* NULL: postern does not know who sent it, or the arena is full. */
static const struct parser_device *read_device(const struct json *v, struct arena *a)
{
    struct parser_device *d = json_str(v, "id", NULL) ? arena_alloc(a, sizeof *d) : NULL;
    if (!d)
        return NULL;
    *d = (struct parser_device){
        .id = arena_str(a, json_str(v, "id", "")),
        .name = arena_str(a, json_str(v, "name", "")),
        .kind = arena_str(a, json_str(v, "kind", "")),
        .language = arena_str(a, json_str(v, "language", "")),
        .zone = zone_find(json_str(v, "time_zone", "")),
    };
    return d->id && d->name && d->kind && d->language ? d : NULL;
}

static int read_request(struct server *s, struct inspection *i, struct envelope *envelope, int64_t *received_ms, struct err *e)
{
    size_t                         n;
    const char                    *text = job_text(&s->frame, &n);
    CLEANUP(json_free) struct json *root = json_parse(text, n, e);
    if (!root)
        return -1;
    *received_ms = json_int(root, "received_ms", 0);
    i->mail.device = read_device(json_get(root, "device"), &i->arena);
    if (envelope_read(json_get(root, "envelope"), &i->arena, envelope) < 0)
        return err_set(e, ERR_NOMEM, "no room for the envelope");
    return 0;
}

static int do_job(struct server *s, int fd, struct inspection *i, bool *is_large_out, struct err *e)
{
    struct envelope envelope;
    int64_t         received_ms;
    struct raw      raw;
    if (read_request(s, i, &envelope, &received_ms, e) < 0)
        return -1;
    size_t      n;
    const char *bytes = job_raw(&s->frame, &n);
    if (bytes)
        return inspect_bytes(i, bytes, n, s->site, &envelope, received_ms, e);
    if (raw_open(fd, &raw, e) < 0)
        return -1;
    int r = inspect_bytes(i, raw.bytes, raw.n, s->site, &envelope, received_ms, e);
    *is_large_out = raw.mapped;
    raw_close(&raw);
    if (*is_large_out)
        (void)malloc_trim(0);
    return r;
}

static int answer_job(struct server *s, int fd)
{
    CLEANUP(inspection_done) struct inspection i;
    struct err                                 e = { 0 };
    inspection_init(&i);
    s->jobs++;
    buf_clear(&s->answer);
    bool is_large = false;
    int  r = do_job(s, fd, &i, &is_large, &e);
    bool is_last = is_worn_out(s, is_large);
    if (r < 0)
        job_write_error(&s->answer, e.text, is_last);
    else
        job_write_answer(&s->answer, i.mail.subject, &i.events, is_last);
    return job_send(JOB_SOCKET, &s->answer, -1, &e) < 0 ? -1 : is_last;
}

/* A large mail has been read for the first time, and mostly for the last: the machine's memory is for the database. Before it is
 * on disk nothing goes; what is looked at again is read again. */
static void done_with(int fd)
{
    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

/* The greeting says whether the sandbox holds. */
static int greet(struct server *s, const struct sandbox *sandbox)
{
    struct err e;
    int        r = sandbox_enter(sandbox, &e);
    if (r < 0) {
        job_write_error(&s->answer, e.text, true);
        (void)fprintf(stderr, "postern-inspect: %s; Inspect:Sandbox=off would do without\n", e.text);
    } else {
        job_write_ready(&s->answer);
    }
    return job_send(JOB_SOCKET, &s->answer, -1, &e) < 0 || r < 0 ? -1 : 0;
}

int inspect_serve(const struct parser_site *site, const struct sandbox *sandbox)
{
    struct server s = { .site = site, .statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC) };
    struct err    e;
    int           fd = -1;
    buf_init(&s.frame, JOB_FRAME_MAX + 64 * 1024);
    buf_init(&s.answer, JOB_FRAME_MAX);
    s.resident_at_start = resident_pages(s.statm);
    if (greet(&s, sandbox) < 0)
        return EXIT_NO_SANDBOX;
    for (int ended = 0; !ended && job_receive(JOB_SOCKET, &s.frame, -1, &fd, &e) == 1;) {
        ended = answer_job(&s, fd);
        job_next(&s.frame);
        done_with(fd);
        fd = -1;
    }
    buf_done(&s.frame);
    buf_done(&s.answer);
    return EXIT_SUCCESS;
}
