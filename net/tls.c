/* tls: OpenSSL between two buffers: a BIO of our own reads from the bytes that tls_feed was given and writes into `out`, so that
 * nothing is copied twice and a silent connection holds no buffers. */
#include "net/tls.h"
#include "net/tls_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 16 * 1024,     /* one record                                                    */
    OUT_MAX = 512 * 1024,  /* a certificate chain, replies: far less                        */
    REST_KEEPS = 256,      /* bytes of out that may stay while nobody speaks                */
};

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
    enum tls_least least;
    unsigned users;
};

struct tls {
    struct tls_context *context;
    SSL *ssl;
    enum tls_state state;
    const char *in; /* during tls_feed: what OpenSSL has not taken yet */
    size_t in_left;
    struct buf out;
    unsigned offered; /* the highest version that the device spoke of, as on the wire; 0: unknown */
    struct tls_failure failure;
};

/* --- the BIO: OpenSSL's hands on our buffers ---------------------------------------------------------------------- */

static int on_bio_create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

static int on_bio_read(BIO *b, char *out, int size)
{
    struct tls *t = BIO_get_data(b);
    size_t n = (size_t)size < t->in_left ? (size_t)size : t->in_left;
    BIO_clear_retry_flags(b);
    if (n == 0) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(out, t->in, n);
    t->in += n;
    t->in_left -= n;
    return (int)n;
}

static int on_bio_write(BIO *b, const char *bytes, int n)
{
    struct tls *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    buf_put(&t->out, bytes, (size_t)n);
    return t->out.failed ? -1 : n;
}

static long on_bio_ctrl(BIO *b, int command, long number, void *pointer)
{
    (void)b, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "postern");
    if (m && BIO_meth_set_create(m, on_bio_create) == 1 && BIO_meth_set_read(m, on_bio_read) == 1 &&
        BIO_meth_set_write(m, on_bio_write) == 1 && BIO_meth_set_ctrl(m, on_bio_ctrl) == 1)
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* --- context ------------------------------------------------------------------------------------------------------ */

/* The system's openssl.cnf decides nothing: the settings do. */
static const struct manner {
    int least;
    int level; /* OpenSSL's "security level": below 1 short keys, SHA-1 and TLS 1.0 pass */
    const char *ciphers;
} manners[] = {
    [TLS_1_2] = { TLS1_2_VERSION, 2, "DEFAULT:!PSK:!SRP" },
    [TLS_1_3] = { TLS1_3_VERSION, 2, "DEFAULT:!PSK:!SRP" },
    [TLS_LEGACY] = { TLS1_VERSION, 0, "ALL:COMPLEMENTOFDEFAULT:!aNULL:!eNULL:!PSK:!SRP" },
};

/* What the device offers, so that a failure can say it. TLS 1.3 has the versions in an extension; the field says 1.2 then. */
static unsigned highest_offered(SSL *ssl)
{
    enum { NEWEST = TLS1_3_VERSION };
    const unsigned char *list;
    size_t n;
    unsigned highest = SSL_client_hello_get0_legacy_version(ssl);
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &list, &n) != 1)
        return highest;
    for (size_t i = 1; i + 1 < n; i += 2) {
        unsigned version = (unsigned)list[i] << 8 | list[i + 1];
        if (version > highest && version <= NEWEST)
            highest = version;
    }
    return highest;
}

static int on_client_hello(SSL *ssl, int *alert, void *unused)
{
    struct tls *t = SSL_get_app_data(ssl);
    (void)alert, (void)unused;
    t->offered = highest_offered(ssl);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static bool use_pair(SSL_CTX *ssl, const struct tls_pair *p)
{
    return SSL_CTX_use_certificate(ssl, p->certificate) == 1 && SSL_CTX_use_PrivateKey(ssl, p->key) == 1 &&
           SSL_CTX_set1_chain(ssl, p->chain) == 1;
}

/* A ticket lets a small device skip the expensive half of its next handshake; nothing is remembered at our side. */
static bool set_up(SSL_CTX *ssl, const struct manner *m, const struct tls_pair *pair)
{
    static const unsigned char name[] = "postern";
    SSL_CTX_set_security_level(ssl, m->level);
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ssl, 1);
    (void)SSL_CTX_set_dh_auto(ssl, 1);
    SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
    return SSL_CTX_set_min_proto_version(ssl, m->least) == 1 && SSL_CTX_set_max_proto_version(ssl, 0) == 1 &&
           SSL_CTX_set_cipher_list(ssl, m->ciphers) == 1 && SSL_CTX_set_session_id_context(ssl, name, sizeof name - 1) == 1 &&
           use_pair(ssl, pair);
}

