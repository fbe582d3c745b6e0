/* inspect_ask: small mails travel inside the question, larger ones as a descriptor. */
#include "service/inspect_ask.h"
#include "core/memory_file.h"
#include "service/devices.h"
#include <string.h>
#include <unistd.h>

enum {
    JOB_MS = 2000,
    JOB_BYTES_PER_SECOND = 5 * 1024 * 1024,
    ENVELOPE_ARENA = 512 * 1024,
    INLINE_BYTES = 64 * 1024, /* larger ones go as a descriptor */
};

/* Who sent it, before it is read; false: nobody is known, the reader draws an id of its own. */
static bool recognise(struct devices *d, const struct arrival_row *row, struct device_known *known, struct job_device *out)
{
    CLEANUP(arena_done) struct arena a;
    CLEANUP(json_free) struct json  *json = d ? json_parse(row->envelope, strlen(row->envelope), NULL) : NULL;
    struct envelope                  envelope;
    arena_init(&a, ENVELOPE_ARENA);
    if (!json || envelope_read(json, &a, &envelope) < 0)
        return false;
    devices_recognise(d, &envelope, known);
    *out = (struct job_device){ known->id, known->name, known->kind, known->language, known->time_zone };
    return known->id[0] != '\0';
}

/* q has the bytes; its descriptor is closed here. */
static int tell(struct inspect_process *p, const struct inspector_options *o, const struct arrival_row *row, struct question *q,
                struct err *e)
{
    struct device_known known;
    struct job_device   device;
    q->envelope = row->envelope;
    q->received_ms = row->received_ms;
    if (recognise(o->devices, row, &known, &device))
        q->device = &device;
    int told = inspect_process_tell(p, q, e);
    if (q->fd >= 0)
        (void)close(q->fd);
    return told == 0;
}

int inspect_ask(struct inspect_process *p, const struct inspector_options *o, struct store_reader *reader, const struct arrival_row *row,
                struct err *e)
{
    CLEANUP(buf_done) struct buf raw;
    buf_init(&raw, INLINE_BYTES);
    struct question q = { .fd = -1 };
    int             r = row->bytes <= INLINE_BYTES ? store_copy_raw(reader, row->seq, &raw, e) : 0;
    if (r == 0)
        r = store_open_raw(reader, row->seq, &q.fd, e);
    if (r < 0)
        return -1;
    if (q.fd < 0) {
        q.raw = buf_str(&raw);
        q.raw_bytes = raw.len;
    }
    return tell(p, o, row, &q, e);
}

int inspect_ask_bytes(struct inspect_process *p, const struct inspector_options *o, const struct arrival_row *row, const char *raw,
                      struct err *e)
{
    struct question q = { .fd = -1 };
    if (row->bytes > INLINE_BYTES) {
        if (memory_file_open(raw, (size_t)row->bytes, &q.fd, e) < 0)
            return -1;
    } else {
        q.raw = raw;
        q.raw_bytes = (size_t)row->bytes;
    }
    return tell(p, o, row, &q, e);
}

int64_t inspect_deadline_ms(const struct inspector_options *o, int64_t bytes)
{
    int64_t base = o->job_ms > 0 ? o->job_ms : JOB_MS;
    return base + bytes * 1000 / JOB_BYTES_PER_SECOND;
}
