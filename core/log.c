/* log: a ring of bytes between those who have something to say and the one thread that may wait for stderr. */
#include "core/log.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/utf8.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, RING_BYTES = 256 * 1024, STOP_MS = 2000 };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static enum log_level  the_level = LOG_INFO;
static enum log_format the_format = LOG_LOGFMT;

static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static pthread_cond_t  ring_filled = PTHREAD_COND_INITIALIZER;
static char            ring[RING_BYTES];
static size_t          ring_start, ring_used;
static uint64_t        lost_lines;
static bool            is_pumped, is_stopping;

static int64_t give_up_ms; /* monotonic; 0: not stopping. Atomic: write_all looks at it with the lock and without */

void log_setup(enum log_level level, enum log_format format)
{
    the_level = level;
    the_format = format;
}

enum log_level log_level(void)
{
    return the_level;
}

/* Waits for a reader that takes its time, but not for ever once we are to stop. */
static bool can_write(void)
{
    for (;;) {
        int64_t       over = __atomic_load_n(&give_up_ms, __ATOMIC_SEQ_CST);
        int64_t       left = over ? over - clock_mono_ms() : 1000;
        struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
        int           n = poll(&fd, 1, left > 0 ? (int)left : 0);
        if (n > 0)
            return true;
        if ((n < 0 && errno != EINTR) || (over && left <= 0))
            return false;
    }
}

/* In pieces that a pipe with room takes at once (PIPE_BUF), so that only can_write waits. */
static void write_all(const char *p, size_t n)
{
    while (n > 0 && can_write()) {
        ssize_t w = write(STDERR_FILENO, p, n < PIPE_BUF ? n : PIPE_BUF);
        if (w == 0 || (w < 0 && errno != EINTR && errno != EAGAIN))
            return; /* nobody reads us: there is nobody to tell */
        if (w > 0) {
            p += w;
            n -= (size_t)w;
        }
    }
}

static bool is_bare(const char *s, size_t n)
{
    static const char special[] = " \"\\=";
    for (size_t i = 0; i < n;) {
        size_t length = utf8_length(s + i, n - i);
        if (length == 0)
            return false;
        uint32_t c = utf8_code(s + i);
        if (c <= 0x20 || (c >= 0x7f && c < 0xA0) || (length == 1 && strchr(special, s[i])))
            return false;
        i += length;
    }
    return n > 0;
}

/* Bare when it is a plain word, else quoted with backslash escapes; control characters never reach a terminal. */
static void put_logfmt_text(struct buf *b, const char *s)
{
    size_t n = strlen(s);
    if (is_bare(s, n))
        buf_puts(b, s);
    else
        json_put_string(b, s, n);
}

static void put_field(struct buf *b, const struct log_field *f)
{
    if (f->is_text && !f->text)
        return;
    if (the_format == LOG_JSON) {
        buf_putc(b, ',');
        json_put_string(b, f->key, strlen(f->key));
        buf_putc(b, ':');
    } else {
        buf_putc(b, ' ');
        buf_puts(b, f->key);
        buf_putc(b, '=');
    }
    if (!f->is_text)
        buf_puti(b, f->number);
    else if (the_format == LOG_JSON)
        json_put_string(b, f->text, strlen(f->text));
    else
        put_logfmt_text(b, f->text);
}

static void format_line(struct buf *b, enum log_level level, const char *at, const struct log_field *fields)
{
    char        now[CLOCK_TEXT];
    const char *head = the_format == LOG_JSON ? "{\"time\":\"%s\",\"level\":\"%s\",\"at\":\"%s\"" : "time=%s level=%s at=%s";
    char        text[160];
    (void)snprintf(text, sizeof text, head, clock_rfc3339(now, clock_wall_ms()), level_names[level], at);
    buf_puts(b, text);
    for (const struct log_field *f = fields; f->key; f++) {
        size_t before = b->len;
        put_field(b, f);
        if (b->failed) { /* a field that does not fit is left out whole: the line stays readable */
            b->failed = false;
            b->len = before;
            if (b->data)
                b->data[before] = '\0';
        }
    }
}

static void push(const char *line, size_t n)
{
    (void)pthread_mutex_lock(&ring_lock);
    if (!is_pumped) {
        write_all(line, n);
    } else if (RING_BYTES - ring_used < n) {
        lost_lines++;
    } else {
        size_t at = (ring_start + ring_used) % RING_BYTES;
        size_t first = n < RING_BYTES - at ? n : RING_BYTES - at;
        memcpy(ring + at, line, first);
        memcpy(ring, line + first, n - first);
        ring_used += n;
        (void)pthread_cond_signal(&ring_filled);
    }
    (void)pthread_mutex_unlock(&ring_lock);
}

void log_write(enum log_level level, const char *at, const struct log_field *fields)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    format_line(&line, level, at, fields);
    char   text[LINE_MAX_BYTES + 2];
    size_t n = line.len;
    memcpy(text, buf_str(&line), n);
    if (the_format == LOG_JSON)
        text[n++] = '}';
    text[n++] = '\n';
    push(text, n);
}

/* Moves what the ring holds (and the news of lost lines) into out; false when it is stopping and empty. */
static bool take(char *out, size_t size, size_t *n_out, uint64_t *lost_out)
{
    (void)pthread_mutex_lock(&ring_lock);
    while (ring_used == 0 && lost_lines == 0 && !is_stopping)
        (void)pthread_cond_wait(&ring_filled, &ring_lock);
    size_t run = RING_BYTES - ring_start;
    size_t n = ring_used < run ? ring_used : run;
    n = n < size ? n : size;
    memcpy(out, ring + ring_start, n);
    ring_start = (ring_start + n) % RING_BYTES;
    ring_used -= n;
    *lost_out = ring_used == 0 ? lost_lines : 0;
    if (*lost_out)
        lost_lines = 0;
    bool more = n > 0 || *lost_out > 0 || !is_stopping;
    if (!more)
        is_pumped = false;
    (void)pthread_mutex_unlock(&ring_lock);
    *n_out = n;
    return more;
}

void *log_pump(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&ring_lock);
    is_pumped = true;
    (void)pthread_mutex_unlock(&ring_lock);
    char     chunk[8192];
    size_t   n;
    uint64_t lost;
    while (take(chunk, sizeof chunk, &n, &lost)) {
        write_all(chunk, n);
        if (lost > 0)
            log_line(LOG_WARN, "log.lost", LOG_I("lines", lost));
    }
    return NULL;
}

void log_stop(void)
{
    __atomic_store_n(&give_up_ms, clock_mono_ms() + STOP_MS, __ATOMIC_SEQ_CST);
    (void)pthread_mutex_lock(&ring_lock);
    is_stopping = true;
    (void)pthread_cond_signal(&ring_filled);
    (void)pthread_mutex_unlock(&ring_lock);
}
