/* smtp_conn: opening, closing and deadlines of a connection: bytes from the socket go (through TLS) to the session, its replies to
 * the socket, its mails to an intake. */
#include "core/clock.h"
#include "core/log.h"
#include "net/cidr.h"
#include "net/smtp_conn_inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    HINT_MS = 5000,       /* of silence after what looks like an end: say what is wrong      */
    PACE_MS = 60 * 1000,  /* over which the data rate is looked at                           */
    PACE_SLOW_MOST = 2,   /* such times too slow: cut                                        */
    LINGER_MS = 2000,     /* for the device to read our last words                           */
    FIRST_BYTE_MS = 1000, /* until a device that may begin with TLS is greeted in plain text */
};

const char *smtp_conn_peer(const struct smtp_conn *c)
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
    log_line(LOG_DEBUG, "smtp.end", LOG_S("peer", smtp_conn_peer(c)), LOG_I("mails", c->mails), LOG_I("commands", c->commands),
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
        c->shared->aborted(c->shared->user, c->address, smtp_conn_peer(c), smtp_session_body_bytes(c->session), why);
}

void smtp_conn_drop(struct smtp_conn *c)
{
    if (c->is_dropped)
        return;
    c->is_dropped = true;
    smtp_conn_say_handshake_left(c);
    smtp_conn_end_tls(c);
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
    smtp_conn_end_tls(c);
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) < 0 || shutdown(fd, SHUT_WR) < 0) {
        smtp_conn_drop(c);
        return;
    }
    c->is_lingering = true;
    c->linger_until_ms = clock_mono_ms() + LINGER_MS;
    buf_shrink(&c->held);
    smtp_conn_start_reading(c);
}

/* Everything that had to be said is said. */
void smtp_conn_finish(struct smtp_conn *c)
{
    if (c->is_rude && !c->is_eof && !c->shared->is_stopping)
        start_linger(c);
    else
        smtp_conn_drop(c);
}

/* --- the server's side --------------------------------------------------------------------------------------------- */

static const struct smtp_refusal *refuses(void *user, uint64_t size)
{
    struct smtp_conn *c = user;
    c->pace.slow = 0;
    c->pace.begin_ms = clock_mono_ms();
    return c->shared->ask(c->shared->user, c->address, size);
}

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
        smtp_conn_start_tls(c);
    else if (c->manner == SMTP_BY_EITHER && c->context)
        c->is_first_byte_awaited = true;
    else
        smtp_conn_greet(c);
    smtp_conn_flush(c);
    smtp_conn_start_reading(c);
}

bool smtp_conn_end(struct smtp_conn *c, enum smtp_end why)
{
    if (c->is_committing || c->is_dropped)
        return false;
    if (c->is_writing || c->is_ending || smtp_conn_is_shaking(c)) { /* it does not even read what it was told before */
        c->is_ending = true;
        smtp_conn_drop(c);
        return true;
    }
    say_aborted(c, "it was ended");
    login_leave(&c->login);
    smtp_session_end(c->session, why);
    smtp_conn_obey(c, SMTP_WANT_CLOSE, true);
    smtp_conn_flush(c);
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
    log_line(LOG_WARN, "mail.stalled", LOG_S("peer", smtp_conn_peer(c)), LOG_I("bytes", smtp_session_body_bytes(c->session)),
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
    } else if (smtp_conn_is_shaking(c)) {
        smtp_conn_check_handshake(c, mono_ms);
    } else if (c->is_first_byte_awaited && mono_ms - c->opened_ms >= FIRST_BYTE_MS) {
        smtp_conn_greet(c);
        smtp_conn_flush(c);
    } else if (c->is_committing || c->login || smtp_conn_is_behind(c)) {
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

int64_t smtp_conn_busy_ms(const struct smtp_conn *c, int64_t mono_ms)
{
    return smtp_conn_is_idle(c) ? 0 : mono_ms - c->pace.begin_ms;
}

bool smtp_conn_has_sent(const struct smtp_conn *c)
{
    return c->mails > 0;
}

struct smtp_conn_link *smtp_conn_link(struct smtp_conn *c)
{
    return &c->link;
}
