/* far: see far.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "far.h"
#include "core/attr.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUESTS = 2000, ACTS = 32, HANGING = 64, REQUEST_BYTES = 64 * 1024 };

struct far {
    int             listener, port, hanging[HANGING];
    size_t          hanging_count;
    pthread_t       thread;
    pthread_mutex_t lock; /* guards the rest */
    bool            is_stopping;
    enum far_act    always, next[ACTS];
    size_t          next_count, count;
    char           *bodies[REQUESTS];
};

#define YES(status)                                                                                                        \
    "{\"http_code\":200,\"response_code\":\"SUCCESS\",\"data\":{\"messages\":[{\"status\":\"" status "\"}]}}"

static const struct {
    const char *head, *body;
} answers[] = {
    [FAR_YES] = { "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", YES("SUCCESS") },
    [FAR_CUT] = { "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n%.0zu", YES("SUCCESS") },
    [FAR_GARBAGE] = { "SSH-2.0-OpenSSH_9.2\r\n%.0zu", "" },
    [FAR_THROTTLE] = { "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\nContent-Length: %zu\r\n\r\n", "{}" },
    [FAR_BROKEN] = { "HTTP/1.1 500 Oops\r\nContent-Length: %zu\r\n\r\n", "oops" },
    [FAR_NO_CREDIT] = { "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", YES("INSUFFICIENT_CREDIT") },
    [FAR_BAD_NUMBER] = { "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", YES("INVALID_RECIPIENT") },
};

/* The whole request in text; the body begins at the result. NULL: the peer closed. */
static char *read_request(int fd, char *text)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, text + n, REQUEST_BYTES - 1 - n, 0);
        if (got <= 0)
            return NULL;
        n += (size_t)got;
        text[n] = '\0';
        char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "Content-Length:");
        if (end && n >= (size_t)(end + 4 - text) + (length ? strtoul(length + 15, NULL, 10) : 0))
            return end + 4;
    }
}

static void send_long(int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n";
    char              junk[10000];
    memset(junk, 'x', sizeof junk);
    (void)send(fd, head, sizeof head - 1, MSG_NOSIGNAL);
    for (int i = 0; i < 90; i++)
        if (send(fd, junk, sizeof junk, MSG_NOSIGNAL) < 0)
            return;
}

static void answer(struct far *f, int fd, enum far_act act)
{
    char head[256];
    if (act == FAR_HANG && f->hanging_count < HANGING) {
        f->hanging[f->hanging_count++] = fd;
        return;
    }
    if (act == FAR_LONG) {
        send_long(fd);
    } else if (answers[act].head) {
        (void)snprintf(head, sizeof head, answers[act].head, strlen(answers[act].body));
        (void)send(fd, head, strlen(head), MSG_NOSIGNAL);
        (void)send(fd, answers[act].body, strlen(answers[act].body), MSG_NOSIGNAL);
    }
    (void)close(fd);
}

static enum far_act note_request(struct far *f, const char *body)
{
    (void)pthread_mutex_lock(&f->lock);
    enum far_act act = f->always;
    if (f->next_count > 0) {
        act = f->next[0];
        memmove(f->next, f->next + 1, --f->next_count * sizeof f->next[0]);
    }
    if (f->count < REQUESTS)
        f->bodies[f->count++] = strdup(body);
    (void)pthread_mutex_unlock(&f->lock);
    return act;
}

static void *far_main(void *user)
{
    struct far *f = user;
    char       *text = malloc(REQUEST_BYTES);
    for (;;) {
        struct pollfd p = { .fd = f->listener, .events = POLLIN };
        (void)poll(&p, 1, 20);
        (void)pthread_mutex_lock(&f->lock);
        bool is_stopping = f->is_stopping;
        (void)pthread_mutex_unlock(&f->lock);
        if (is_stopping)
            break;
        int fd = p.revents ? accept(f->listener, NULL, NULL) : -1;
        if (fd < 0)
            continue;
        char *body = read_request(fd, text);
        if (body)
            answer(f, fd, note_request(f, body));
        else
            (void)close(fd);
    }
    free(text);
    return NULL;
}

struct far *far_start(void)
{
    struct far *f = calloc(1, sizeof *f);
    assert_non_null(f);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t          n = sizeof a;
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(f->listener, 100), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&a, &n), 0);
    f->port = ntohs(a.sin_port);
    (void)pthread_mutex_init(&f->lock, NULL);
    assert_int_equal(pthread_create(&f->thread, NULL, far_main, f), 0);
    return f;
}

void far_stop(struct far **f)
{
    if (!*f)
        return;
    (void)pthread_mutex_lock(&(*f)->lock);
    (*f)->is_stopping = true;
    (void)pthread_mutex_unlock(&(*f)->lock);
    (void)pthread_join((*f)->thread, NULL);
    for (size_t i = 0; i < (*f)->hanging_count; i++)
        (void)close((*f)->hanging[i]);
    for (size_t i = 0; i < (*f)->count; i++)
        free((*f)->bodies[i]);
    (void)close((*f)->listener);
    free(*f);
    *f = NULL;
}

int far_port(const struct far *f)
{
    return f->port;
}

void far_always(struct far *f, enum far_act act)
{
    (void)pthread_mutex_lock(&f->lock);
    f->always = act;
    (void)pthread_mutex_unlock(&f->lock);
}

void far_next(struct far *f, enum far_act act)
{
    (void)pthread_mutex_lock(&f->lock);
    assert_true(f->next_count < ACTS);
    f->next[f->next_count++] = act;
    (void)pthread_mutex_unlock(&f->lock);
}

size_t far_count(struct far *f)
{
    (void)pthread_mutex_lock(&f->lock);
    size_t n = f->count;
    (void)pthread_mutex_unlock(&f->lock);
    return n;
}

void far_wait(struct far *f, size_t count)
{
    for (int i = 0; i < 1000 && far_count(f) < count; i++)
        (void)usleep(10000);
    if (far_count(f) < count)
        fail_msg("%zu requests came, not %zu", far_count(f), count);
}

char *far_body(struct far *f, size_t i)
{
    (void)pthread_mutex_lock(&f->lock);
    char *body = i < f->count ? strdup(f->bodies[i]) : strdup("");
    (void)pthread_mutex_unlock(&f->lock);
    return body;
}
