/* smtp_conn: bytes from the socket go (through TLS) to the session, its replies to the socket, its mails to an intake. Input that cannot be
 * taken yet (a mail waits for the store, replies wait for the device, the disk is behind) is held, and reading stops until
 * then. */
#include "net/smtp_conn.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/metrics.h"
#include "net/cidr.h"
#include "net/smtp_recorder.h"
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <uv.h>

enum {
    HELD_MAX = 1024 * 1024,
    BEHIND_BYTES = 512 * 1024, /* collected while the disk still writes what came before: stop reading */
    HINT_MS = 5000,            /* of silence after what looks like an end: say what is wrong           */
    PACE_MS = 60 * 1000,       /* over which the data rate is looked at                                */
    PACE_SLOW_MOST = 2,        /* such times too slow: cut                                             */
    LINGER_MS = 2000,          /* for the device to read our last words                                */
    FIRST_BYTE_MS = 1000,      /* until a device that may begin with TLS is greeted in plain text      */
    TLS_FIRST_BYTE = 0x16,     /* a handshake record (RFC 8446, 5.1)                                   */
};

struct smtp_conn {
    uv_tcp_t tcp;
    struct smtp_conn_link link;
    const struct smtp_conn_shared *shared;
    struct smtp_session *session;
    struct smtp_recorder recorder;
    struct intake *intake; /* of the mail under way, once it needs one */
    struct login *login;   /* being checked; NULL: none                */
    struct tls_context *context; /* for STARTTLS; NULL: none     */
    struct tls *tls;             /* NULL: plain text             */
    int64_t shaking_since_ms;
    bool is_first_byte_awaited, is_greeted, has_spoken, has_spoken_tls;
    enum smtp_manner manner;
    struct buf held;       /* input that waits                         */
    bool is_reading, is_writing;
    bool is_committing; /* the intake is finished, its answer not here                  */
    bool is_eof;        /* the device says no more, but may still listen (nc)           */
    bool is_ending;     /* the session is over: flush, close                            */
    bool is_rude;       /* … and the device may still be talking: linger                */
    bool is_lingering, is_dropped;
    bool is_stall_said; /* of the mail under way                                        */
    unsigned char address[16];
    int64_t opened_ms, last_ms, linger_until_ms;
    struct {
        int64_t begin_ms;        /* of its body             */
        int64_t since_ms, bytes; /* the body as it was then */
        int slow;                /* times so far            */
    } pace;                      /* of the mail under way   */
    uint64_t commands, mails;
};

static void pump(struct smtp_conn *c, const char *bytes, size_t n);
static void flush(struct smtp_conn *c);
static void start_reading(struct smtp_conn *c);
static void begin_as_it_does(struct smtp_conn *c, char first);
static void refuse_early_tls(struct smtp_conn *c);
static void take_encrypted(struct smtp_conn *c, const char *bytes, size_t n);

static const char *peer_of(const struct smtp_conn *c)
{
    return smtp_session_envelope(c->session)->peer;
}

/* --- closing ---------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct smtp_conn *c = handle->data;
    smtp_recorder_done(&c->recorder);
    smtp_session_free(&c->session);
    tls_free(&c->tls);
    tls_context_drop(&c->context);
    buf_done(&c->held);
    free(c);
}

static void log_end(const struct smtp_conn *c)
{
    log_line(LOG_DEBUG, "smtp.end", LOG_S("peer", peer_of(c)), LOG_I("mails", c->mails), LOG_I("commands", c->commands),
             LOG_I("ms", clock_mono_ms() - c->opened_ms));
}

/* A mail that is complete goes on; one that is not is forgotten. */
static void leave_intake(struct smtp_conn *c)
{
    if (c->is_committing) {
        smtp_recorder_note(&c->recorder, "the device left before our answer; its mail goes on without it");
        intake_leave(&c->intake);
    } else {
        intake_abandon(&c->intake);
    }
}

static void tell_spoken(struct smtp_conn *c)
{
    const struct transcript *t = smtp_recorder_end(&c->recorder, c->is_ending);
    if (t)
        c->shared->spoke(c->shared->user, t);
}

static void say_aborted(struct smtp_conn *c, const char *why)
{
    if (smtp_session_in_data(c->session))
        c->shared->aborted(c->shared->user, c->address, peer_of(c), smtp_session_body_bytes(c->session), why);
}

static bool is_shaking(const struct smtp_conn *c)
{
    return c->tls && tls_state(c->tls) == TLS_HANDSHAKE;
}

