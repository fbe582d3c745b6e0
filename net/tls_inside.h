/* tls_inside: OpenSSL for the two files that speak to it (tls.c, tls_pair.c); nobody else includes it.
 * Its headers take the name ERR_STATE that is ours in core/err.h: here theirs is called otherwise. */
#pragma once
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#undef ERR_STATE
#include "core/err.h"
#include "net/tls_pair.h"

struct tls_pair {
    X509 *certificate;
    STACK_OF(X509) *chain; /* what follows it in the file: who signed it */
    EVP_PKEY *key;
};

/* What OpenSSL complained about first, as words; never NULL. Empties its list. */
const char *tls_complaint(void);
