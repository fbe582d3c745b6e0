/* tls_pair: a certificate with its chain and its key, from PEM texts: read, looked at, made. No files, no network. Any thread,
 * one at a time. */
#pragma once
#include "core/buf.h"

struct tls_pair;

/* What is in the texts and fits together. certificate: ours first, then who signed it. The same text may be given twice. */
int tls_pair_read(const char *certificate, const char *key, struct tls_pair **out, struct err *e) MUST_CHECK;
void tls_pair_free(struct tls_pair **p);

/* RSA 2048 (old cameras know nothing else), signed by itself, as one PEM text: key and certificate. Takes seconds on a small
 * machine. name: of this gateway. */
int tls_pair_make(const char *name, struct buf *out, struct err *e) MUST_CHECK;

enum { TLS_FINGERPRINT = 32 * 3 }; /* SHA-256 as "AB:CD:…" */
const char *tls_pair_fingerprint(const struct tls_pair *p, char out[TLS_FINGERPRINT]);
int64_t tls_pair_until_ms(const struct tls_pair *p); /* wall clock: when it expires */
