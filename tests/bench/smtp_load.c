/* smtp_load: sends one mail over and over for a given time, over N connections at once, and says how that went. The client of
 * `make bench`, the same for every server: no pipelining, one thread, as little work per mail as can be.
 *   smtp_load HOST PORT CONNECTIONS SECONDS MAILS_PER_CONNECTION(0: no end) MAIL_FILE RECIPIENT [MAILS_A_SECOND]
 * MAIL_FILE is sent as it is: CR LF, dots stuffed, "." at its end. Prints one JSON object. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum step { GREETING, EHLO, MAIL, RCPT, DATA, BODY, QUIT, STEPS };

/* What is sent on entering a step, and the reply that lets it pass. */
static struct {
    const char *text;
    size_t      length;
    char        reply;
} steps[STEPS] = {
    [GREETING] = { "", 0, '2' },
    [EHLO] = { "EHLO bench.example\r\n", 0, '2' },
    [MAIL] = { "MAIL FROM:<panel@bench.example>\r\n", 0, '2' },
    [RCPT] = { NULL, 0, '2' },
    [DATA] = { "DATA\r\n", 0, '3' },
    [BODY] = { NULL, 0, '2' },
    [QUIT] = { "QUIT\r\n", 0, '2' },
};

struct connection {
    int       fd;
    enum step step;
    long      mails;   /* on this connection  */
    size_t    sent;    /* bytes of this step  */
    bool      is_full; /* waits for room to send the rest */
    bool      is_early; /* waits until its next mail is due */
    int64_t   due_us;
    int64_t   dot_us;  /* when the body was sent whole */
    char      line[512];
    size_t    line_length;
};

enum { SAMPLES_MAX = 2000000 };

static struct sockaddr_in server;
static int                poller;
static long               mails_per_connection, kept, failed;
static int64_t            end_us, pause_us; /* between two mails of one connection, where so many a second were asked for */
static uint32_t          *samples; /* final dot to 250, in us */
static size_t             sample_count;

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(struct connection *c, uint32_t events, int operation)
{
    struct epoll_event ev = { .events = events, .data.ptr = c };
    if (epoll_ctl(poller, operation, c->fd, &ev) < 0)
        die("epoll_ctl");
}

static void open_connection(struct connection *c)
{
    int on = 1;
    *c = (struct connection){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) };
    if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        die("socket");
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
        die("connect");
    watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void close_connection(struct connection *c)
{
    (void)close(c->fd);
    c->fd = -1;
}

/* A connection that ended as it should not: counted, and begun anew. */
static void fail(struct connection *c)
{
    failed++;
    close_connection(c);
    if (failed > 1000 && failed > kept) {
        (void)fprintf(stderr, "smtp_load: the server refuses: %.*s\n", (int)c->line_length, c->line);
        exit(1);
    }
    if (now_us() < end_us)
        open_connection(c);
}

static void send_step(struct connection *c)
{
    while (c->sent < steps[c->step].length) {
        ssize_t n = send(c->fd, steps[c->step].text + c->sent, steps[c->step].length - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            c->is_full = true;
            watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        if (n < 0) {
            fail(c);
            return;
        }
        c->sent += (size_t)n;
    }
    if (c->is_full)
        watch(c, EPOLLIN, EPOLL_CTL_MOD);
    c->is_full = false;
    if (c->step == BODY)
        c->dot_us = now_us();
}

static void note_kept(struct connection *c)
{
    kept++;
    c->mails++;
    if (sample_count < SAMPLES_MAX)
        samples[sample_count++] = (uint32_t)(now_us() - c->dot_us);
}

static enum step after(struct connection *c)
{
    if (c->step != BODY)
        return c->step + 1;
    bool is_last = (mails_per_connection > 0 && c->mails >= mails_per_connection) || now_us() >= end_us;
    return is_last ? QUIT : MAIL;
}

/* It keeps to the times it was given: what one mail was late the next is not. */
static bool has_to_wait(struct connection *c)
{
    if (pause_us == 0 || c->step != MAIL || now_us() >= c->due_us)
        return false;
    return c->is_early = true;
}

static void begin_step(struct connection *c)
{
    c->sent = 0;
    if (has_to_wait(c))
        return;
    if (c->step == MAIL)
        c->due_us += pause_us;
    send_step(c);
}

/* Begins what is due; ms until the next, at most a second. */
static int begin_due(struct connection *all, long count)
{
    int64_t next = now_us() + 1000000;
    for (long i = 0; i < count && pause_us > 0; i++) {
        if (all[i].fd < 0 || !all[i].is_early)
            continue;
        if (all[i].due_us <= now_us()) {
            all[i].is_early = false;
            begin_step(&all[i]);
        } else if (all[i].due_us < next) {
            next = all[i].due_us;
        }
    }
    int64_t wait = next - now_us();
    return wait > 0 ? (int)((wait + 999) / 1000) : 0;
}

/* The last line of a reply has come. */
static void on_reply(struct connection *c)
{
    if (c->line[0] != steps[c->step].reply) {
        fail(c);
        return;
    }
    if (c->step == BODY)
        note_kept(c);
    if (c->step == QUIT) {
        close_connection(c);
        if (now_us() < end_us)
            open_connection(c);
        return;
    }
    c->step = after(c);
    begin_step(c);
}

static void on_bytes(struct connection *c)
{
    char    bytes[4096];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        fail(c);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (c->line_length < sizeof c->line)
            c->line[c->line_length++] = bytes[i];
        if (bytes[i] != '\n')
            continue;
        bool is_last = c->line_length > 3 && c->line[3] == ' ';
        c->line_length = is_last ? c->line_length : 0;
        if (is_last) {
            on_reply(c);
            c->line_length = 0;
            return; /* one reply per command: nothing can follow it */
        }
    }
}

