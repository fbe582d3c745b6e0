/* https: the certificate that new TLS connections are shown; GnuTLS, which libmicrohttpd uses, stays in https.c. One for the process:
 * libmicrohttpd's callback is told no more than the session. Until the first is there, handshakes fail. */
#pragma once
#include "core/err.h"

/* PEM texts: the chain, and its key. Connections that are open keep what they have. Any thread. -1: ERR_INPUT. */
int https_use(const char *certificate, const char *key, struct err *e) MUST_CHECK;
/* A gnutls_certificate_retrieve_function2, for MHD_OPTION_HTTPS_CERT_CALLBACK. */
typedef void https_function(void);
https_function *https_callback(void);