static void tell_tls_failed(struct smtp_conn *c, const struct tls_failure *why)
{
    smtp_recorder_failed(&c->recorder, why->text, why->setting);
    c->shared->tls_failed(c->shared->user, c->address, peer_of(c), why);
}

/* A link that was only tried out, as health probes do, is nobody's failure. */
static void say_handshake_left(struct smtp_conn *c)
{
    static const struct tls_failure left = { "left", NULL, "the device left within the handshake" };
    if (is_shaking(c) && c->has_spoken_tls)
        tell_tls_failed(c, &left);
}

/* Our last word under TLS, if there is room for it. */
static void end_tls(struct smtp_conn *c)
{
    if (!c->tls || c->is_writing)
        return;
    tls_end(c->tls);
    struct buf *out = tls_out(c->tls);
    uv_buf_t buf = uv_buf_init(out->data, (unsigned)out->len);
    if (out->len > 0)
        (void)uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
    buf_clear(out);
}

void smtp_conn_drop(struct smtp_conn *c)
{
    if (c->is_dropped)
        return;
    c->is_dropped = true;
    say_handshake_left(c);
    end_tls(c);
    say_aborted(c, "the connection was closed");
    login_leave(&c->login);
    leave_intake(c);
    log_end(c);
    tell_spoken(c);
    c->shared->closed(c->shared->user, c);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* Closing while the device still talks would make its kernel throw our last words away unread. */
static void start_linger(struct smtp_conn *c)
{
    uv_os_fd_t fd;
    end_tls(c);
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) < 0 || shutdown(fd, SHUT_WR) < 0) {
        smtp_conn_drop(c);
        return;
    }
    c->is_lingering = true;
    c->linger_until_ms = clock_mono_ms() + LINGER_MS;
    buf_shrink(&c->held);
    start_reading(c);
}

/* Everything that had to be said is said. */
static void finish(struct smtp_conn *c)
{
    if (c->is_rude && !c->is_eof && !c->shared->is_stopping)
        start_linger(c);
    else
        smtp_conn_drop(c);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    const struct smtp_conn *c = handle->data;
    (void)suggested;
    *out = uv_buf_init(c->shared->input, (unsigned)c->shared->input_bytes);
}

static bool is_behind(const struct smtp_conn *c)
{
    return c->intake && intake_is_busy(c->intake) && smtp_session_body(c->session)->len >= BEHIND_BYTES;
}

static bool is_able_to_feed(const struct smtp_conn *c)
{
    return !c->is_committing && !c->login && !c->is_writing && !c->is_ending && !c->is_dropped && !is_behind(c);
}

static void stop_reading(struct smtp_conn *c)
{
    if (c->is_reading)
        (void)uv_read_stop((uv_stream_t *)&c->tcp);
    c->is_reading = false;
}

static void hold(struct smtp_conn *c, const char *bytes, size_t n)
{
    struct err e;
    stop_reading(c);
    if (buf_add(&c->held, bytes, n, &e) < 0)
        smtp_conn_drop(c);
}

/* Progress, for the deadlines: any bytes of a message, but only whole commands: one byte in five seconds is none. */
static void note_progress(struct smtp_conn *c)
{
    uint64_t commands = smtp_session_commands(c->session);
    if (commands == c->commands && !smtp_session_in_data(c->session))
        return;
    c->commands = commands;
    c->last_ms = clock_mono_ms();
}

/* The device said all it will say. What it has not been answered yet it may still want to hear. */
static void on_eof(struct smtp_conn *c)
{
    c->is_eof = true;
    c->is_reading = false;
    if (is_able_to_feed(c) && c->held.len == 0)
        smtp_conn_drop(c);
}

static void take_plain(struct smtp_conn *c, const char *bytes, size_t n)
{
    if (is_able_to_feed(c) && c->held.len == 0)
        pump(c, bytes, n);
    else
        hold(c, bytes, n);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct smtp_conn *c = stream->data;
    if (n > 0 && c->is_first_byte_awaited)
        begin_as_it_does(c, buf->base[0]);
    else if (n > 0 && !c->tls && !c->has_spoken && buf->base[0] == TLS_FIRST_BYTE)
        refuse_early_tls(c);
    c->has_spoken = true;
    if (n == UV_EOF && !c->is_lingering)
        on_eof(c);
    else if (n < 0)
        smtp_conn_drop(c);
    else if (n == 0 || c->is_lingering || c->is_dropped)
        return;
    else if (c->tls)
        take_encrypted(c, buf->base, (size_t)n);
    else
        take_plain(c, buf->base, (size_t)n);
}