static void run(struct connection *all, long count)
{
    struct epoll_event events[64];
    for (long i = 0; i < count; i++)
        open_connection(&all[i]);
    for (long i = 0; i < count; i++)
        all[i].due_us = now_us() + pause_us * i / count;
    for (;;) {
        long open = 0;
        for (long i = 0; i < count; i++)
            open += all[i].fd >= 0;
        int n = open > 0 && now_us() < end_us + 30000000 ? epoll_wait(poller, events, 64, begin_due(all, count)) : -1;
        if (n < 0)
            return;
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->fd >= 0 && events[i].events & EPOLLOUT)
                send_step(c);
            if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                on_bytes(c);
        }
    }
}

static void read_mail(const char *path)
{
    struct stat found;
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &found) < 0)
        die(path);
    char *mail = malloc((size_t)found.st_size + 1);
    if (!mail || read(fd, mail, (size_t)found.st_size) != found.st_size)
        die(path);
    (void)close(fd);
    mail[found.st_size] = '\0';
    steps[BODY].text = mail;
    steps[BODY].length = (size_t)found.st_size;
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double quantile_ms(double q)
{
    return sample_count ? samples[(size_t)((double)(sample_count - 1) * q)] / 1000.0 : 0;
}

static void report(double seconds)
{
    struct rusage use;
    (void)getrusage(RUSAGE_SELF, &use);
    double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    qsort(samples, sample_count, sizeof *samples, compare);
    (void)printf("{\"mails\":%ld,\"failed\":%ld,\"seconds\":%.3f,\"rate\":%.1f,\"median_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
                 "\"client_cpu\":%.3f}\n", kept, failed, seconds, (double)kept / seconds, quantile_ms(.5), quantile_ms(.99), quantile_ms(1), cpu);
}

int main(int argc, char **argv)
{
    if (argc != 8 && argc != 9) {
        (void)fputs("usage: smtp_load HOST PORT CONNECTIONS SECONDS MAILS_PER_CONNECTION MAIL_FILE RECIPIENT [MAILS_A_SECOND]\n", stderr);
        return 64;
    }
    char rcpt[300];
    (void)snprintf(rcpt, sizeof rcpt, "RCPT TO:<%s>\r\n", argv[7]);
    steps[RCPT].text = rcpt;
    server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(argv[2], NULL, 10)) };
    long               count = strtol(argv[3], NULL, 10);
    struct connection *all = calloc((size_t)count, sizeof *all);
    samples = malloc(SAMPLES_MAX * sizeof *samples);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1 || !all || !samples || poller < 0)
        die("smtp_load");
    mails_per_connection = strtol(argv[5], NULL, 10);
    pause_us = argc == 9 ? (int64_t)((double)count * 1e6 / strtod(argv[8], NULL)) : 0;
    read_mail(argv[6]);
    for (int i = 0; i < STEPS; i++)
        if (i != BODY)
            steps[i].length = strlen(steps[i].text);
    int64_t begin_us = now_us();
    end_us = begin_us + (int64_t)(strtod(argv[4], NULL) * 1e6);
    run(all, count);
    report((double)(now_us() - begin_us) / 1e6);
    free(all);
    return 0;
}
