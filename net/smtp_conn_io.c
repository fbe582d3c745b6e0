/* smtp_conn_io: the socket. Input that cannot be taken yet (a mail waits for the store, replies wait for the device, the disk is
 * behind) is held, and reading stops until then. */
#include "net/smtp_conn_inside.h"
#include <stdlib.h>
#include <string.h>

enum { BEHIND_BYTES = 512 * 1024 }; /* collected while the disk still writes what came before: stop reading */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    const struct smtp_conn *c = handle->data;
    (void)suggested;
    *out = uv_buf_init(c->shared->input, (unsigned)c->shared->input_bytes);
}

bool smtp_conn_is_behind(const struct smtp_conn *c)
{
    return c->intake && intake_is_busy(c->intake) && smtp_session_body(c->session)->len >= BEHIND_BYTES;
}

bool smtp_conn_may_feed(const struct smtp_conn *c)
{
    return !c->is_committing && !c->login && !c->is_writing && !c->is_ending && !c->is_dropped && !smtp_conn_is_behind(c);
}

void smtp_conn_stop_reading(struct smtp_conn *c)
{
    if (c->is_reading)
        (void)uv_read_stop((uv_stream_t *)&c->tcp);
    c->is_reading = false;
}

void smtp_conn_hold(struct smtp_conn *c, const char *bytes, size_t n)
{
    struct err e;
    smtp_conn_stop_reading(c);
    if (buf_add(&c->held, bytes, n, &e) < 0)
        smtp_conn_drop(c);
}

/* The device said all it will say. What it has not been answered yet it may still want to hear. */
void smtp_conn_heard_all(struct smtp_conn *c)
{
    c->is_eof = true;
    c->is_reading = false;
    if (smtp_conn_may_feed(c) && c->held.len == 0)
        smtp_conn_drop(c);
}

void smtp_conn_take(struct smtp_conn *c, const char *bytes, size_t n)
{
    if (smtp_conn_may_feed(c) && c->held.len == 0)
        smtp_conn_feed(c, bytes, n);
    else
        smtp_conn_hold(c, bytes, n);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct smtp_conn *c = stream->data;
    if (n > 0 && c->is_first_byte_awaited)
        smtp_conn_begin_as_it_does(c, buf->base[0]);
    else if (n > 0 && !c->tls && !c->has_spoken && buf->base[0] == TLS_FIRST_BYTE)
        smtp_conn_refuse_early_tls(c);
    c->has_spoken = true;
    if (n == UV_EOF && !c->is_lingering)
        smtp_conn_heard_all(c);
    else if (n < 0)
        smtp_conn_drop(c);
    else if (n == 0 || c->is_lingering || c->is_dropped)
        return;
    else if (c->tls)
        smtp_conn_take_encrypted(c, buf->base, (size_t)n);
    else
        smtp_conn_take(c, buf->base, (size_t)n);
}

void smtp_conn_start_reading(struct smtp_conn *c)
{
    if (c->is_reading || c->is_eof || c->is_dropped || c->held.len > 0 || smtp_conn_is_behind(c))
        return;
    c->is_reading = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0;
    if (!c->is_reading)
        smtp_conn_drop(c);
}

/* After whatever stood in the way: what is held first, then the socket. */
void smtp_conn_resume(struct smtp_conn *c)
{
    if (c->held.len > 0 && smtp_conn_may_feed(c)) {
        CLEANUP(buf_done) struct buf held = c->held;
        buf_init(&c->held, HELD_MAX);
        smtp_conn_feed(c, held.data, held.len);
    }
    if (c->is_eof && c->held.len == 0 && smtp_conn_may_feed(c))
        smtp_conn_drop(c);
    smtp_conn_start_reading(c);
}

struct writing {
    uv_write_t req;
    char bytes[];
};

static void on_written(uv_write_t *req, int status)
{
    struct smtp_conn *c = req->data;
    free(req);
    c->is_writing = false;
    if (c->is_dropped)
        return;
    if (status < 0) {
        smtp_conn_drop(c);
        return;
    }
    smtp_conn_flush(c);
    smtp_conn_resume(c);
}

/* The socket is full: the rest goes when the device reads on. */
static void write_later(struct smtp_conn *c, const char *bytes, size_t n)
{
    struct writing *w = malloc(sizeof *w + n);
    if (!w) {
        smtp_conn_drop(c);
        return;
    }
    memcpy(w->bytes, bytes, n);
    w->req.data = c;
    uv_buf_t buf = uv_buf_init(w->bytes, (unsigned)n);
    if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written) < 0) {
        free(w);
        smtp_conn_drop(c);
        return;
    }
    c->is_writing = true;
}

static void write_now(struct smtp_conn *c, struct buf *out)
{
    uv_buf_t buf = uv_buf_init(out->data, (unsigned)out->len);
    int n = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
    if (n == UV_EAGAIN)
        n = 0;
    if (n < 0)
        smtp_conn_drop(c);
    else if ((size_t)n < out->len)
        write_later(c, out->data + n, out->len - (size_t)n);
    buf_clear(out);
}

static void rest(struct smtp_conn *c)
{
    smtp_session_rest(c->session);
    if (c->tls)
        tls_rest(c->tls);
}

/* What the socket should get of all we have to say. */
static struct buf *to_send(struct smtp_conn *c)
{
    struct buf *out = smtp_session_out(c->session);
    if (!c->tls)
        return out;
    if (tls_put(c->tls, out->data, out->len) < 0)
        c->is_ending = true; /* only its alert is left to send */
    buf_clear(out);
    return tls_out(c->tls);
}

void smtp_conn_flush(struct smtp_conn *c)
{
    if (c->is_dropped || c->is_writing)
        return;
    struct buf *out = to_send(c);
    if (out->len > 0)
        write_now(c, out);
    if (c->is_ending && !c->is_writing && !c->is_dropped)
        smtp_conn_finish(c);
    else if (!c->is_dropped)
        rest(c);
}