static void start_reading(struct smtp_conn *c)
{
    if (c->is_reading || c->is_eof || c->is_dropped || c->held.len > 0 || is_behind(c))
        return;
    c->is_reading = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0;
    if (!c->is_reading)
        smtp_conn_drop(c);
}

/* After whatever stood in the way: what is held first, then the socket. */
static void resume(struct smtp_conn *c)
{
    if (c->held.len > 0 && is_able_to_feed(c)) {
        CLEANUP(buf_done) struct buf held = c->held;
        buf_init(&c->held, HELD_MAX);
        pump(c, held.data, held.len);
    }
    if (c->is_eof && c->held.len == 0 && is_able_to_feed(c))
        smtp_conn_drop(c);
    start_reading(c);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

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
    flush(c);
    resume(c);
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

static void flush(struct smtp_conn *c)
{
    if (c->is_dropped || c->is_writing)
        return;
    struct buf *out = to_send(c);
    if (out->len > 0)
        write_now(c, out);
    if (c->is_ending && !c->is_writing && !c->is_dropped)
        finish(c);
    else if (!c->is_dropped)
        rest(c);
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static void greet(struct smtp_conn *c)
{
    c->is_greeted = true;
    c->is_first_byte_awaited = false;
    smtp_session_offer_tls(c->session, c->context);
    smtp_session_greet(c->session);
}

static void start_tls(struct smtp_conn *c)
{
    c->is_first_byte_awaited = false;
    c->shaking_since_ms = clock_mono_ms();
    c->tls = tls_new(c->context);
    if (!c->tls)
        smtp_conn_drop(c);
}

static void begin_as_it_does(struct smtp_conn *c, char first)
{
    if (first == TLS_FIRST_BYTE)
        start_tls(c);
    else
        greet(c);
}

/* It has read our plain greeting as TLS: nothing can come of it but a hint for its owner. */
static void refuse_early_tls(struct smtp_conn *c)
{
    static const struct tls_failure early = { "early", "Smtp:TlsPort",
                                              "the device begins with TLS where plain text is spoken: let it use STARTTLS or the other port" };
    tell_tls_failed(c, &early);
    smtp_conn_drop(c);
}

static void tls_is_on(struct smtp_conn *c)
{
    const char *version = tls_version(c->tls);
    metrics_add(METRIC_SMTP_TLS, version, NULL, 1);
    log_line(LOG_DEBUG, "smtp.tls", LOG_S("peer", peer_of(c)), LOG_S("version", version), LOG_S("cipher", tls_cipher(c->tls)),
             LOG_I("ms", clock_mono_ms() - c->shaking_since_ms));
    c->last_ms = clock_mono_ms();
    smtp_recorder_tls(&c->recorder, version, tls_cipher(c->tls));
    smtp_session_tls_on(c->session, version);
    if (!c->is_greeted)
        greet(c);
}

/* The device may read the alert that says why. A mail that waits for the store needs no more of it. */
static void tls_broke(struct smtp_conn *c)
{
    tell_tls_failed(c, tls_failure(c->tls));
    c->is_ending = true;
    c->is_rude = !c->is_committing;
}

/* A device that writes record by record waits (Nagle) for our acknowledgement of the one before, which the kernel would delay
 * by up to 40 ms: 200 KB took 30 ms instead of 4 on the same machine. The kernel forgets this wish, so it is said again. */
static void acknowledge_at_once(struct smtp_conn *c)
{
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int));
}

static void take_encrypted(struct smtp_conn *c, const char *bytes, size_t n)
{
    struct buf *plain = c->shared->plain;
    bool was_shaking = is_shaking(c);
    c->has_spoken_tls = true;
    buf_clear(plain);
    enum tls_state state = tls_feed(c->tls, bytes, n, plain);
    if (was_shaking && (state == TLS_OPEN || state == TLS_ENDED))
        tls_is_on(c);
    if (plain->len > 0)
        take_plain(c, plain->data, plain->len);
    if (c->is_dropped || c->is_lingering)
        return;
    if (state == TLS_FAILED)
        tls_broke(c);
    flush(c);
    if (!c->is_dropped && smtp_session_in_data(c->session))
        acknowledge_at_once(c);
    if (state == TLS_ENDED && !c->is_dropped) {
        stop_reading(c);
        on_eof(c);
    } else if (c->is_writing) {
        stop_reading(c); /* until it has read what we said */
    }
}