int tls_context_new(const struct tls_pair *pair, enum tls_least least, struct tls_context **out, struct err *e)
{
    CLEANUP(tls_context_drop) struct tls_context *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory");
    c->users = 1;
    c->least = least;
    ERR_clear_error();
    c->bio = bio_method_new();
    c->ssl = SSL_CTX_new(TLS_server_method());
    if (!c->bio || !c->ssl || !set_up(c->ssl, &manners[least], pair))
        return err_set(e, ERR_INPUT, "the certificate cannot be used (%s)", tls_complaint());
    *out = TAKE(c);
    return 0;
}

struct tls_context *tls_context_keep(struct tls_context *c)
{
    if (c)
        c->users++;
    return c;
}

void tls_context_drop(struct tls_context **cp)
{
    struct tls_context *c = TAKE(*cp);
    if (!c || --c->users > 0)
        return;
    SSL_CTX_free(c->ssl);
    BIO_meth_free(c->bio);
    free(c);
}

/* --- why it failed ------------------------------------------------------------------------------------------------- */

static const struct cause {
    int code;
    const char *reason, *setting, *text;
} causes[] = {
    { SSL_R_NO_SHARED_CIPHER, "ciphers", "Smtp:Legacy", "no shared cipher: this device knows only old ones" },
    { SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "ciphers", "Smtp:Legacy", "no shared signature: this device knows only old ones" },
    { SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "ciphers", "Smtp:Legacy", "no shared signature: this device knows only old ones" },
    { SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "ciphers", "Smtp:Legacy", "the device found nothing in what we offer" },
    { SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "version", "Smtp:Legacy", "the device speaks another version" },
    { SSL_R_HTTP_REQUEST, "not_tls", "Smtp:Port", "plain text came where TLS should begin" },
    { SSL_R_HTTPS_PROXY_REQUEST, "not_tls", "Smtp:Port", "plain text came where TLS should begin" },
    { SSL_R_WRONG_VERSION_NUMBER, "not_tls", "Smtp:Port", "what came where TLS should begin is no TLS" },
    { SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "certificate", "Smtp:Certificate", "the device does not take our certificate" },
    { SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "certificate", "Smtp:Certificate", "the device does not take our certificate" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "certificate", "Smtp:Certificate", "our certificate has expired for the device" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "certificate", "Smtp:Certificate", "the device does not take our certificate" },
    { SSL_R_TLSV1_ALERT_UNKNOWN_CA, "certificate", "Smtp:Certificate", "the device does not know who signed our certificate" },
};

static const char *version_name(unsigned version)
{
    static const char *const names[] = { "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3" };
    unsigned minor = version - SSL3_VERSION;
    return minor < COUNT(names) ? names[minor] : "something older";
}

static void describe_version(const struct tls *t, struct tls_failure *f)
{
    bool is_old = t->offered < TLS1_2_VERSION;
    f->reason = "version";
    f->setting = t->context->least == TLS_LEGACY ? NULL : is_old ? "Smtp:Legacy" : "Smtp:TlsMinimum";
    (void)snprintf(f->text, sizeof f->text, "no shared version: this device speaks %s", version_name(t->offered));
}

static void describe(const struct tls *t, int code, struct tls_failure *f)
{
    if (code == SSL_R_UNSUPPORTED_PROTOCOL || code == SSL_R_VERSION_TOO_LOW) {
        describe_version(t, f);
        return;
    }
    for (size_t i = 0; i < COUNT(causes); i++)
        if (causes[i].code == code) {
            f->reason = causes[i].reason;
            f->setting = causes[i].setting;
            (void)snprintf(f->text, sizeof f->text, "%s", causes[i].text);
        }
}

