/* tls_device: an SSL client between two memory BIOs. */
#include "tls_device.h"
#include "net/tls_inside.h"
#include <stdlib.h>
#include <string.h>

struct tls_device {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    struct buf sent, plain;
};

static void must(bool ok)
{
    if (!ok) {
        ERR_print_errors_fp(stderr);
        abort();
    }
}

struct tls_device *tls_device_new(int least, int most, const char *ciphers)
{
    struct tls_device *d = calloc(1, sizeof *d);
    must(d && (d->context = SSL_CTX_new(TLS_client_method())));
    SSL_CTX_set_security_level(d->context, 0);
    must(SSL_CTX_set_min_proto_version(d->context, least) == 1 && SSL_CTX_set_max_proto_version(d->context, most) == 1);
    must(SSL_CTX_set_cipher_list(d->context, ciphers ? ciphers : "ALL") == 1);
    must((d->ssl = SSL_new(d->context)) && (d->in = BIO_new(BIO_s_mem())) && (d->out = BIO_new(BIO_s_mem())));
    (void)BIO_set_mem_eof_return(d->in, -1);
    SSL_set_bio(d->ssl, d->in, d->out);
    SSL_set_connect_state(d->ssl);
    buf_init(&d->sent, 256U << 20);
    buf_init(&d->plain, 256U << 20);
    return d;
}

void tls_device_free(struct tls_device **dp)
{
    struct tls_device *d = TAKE(*dp);
    SSL_free(d->ssl);
    SSL_CTX_free(d->context);
    buf_done(&d->sent);
    buf_done(&d->plain);
    free(d);
}

void tls_device_hear(struct tls_device *d, const char *bytes, size_t n)
{
    char chunk[4096];
    size_t got;
    must(n == 0 || BIO_write(d->in, bytes, (int)n) == (int)n);
    while (SSL_read_ex(d->ssl, chunk, sizeof chunk, &got) == 1) /* shakes hands as well */
        buf_put(&d->plain, chunk, got);
    ERR_clear_error();
}

struct buf *tls_device_out(struct tls_device *d)
{
    char chunk[4096];
    for (int n; (n = BIO_read(d->out, chunk, sizeof chunk)) > 0;)
        buf_put(&d->sent, chunk, (size_t)n);
    return &d->sent;
}

struct buf *tls_device_plain(struct tls_device *d)
{
    return &d->plain;
}

bool tls_device_is_open(const struct tls_device *d)
{
    return SSL_is_init_finished(d->ssl);
}

bool tls_device_has_heard_the_end(const struct tls_device *d)
{
    return SSL_get_shutdown(d->ssl) & SSL_RECEIVED_SHUTDOWN;
}

void tls_device_say(struct tls_device *d, const char *plain, size_t n)
{
    size_t written;
    must(SSL_write_ex(d->ssl, plain, n, &written) == 1 && written == n);
}

void tls_device_end(struct tls_device *d)
{
    (void)SSL_shutdown(d->ssl);
}

void tls_device_carry(struct tls_device *d, struct tls *us, struct buf *plain, size_t step)
{
    bool moved = true;
    tls_device_hear(d, NULL, 0);
    while (moved) {
        struct buf *theirs = tls_device_out(d), *ours = tls_out(us);
        moved = theirs->len > 0 || ours->len > 0;
        for (size_t at = 0; at < theirs->len; at += step)
            (void)tls_feed(us, theirs->data + at, theirs->len - at < step ? theirs->len - at : step, plain);
        buf_clear(theirs);
        tls_device_hear(d, buf_str(ours), ours->len);
        buf_clear(ours);
    }
}

const char *tls_device_pair(void)
{
    static struct buf pair;
    struct err e;
    if (!pair.data) {
        buf_init(&pair, 64 * 1024);
        must(tls_pair_make("gate.example", &pair, &e) == 0);
    }
    return buf_str(&pair);
}