static void check_handshake(struct smtp_conn *c, int64_t mono_ms)
{
    static const struct tls_failure late = { "timeout", "Smtp:TlsTimeout", "the handshake took too long" };
    if (mono_ms - c->shaking_since_ms < c->shared->tls_ms)
        return;
    c->has_spoken_tls = false; /* this is said instead */
    tell_tls_failed(c, &late);
    smtp_conn_drop(c);
}

/* --- mails ------------------------------------------------------------------------------------------------------- */

static bool take_refusal(struct smtp_conn *c)
{
    const struct smtp_refusal *r = smtp_session_refusal(c->session);
    if (r) {
        smtp_recorder_refused(&c->recorder, r);
        c->shared->refused(c->shared->user, c->address, peer_of(c), r);
    }
    return r;
}

static void on_wrote(void *user, const struct err *failed)
{
    struct smtp_conn *c = user;
    if (failed) {
        log_line(LOG_ERROR, "mail.spool", LOG_S("peer", peer_of(c)), LOG_S("error", failed->text));
        smtp_session_body_failed(c->session, failed);
        intake_abandon(&c->intake);
    }
    resume(c);
}

static void on_ended(void *user, const char *id, const struct err *failed)
{
    struct smtp_conn *c = user;
    c->intake = NULL;
    c->is_committing = false;
    c->mails += !failed;
    c->last_ms = clock_mono_ms();
    if (c->held.len > 0)
        smtp_session_came_early(c->session);
    if (!failed)
        smtp_recorder_kept(&c->recorder, id);
    smtp_session_committed(c->session, id, failed);
    (void)take_refusal(c);
    if (c->shared->is_stopping) {
        (void)smtp_conn_end(c, SMTP_END_STOPPING);
        return;
    }
    flush(c);
    FAULT("net.after_reply");
    resume(c);
}

static struct intake *need_intake(struct smtp_conn *c)
{
    const struct intake_owner owner = { .user = c, .wrote = on_wrote, .ended = on_ended };
    if (!c->intake)
        c->intake = intake_begin(c->shared->intakes, &owner);
    return c->intake;
}

static void spool_if_large(struct smtp_conn *c)
{
    struct buf *body = smtp_session_body(c->session);
    if (body->len < c->shared->spool_bytes || (int64_t)body->len <= c->shared->small_bytes ||
        (c->intake && intake_is_busy(c->intake)))
        return;
    if (need_intake(c)) {
        intake_spool(c->intake, body);
        return;
    }
    struct err e;
    (void)err_set(&e, ERR_NOMEM, "out of memory");
    smtp_session_body_failed(c->session, &e);
}

/* What a mail has become may be more than the disk takes now. */
static bool is_refused_by_size(struct smtp_conn *c)
{
    const struct smtp_refusal *no = c->shared->watch(c->shared->user, smtp_session_body_bytes(c->session));
    if (no)
        smtp_session_refuse_mail(c->session, no);
    return no;
}

static void commit(struct smtp_conn *c)
{
    if (is_refused_by_size(c)) {
        (void)take_refusal(c);
        intake_abandon(&c->intake);
        return;
    }
    c->is_committing = true;
    c->is_stall_said = false;
    smtp_recorder_mail(&c->recorder);
    if (need_intake(c)) {
        intake_finish(c->intake, smtp_session_body(c->session), smtp_session_envelope(c->session),
                      smtp_session_body_bytes(c->session));
        return;
    }
    struct err e;
    (void)err_set(&e, ERR_NOMEM, "out of memory");
    on_ended(c, "", &e);
}

static void go_on_reading(struct smtp_conn *c)
{
    if (!is_refused_by_size(c))
        spool_if_large(c);
}

static void obey(struct smtp_conn *c, enum smtp_want want, bool has_more);

static void on_login(void *user, enum smtp_login answer)
{
    struct smtp_conn *c = user;
    size_t none;
    c->login = NULL;
    c->last_ms = clock_mono_ms();
    smtp_session_verified(c->session, answer);
    (void)take_refusal(c);
    obey(c, smtp_session_feed(c->session, "", 0, &none), c->held.len > 0);
    flush(c);
    resume(c);
}

static void check_login(struct smtp_conn *c)
{
    const struct login_owner owner = { .user = c, .answered = on_login };
    c->login = login_begin(c->shared->logins, &owner, c->address, peer_of(c), smtp_session_credentials(c->session));
    if (!c->login)
        on_login(c, SMTP_LOGIN_LATER);
}

