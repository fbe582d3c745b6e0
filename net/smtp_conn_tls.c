/* smtp_conn_tls: how a conversation begins at its door, the handshake with its deadline, and TLS between socket and session. */
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "net/smtp_conn_inside.h"
#include <netinet/tcp.h>

bool smtp_conn_is_shaking(const struct smtp_conn *c)
{
    return c->tls && tls_state(c->tls) == TLS_HANDSHAKE;
}

static void tell_tls_failed(struct smtp_conn *c, const struct tls_failure *why)
{
    smtp_recorder_failed(&c->recorder, why->text, why->setting);
    c->shared->tls_failed(c->shared->user, c->address, smtp_conn_peer(c), why);
}

/* A link that was only tried out, as health probes do, is nobody's failure. */
void smtp_conn_say_handshake_left(struct smtp_conn *c)
{
    static const struct tls_failure left = { "left", NULL, "the device left within the handshake" };
    if (smtp_conn_is_shaking(c) && c->has_spoken_tls)
        tell_tls_failed(c, &left);
}

/* Our last word under TLS, if there is room for it. */
void smtp_conn_end_tls(struct smtp_conn *c)
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

void smtp_conn_greet(struct smtp_conn *c)
{
    c->is_greeted = true;
    c->is_first_byte_awaited = false;
    smtp_session_offer_tls(c->session, c->context);
    smtp_session_greet(c->session);
}

void smtp_conn_start_tls(struct smtp_conn *c)
{
    c->is_first_byte_awaited = false;
    c->shaking_since_ms = clock_mono_ms();
    c->tls = tls_new(c->context);
    if (!c->tls)
        smtp_conn_drop(c);
}

void smtp_conn_begin_as_it_does(struct smtp_conn *c, char first)
{
    if (first == TLS_FIRST_BYTE)
        smtp_conn_start_tls(c);
    else
        smtp_conn_greet(c);
}

/* It has read our plain greeting as TLS: nothing can come of it but a hint for its owner. */
void smtp_conn_refuse_early_tls(struct smtp_conn *c)
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
    log_line(LOG_DEBUG, "smtp.tls", LOG_S("peer", smtp_conn_peer(c)), LOG_S("version", version), LOG_S("cipher", tls_cipher(c->tls)),
             LOG_I("ms", clock_mono_ms() - c->shaking_since_ms));
    c->last_ms = clock_mono_ms();
    smtp_recorder_tls(&c->recorder, version, tls_cipher(c->tls));
    smtp_session_tls_on(c->session, version);
    if (!c->is_greeted)
        smtp_conn_greet(c);
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

void smtp_conn_take_encrypted(struct smtp_conn *c, const char *bytes, size_t n)
{
    struct buf *plain = c->shared->plain;
    bool was_shaking = smtp_conn_is_shaking(c);
    c->has_spoken_tls = true;
    buf_clear(plain);
    enum tls_state state = tls_feed(c->tls, bytes, n, plain);
    if (was_shaking && (state == TLS_OPEN || state == TLS_ENDED))
        tls_is_on(c);
    if (plain->len > 0)
        smtp_conn_take(c, plain->data, plain->len);
    if (c->is_dropped || c->is_lingering)
        return;
    if (state == TLS_FAILED)
        tls_broke(c);
    smtp_conn_flush(c);
    if (!c->is_dropped && smtp_session_in_data(c->session))
        acknowledge_at_once(c);
    if (state == TLS_ENDED && !c->is_dropped) {
        smtp_conn_stop_reading(c);
        smtp_conn_heard_all(c);
    } else if (c->is_writing) {
        smtp_conn_stop_reading(c); /* until it has read what we said */
    }
}

void smtp_conn_check_handshake(struct smtp_conn *c, int64_t mono_ms)
{
    static const struct tls_failure late = { "timeout", "Smtp:TlsTimeout", "the handshake took too long" };
    if (mono_ms - c->shaking_since_ms < c->shared->tls_ms)
        return;
    c->has_spoken_tls = false; /* this is said instead */
    tell_tls_failed(c, &late);
    smtp_conn_drop(c);
}