static void fail(struct tls *t)
{
    struct tls_failure *f = &t->failure;
    t->state = TLS_FAILED;
    f->reason = "other";
    describe(t, ERR_GET_REASON(ERR_peek_error()), f);
    if (!f->text[0])
        (void)snprintf(f->text, sizeof f->text, "%s", tls_complaint());
    ERR_clear_error();
}

/* --- one connection ------------------------------------------------------------------------------------------------- */

static int take_ssl(struct tls *t)
{
    BIO *bio = BIO_new(t->context->bio);
    t->ssl = SSL_new(t->context->ssl);
    if (!bio || !t->ssl) {
        BIO_free(bio);
        return -1;
    }
    BIO_set_data(bio, t);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_accept_state(t->ssl);
    return SSL_set_app_data(t->ssl, t) == 1 ? 0 : -1;
}

struct tls *tls_new(struct tls_context *c)
{
    CLEANUP(tls_free) struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->context = tls_context_keep(c);
    buf_init(&t->out, OUT_MAX);
    return take_ssl(t) == 0 ? TAKE(t) : NULL;
}

void tls_free(struct tls **tp)
{
    struct tls *t = TAKE(*tp);
    if (!t)
        return;
    SSL_free(t->ssl);
    tls_context_drop(&t->context);
    buf_done(&t->out);
    free(t);
}

enum tls_state tls_state(const struct tls *t)
{
    return t->state;
}

/* After a call that did not do what it should: it waits for more, or this is an end. */
static void judge(struct tls *t, int result)
{
    int why = SSL_get_error(t->ssl, result);
    if (t->out.failed)
        fail(t);
    else if (why == SSL_ERROR_ZERO_RETURN)
        t->state = TLS_ENDED;
    else if (why != SSL_ERROR_WANT_READ)
        fail(t);
}

static void shake_hands(struct tls *t)
{
    int result = SSL_do_handshake(t->ssl);
    if (result == 1)
        t->state = TLS_OPEN;
    else
        judge(t, result);
}

static void read_all(struct tls *t, struct buf *plain)
{
    char chunk[CHUNK];
    size_t n;
    int result;
    while ((result = SSL_read_ex(t->ssl, chunk, sizeof chunk, &n)) == 1) {
        buf_put(plain, chunk, n);
        if (plain->failed) {
            fail(t);
            return;
        }
    }
    judge(t, result);
}

enum tls_state tls_feed(struct tls *t, const char *bytes, size_t n, struct buf *plain)
{
    t->in = bytes;
    t->in_left = n;
    ERR_clear_error();
    if (t->state == TLS_HANDSHAKE)
        shake_hands(t);
    if (t->state == TLS_OPEN)
        read_all(t, plain);
    t->in = NULL;
    t->in_left = 0;
    return t->state;
}

static bool may_put(const struct tls *t)
{
    return t->state == TLS_OPEN || t->state == TLS_ENDED;
}

int tls_put(struct tls *t, const char *plain, size_t n)
{
    size_t written;
    ERR_clear_error();
    if (n == 0 || !may_put(t))
        return t->state == TLS_FAILED ? -1 : 0;
    if (SSL_write_ex(t->ssl, plain, n, &written) == 1 && written == n)
        return 0;
    fail(t);
    return -1;
}

void tls_end(struct tls *t)
{
    ERR_clear_error();
    if (may_put(t))
        (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}

struct buf *tls_out(struct tls *t)
{
    return &t->out;
}

void tls_rest(struct tls *t)
{
    if (t->out.len == 0 && t->out.cap > REST_KEEPS)
        buf_shrink(&t->out);
}

const char *tls_version(const struct tls *t)
{
    return SSL_get_version(t->ssl);
}

const char *tls_cipher(const struct tls *t)
{
    return SSL_get_cipher_name(t->ssl);
}

const struct tls_failure *tls_failure(const struct tls *t)
{
    return &t->failure;
}