/* What the session wants after it was fed; what is left over decides how we part. */
static void obey(struct smtp_conn *c, enum smtp_want want, bool has_more)
{
    bool was_refused = take_refusal(c);
    const char *oddity = smtp_session_oddity(c->session);
    if (oddity)
        log_line(LOG_DEBUG, "smtp.oddity", LOG_S("peer", peer_of(c)), LOG_S("taken", oddity));
    if (want == SMTP_WANT_CLOSE) {
        c->is_ending = true;
        c->is_rude = has_more || was_refused;
    }
    if (want == SMTP_WANT_COMMIT)
        commit(c);
    else if (want == SMTP_WANT_VERIFY)
        check_login(c);
    else if (smtp_session_in_data(c->session))
        go_on_reading(c);
    else if (!c->is_committing)
        intake_abandon(&c->intake); /* of a mail that was refused at its end */
    if (want == SMTP_WANT_TLS) {
        flush(c); /* the last plain bytes: nothing else is being written while the session is fed */
        if (!c->is_dropped)
            start_tls(c);
    }
}

static const struct smtp_refusal *refuses(void *user, uint64_t size)
{
    struct smtp_conn *c = user;
    c->pace.slow = 0;
    c->pace.begin_ms = clock_mono_ms();
    return c->shared->ask(c->shared->user, c->address, size);
}

/* Feeds all that can be fed. Answers go out together, as the commands of a pipelining device came in. */
static void pump(struct smtp_conn *c, const char *bytes, size_t n)
{
    while (n > 0 && is_able_to_feed(c)) {
        size_t used;
        enum smtp_want want = smtp_session_feed(c->session, bytes, n, &used);
        bytes += used;
        n -= used;
        obey(c, want, n > 0);
        if (used == 0)
            flush(c); /* it waits for its replies to be read */
    }
    note_progress(c);
    if (n > 0 && !c->is_dropped && !c->is_ending)
        hold(c, bytes, n);
    if (is_behind(c))
        stop_reading(c);
    flush(c);
}

/* --- the server's side --------------------------------------------------------------------------------------------- */

/* Where there is no chance to be had, there is no CRAM-MD5. */
static void use_auth(struct smtp_conn *c)
{
    uint64_t chance[2] = { 0 };
    char nonce[2 * sizeof chance + 1];
    bool has_chance = getrandom(chance, sizeof chance, GRND_NONBLOCK) == (ssize_t)sizeof chance;
    (void)snprintf(nonce, sizeof nonce, "%016" PRIx64 "%016" PRIx64, chance[0], chance[1]);
    smtp_session_use_auth(c->session, &c->shared->auth, has_chance ? nonce : NULL);
}

static struct smtp_conn *conn_new(const struct smtp_conn_shared *shared, const struct smtp_door *door,
                                  const unsigned char address[16])
{
    char peer[CIDR_TEXT];
    struct smtp_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->shared = shared;
    buf_init(&c->held, HELD_MAX);
    memcpy(c->address, address, sizeof c->address);
    c->opened_ms = c->last_ms = clock_mono_ms();
    c->session = smtp_session_new(&shared->limits, shared->hostname, cidr_text(address, peer));
    if (!c->session || uv_tcp_init(shared->loop, &c->tcp) < 0) {
        smtp_session_free(&c->session);
        free(c);
        return NULL;
    }
    use_auth(c);
    c->tcp.data = c;
    c->manner = door->manner;
    c->context = tls_context_keep(door->tls);
    return c;
}

struct smtp_conn *smtp_conn_open(const struct smtp_conn_shared *shared, const struct smtp_door *door, int fd,
                                 const unsigned char address[16])
{
    struct smtp_conn *c = conn_new(shared, door, address);
    if (!c) {
        (void)close(fd);
        return NULL;
    }
    if (uv_tcp_open(&c->tcp, fd) < 0) {
        (void)close(fd);
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        return NULL;
    }
    return c;
}

void smtp_conn_begin(struct smtp_conn *c)
{
    const struct smtp_profile *profile = c->shared->profile_of(c->shared->user, c->address);
    if (profile)
        smtp_session_use(c->session, profile);
    const struct smtp_gate_keeper keeper = { .user = c, .refuses = refuses };
    smtp_session_guard(c->session, &keeper);
    smtp_recorder_start(&c->recorder, c->session);
    if (c->manner == SMTP_BY_TLS)
        start_tls(c);
    else if (c->manner == SMTP_BY_EITHER && c->context)
        c->is_first_byte_awaited = true;
    else
        greet(c);
    flush(c);
    start_reading(c);
}

