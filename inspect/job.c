/* job: frames and bodies, for both ends. */
#include "inspect/job.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LENGTH_BYTES = sizeof(uint32_t), READ_AT_ONCE = 16 * 1024 };

union fd_room { /* aligned as the kernel wants it */
    struct cmsghdr head;
    char           bytes[CMSG_SPACE(sizeof(int))];
};

static void attach(struct msghdr *message, union fd_room *room, int fd)
{
    memset(room, 0, sizeof *room);
    message->msg_control = room->bytes;
    message->msg_controllen = sizeof room->bytes;
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
}

int job_send(int socket, const struct buf *json, int pass_fd, struct err *e)
{
    uint32_t      length = (uint32_t)json->len;
    struct iovec  parts[2] = { { &length, sizeof length }, { json->data, json->len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = COUNT(parts) };
    union fd_room room;
    if (json->failed || json->len == 0 || json->len > JOB_FRAME_MAX)
        return err_set(e, ERR_LIMIT, "a frame of %zu bytes", json->len);
    if (pass_fd >= 0)
        attach(&message, &room, pass_fd);
    for (size_t left = sizeof length + json->len; left > 0;) {
        ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, errno == EAGAIN ? ERR_TIMEOUT : ERR_IO, "send: %m");
        message.msg_control = NULL; /* the descriptor went with the first byte */
        message.msg_controllen = 0;
        left -= (size_t)n;
        size_t from_first = (size_t)n < parts[0].iov_len ? (size_t)n : parts[0].iov_len;
        parts[0].iov_base = (char *)parts[0].iov_base + from_first;
        parts[0].iov_len -= from_first;
        parts[1].iov_base = (char *)parts[1].iov_base + ((size_t)n - from_first);
        parts[1].iov_len -= (size_t)n - from_first;
    }
    return 0;
}

static void take_fd(struct msghdr *message, int *passed_fd_out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len < CMSG_LEN(sizeof(int)))
            continue;
        int fd;
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
        if (passed_fd_out && *passed_fd_out < 0)
            *passed_fd_out = fd;
        else
            (void)close(fd);
    }
}

/* How many bytes the frame will have, its length included; 0: not known yet. */
static size_t whole(const struct buf *frame)
{
    uint32_t length;
    if (frame->len < sizeof length)
        return 0;
    memcpy(&length, frame->data, sizeof length);
    return sizeof length + length;
}

/* Beyond this frame's end only while its length is not known: then others that came with it are taken too. */
static int read_some(int socket, struct buf *frame, int *passed_fd_out, struct err *e)
{
    size_t end = whole(frame), room = end > frame->len ? end - frame->len : READ_AT_ONCE;
    if (buf_reserve(frame, room, e) < 0)
        return -1;
    union fd_room control;
    struct iovec  part = { frame->data + frame->len, room };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
    ssize_t       n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EINTR ? 1 : err_set(e, errno == ECONNRESET ? ERR_NOT_FOUND : ERR_IO, "receive: %m");
    take_fd(&message, passed_fd_out);
    frame->len += (size_t)n;
    frame->data[frame->len] = '\0';
    return n > 0;
}

int job_receive(int socket, struct buf *frame, int wait_ms, int *passed_fd_out, struct err *e)
{
    if (passed_fd_out && frame->len == 0)
        *passed_fd_out = -1;
    for (;;) {
        size_t end = whole(frame);
        if (end > JOB_FRAME_MAX + LENGTH_BYTES)
            return err_set(e, ERR_INPUT, "not a frame");
        if (end > 0 && frame->len >= end)
            return 1;
        if (wait_ms >= 0) {
            struct pollfd p = { .fd = socket, .events = POLLIN };
            int           ready = poll(&p, 1, wait_ms);
            if (ready == 0 || (ready < 0 && errno == EINTR))
                return err_set(e, ERR_TIMEOUT, "no answer");
        }
        int r = read_some(socket, frame, passed_fd_out, e);
        if (r < 0 && e && e->code == ERR_NOT_FOUND)
            return 0;
        if (r <= 0)
            return r;
    }
}

/* The frame without its length. */
static const char *body(const struct buf *frame, size_t *n_out)
{
    size_t end = whole(frame);
    *n_out = end > LENGTH_BYTES ? end - LENGTH_BYTES : 0;
    return buf_str(frame) + (end > LENGTH_BYTES ? LENGTH_BYTES : 0);
}

const char *job_text(const struct buf *frame, size_t *n_out)
{
    size_t      n;
    const char *text = body(frame, &n);
    *n_out = strnlen(text, n);
    return text;
}

const char *job_raw(const struct buf *frame, size_t *n_out)
{
    size_t      n;
    const char *text = body(frame, &n), *nul = memchr(text, '\0', n);
    *n_out = nul ? n - (size_t)(nul + 1 - text) : 0;
    return nul ? nul + 1 : NULL;
}

void job_next(struct buf *frame)
{
    size_t end = whole(frame);
    buf_consume(frame, end < frame->len ? end : frame->len);
}

void job_write_request(struct buf *out, const char *envelope, const struct job_device *device, int64_t received_ms, const char *raw,
                       size_t n)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    json_i(&w, "received_ms", received_ms);
    json_raw(&w, "envelope", envelope);
    if (device) {
        json_object(&w, "device");
        json_s(&w, "id", device->id);
        json_s(&w, "name", device->name);
        json_s_opt(&w, "kind", device->kind);
        json_s_opt(&w, "language", device->language);
        json_s_opt(&w, "time_zone", device->time_zone);
        json_end(&w);
    }
    json_end(&w);
    if (!raw)
        return;
    buf_putc(out, '\0');
    buf_put(out, raw, n);
}

void job_write_answer(struct buf *out, const char *subject, const struct events *events, bool is_last)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    json_s(&w, "parser", events->parser);
    json_s(&w, "subject", subject);
    json_s_opt(&w, "rule_trouble", events->rule_trouble);
    json_array(&w, "events");
    for (size_t i = 0; i < events->count; i++)
        event_write_full(&w, NULL, &events->items[i]);
    json_end(&w);
    if (is_last)
        json_b(&w, "retire", true);
    json_end(&w);
}

void job_write_error(struct buf *out, const char *text, bool is_last)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    json_s(&w, "error", text);
    if (is_last)
        json_b(&w, "retire", true);
    json_end(&w);
}

void job_write_ready(struct buf *out)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    json_b(&w, "ready", true);
    json_end(&w);
}

static int read_events(const struct json *list, struct events *events, struct err *e)
{
    for (const struct json *v = json_first(list); v; v = json_next(v))
        if (event_read_full(v, events, e) < 0)
            return -1;
    return 0;
}

int job_read_answer(const struct buf *frame, struct events *events, struct job_answer *out, struct err *e)
{
    size_t               n;
    const char          *text = job_text(frame, &n);
    CLEANUP(json_free) struct json *root = json_parse(text, n, e);
    if (!root)
        return -1;
    *out = (struct job_answer){
        .error = arena_str(events->arena, json_str(root, "error", NULL)),
        .parser = arena_str(events->arena, json_str(root, "parser", "")),
        .subject = arena_str(events->arena, json_str(root, "subject", "")),
        .is_last = json_bool(root, "retire", false),
    };
    if (!out->parser || !out->subject)
        return err_set(e, ERR_NOMEM, "no room for an answer");
    events->parser = out->parser;
    events->rule_trouble = arena_str(events->arena, json_str(root, "rule_trouble", NULL));
    return read_events(json_get(root, "events"), events, e);
}
