/* inspect: bytes in, events out. */
#include "inspect/inspect.h"
#include "core/clock.h"
#include "parsers/mail.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SMALL_BYTES = 128 * 1024, ARENA_MAX = 2 * 1024 * 1024 };
static const int64_t RAW_MAX = INT64_C(256) << 20;

void inspection_init(struct inspection *i)
{
    *i = (struct inspection){ 0 };
    arena_init(&i->arena, ARENA_MAX);
    i->events.arena = &i->arena;
}

void inspection_done(struct inspection *i)
{
    arena_done(&i->arena);
}

#ifdef POSTERN_FAULTS
#include <poll.h>
#include <signal.h>

/* Tests need small mails that kill or stop the helper; no real one is known that still does. */
static void obey_test_mail(const char *raw, size_t n)
{
    if (memmem(raw, n, "X-Postern-Test: crash", 21))
        (void)raise(SIGKILL);
    if (memmem(raw, n, "X-Postern-Test: hang", 20))
        (void)poll(NULL, 0, 60000);
}
#else
#define obey_test_mail(raw, n) ((void)0)
#endif

int inspect_bytes(struct inspection *i, const char *raw, size_t n, const struct parser_site *site, const struct envelope *envelope,
                  int64_t received_ms, struct err *e)
{
    i->mail.site = site;
    i->mail.envelope = envelope;
    i->mail.received_ms = received_ms;
    obey_test_mail(raw, n);
    if (mail_read(raw, n, &i->arena, &i->mail, e) < 0)
        return -1;
    return parsers_read(&i->mail, &i->events, e);
}

/* Up to the end of the file or of the buffer. */
static ssize_t read_all(int fd, char *to, size_t room)
{
    size_t got = 0;
    while (got < room) {
        ssize_t n = read(fd, to + got, room - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* A pipe that holds more than the small buffer: what the buffer has, and the rest behind it, in doubling room. */
static int read_pipe(int fd, const char *begun, size_t n, struct raw *out, struct err *e)
{
    size_t room = n * 2;
    char  *all = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return err_set(e, ERR_NOMEM, "no room for the mail: %m");
    memcpy(all, begun, n);
    for (;;) {
        ssize_t more = read_all(fd, all + n, room - n);
        n += more > 0 ? (size_t)more : 0;
        *out = (struct raw){ .bytes = all, .n = n, .mapped = all, .mapped_bytes = room };
        if (more >= 0 && n < room)
            return 0;
        void *grown = more < 0 || (int64_t)room >= RAW_MAX ? MAP_FAILED : mremap(all, room, room * 2, MREMAP_MAYMOVE);
        if (grown == MAP_FAILED) {
            raw_close(out);
            return err_set(e, more < 0 ? ERR_IO : ERR_LIMIT, more < 0 ? "read: %m" : "too large to be read from a pipe");
        }
        all = grown;
        room *= 2;
    }
}

int raw_open(int fd, struct raw *out, struct err *e)
{
    static char small[SMALL_BYTES];
    ssize_t     n = read_all(fd, small, sizeof small);
    if (n < 0)
        return err_set(e, ERR_IO, "read: %m");
    if ((size_t)n < sizeof small) {
        *out = (struct raw){ .bytes = small, .n = (size_t)n };
        return 0;
    }
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0)
        return read_pipe(fd, small, (size_t)n, out, e);
    if (size > RAW_MAX)
        return err_set(e, ERR_LIMIT, "larger than 256 MiB");
    void *mapped = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (mapped == MAP_FAILED)
        return err_set(e, ERR_NOMEM, "map: %m");
    *out = (struct raw){ .bytes = mapped, .n = (size_t)size, .mapped = mapped, .mapped_bytes = (size_t)size };
    return 0;
}

void raw_close(struct raw *r)
{
    if (r->mapped)
        (void)munmap(r->mapped, r->mapped_bytes);
    *r = (struct raw){ 0 };
}

/* Every way through the code that asks the system for something the first time: all kinds of parts, encoded words, charsets,
 * dates, local time. */
void inspect_warm_up(const struct parser_site *site)
{
    static const char sample[] =
        "From: =?iso-8859-1?Q?Caf=E9?= <a@b.c>\r\nTo: d@e.f\r\nDate: Sat, 21 Nov 2026 03:12:45 +0100\r\n"
        "Subject: =?gb2312?B?0tG+rQ==?= =?utf-8?Q?=C3=A4?=\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n"
        "--x\r\nContent-Type: text/plain; charset=gb2312\r\n\r\n\xD2\xD1\xBE\xAD\r\n"
        "--x\r\nContent-Type: text/html; charset=iso-8859-15\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=A4</p>\r\n"
        "--x\r\nContent-Type: image/jpeg; name*=utf-8''%C3%A4.jpg\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=\"Snap_20260911-184030-1.jpg\"\r\n\r\n/9j/4AAQ\r\n"
        "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nText\r\n--x--\r\n";
    static const struct envelope nobody = { "", "", "", "", "", NULL, 0 };
    CLEANUP(inspection_done) struct inspection i;
    struct err                                 e;
    struct tm                                  tm;
    mail_setup();
    inspection_init(&i);
    if (inspect_bytes(&i, sample, sizeof sample - 1, site, &nobody, 0, &e) == 0)
        clock_local(i.mail.date_ms, &tm);
}