bool smtp_conn_end(struct smtp_conn *c, enum smtp_end why)
{
    if (c->is_committing || c->is_dropped)
        return false;
    if (c->is_writing || c->is_ending || is_shaking(c)) { /* it does not even read what it was told before */
        c->is_ending = true;
        smtp_conn_drop(c);
        return true;
    }
    say_aborted(c, "it was ended");
    login_leave(&c->login);
    smtp_session_end(c->session, why);
    obey(c, SMTP_WANT_CLOSE, true);
    flush(c);
    return true;
}

bool smtp_conn_is_idle(const struct smtp_conn *c)
{
    return !c->is_committing && !smtp_session_in_mail(c->session) && c->held.len == 0;
}

/* Once for a mail. */
static void say_stalled(struct smtp_conn *c)
{
    if (c->is_stall_said)
        return;
    c->is_stall_said = true;
    log_line(LOG_WARN, "mail.stalled", LOG_S("peer", peer_of(c)), LOG_I("bytes", smtp_session_body_bytes(c->session)),
             LOG_S("hint", smtp_session_saw_false_end(c->session)
                               ? "the device sent a line with a single dot, but not between CR LF: let it end lines with CR LF"
                               : "the device fell silent before the end of its mail"));
}

static void look_at_pace_anew(struct smtp_conn *c, int64_t bytes, int64_t mono_ms)
{
    c->pace.bytes = bytes;
    c->pace.since_ms = mono_ms;
}

/* A time in which nothing came at all is the other deadline's: whoever stops for two minutes and then goes on may. */
static bool is_too_slow(struct smtp_conn *c, int64_t mono_ms)
{
    int64_t bytes = smtp_session_body_bytes(c->session), came = bytes - c->pace.bytes, passed_ms = mono_ms - c->pace.since_ms;
    if (!smtp_session_in_data(c->session)) {
        c->pace.begin_ms = mono_ms;
        look_at_pace_anew(c, 0, mono_ms);
        return false;
    }
    if (passed_ms < PACE_MS)
        return false;
    c->pace.slow += came > 0 && came < c->shared->bytes_per_second * passed_ms / 1000;
    look_at_pace_anew(c, bytes, mono_ms);
    return c->pace.slow >= PACE_SLOW_MOST;
}

void smtp_conn_check(struct smtp_conn *c, int64_t mono_ms)
{
    const struct smtp_conn_shared *shared = c->shared;
    bool in_data = smtp_session_in_data(c->session);
    int64_t silent_ms = mono_ms - c->last_ms;
    if (in_data && silent_ms >= HINT_MS && smtp_session_saw_false_end(c->session))
        say_stalled(c); /* whoever sets up the device need not wait for the deadline to learn what is wrong */
    if (c->is_lingering) {
        if (mono_ms >= c->linger_until_ms)
            smtp_conn_drop(c);
    } else if (is_shaking(c)) {
        check_handshake(c, mono_ms);
    } else if (c->is_first_byte_awaited && mono_ms - c->opened_ms >= FIRST_BYTE_MS) {
        greet(c);
        flush(c);
    } else if (c->is_committing || c->login || is_behind(c)) {
        look_at_pace_anew(c, smtp_session_body_bytes(c->session), mono_ms); /* it waits for us */
    } else if (mono_ms - c->opened_ms >= shared->session_ms) {
        (void)smtp_conn_end(c, SMTP_END_TOO_LONG);
    } else if (is_too_slow(c, mono_ms)) {
        (void)smtp_conn_end(c, SMTP_END_SLOW);
    } else if (in_data && shared->message_ms > 0 && mono_ms - c->pace.begin_ms >= shared->message_ms) {
        (void)smtp_conn_end(c, SMTP_END_ENDLESS);
    } else if (in_data && silent_ms >= shared->data_ms) {
        say_stalled(c);
        (void)smtp_conn_end(c, SMTP_END_STALLED);
    } else if (!in_data && silent_ms >= shared->command_ms) {
        (void)smtp_conn_end(c, SMTP_END_SILENT);
    }
}

const unsigned char *smtp_conn_address(const struct smtp_conn *c)
{
    return c->address;
}

int64_t smtp_conn_last_ms(const struct smtp_conn *c)
{
    return c->last_ms;
}

struct smtp_conn_link *smtp_conn_link(struct smtp_conn *c)
{
    return &c->link;
}
