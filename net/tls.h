/* tls: TLS at our side of one connection, without socket, loop, clock or thread: what the device sent goes in and plain bytes
 * come out; plain bytes go in and what must be sent to the device grows in tls_out().
 *
 *   tls_new ─▶ HANDSHAKE ── feed … ─▶ OPEN ── feed, put … ─▶ ENDED (it said that it is done)
 *                  └───────────────────┴──▶ FAILED: tls_failure() says why; tls_out() holds the alert for the device
 * One context and its connections belong to one thread at a time. */
#pragma once
#include "core/buf.h"

struct tls;
struct tls_context; /* certificate, versions and ciphers, as long as anybody uses them */
struct tls_pair;

enum tls_least { TLS_1_2, TLS_1_3, TLS_LEGACY /* TLS 1.0 with all that OpenSSL still has */ };

/* pair is borrowed. */
int tls_context_new(const struct tls_pair *pair, enum tls_least least, struct tls_context **out, struct err *e) MUST_CHECK;
struct tls_context *tls_context_keep(struct tls_context *c); /* one more user; NULL is passed through */
void tls_context_drop(struct tls_context **c);               /* … one less */

enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_ENDED, TLS_FAILED };

struct tls *tls_new(struct tls_context *c); /* keeps c. NULL: out of memory */
void tls_free(struct tls **t);

enum tls_state tls_state(const struct tls *t);
/* Takes all n bytes; what they say is added to plain (bytes of it may come together with the end or a failure). */
enum tls_state tls_feed(struct tls *t, const char *bytes, size_t n, struct buf *plain);
/* While OPEN or ENDED; else the bytes are forgotten. -1: FAILED. */
int tls_put(struct tls *t, const char *plain, size_t n) MUST_CHECK;
/* Says that we are done (close_notify), where that can be said. */
void tls_end(struct tls *t);
struct buf *tls_out(struct tls *t);
/* Gives back what memory it can while nobody speaks. */
void tls_rest(struct tls *t);

const char *tls_version(const struct tls *t); /* "TLSv1.3", a constant; once OPEN */
const char *tls_cipher(const struct tls *t);

struct tls_failure {
    const char *reason;  /* metric label: version, ciphers, certificate, not_tls, other; of connections: left, timeout, early */
    const char *setting; /* that would help; NULL: none                                 */
    char text[160];      /* for the operator                                            */
};
const struct tls_failure *tls_failure(const struct tls *t); /* once FAILED */
