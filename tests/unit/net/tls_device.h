/* tls_device: the other end of net/tls.h for tests: a device's TLS client as OpenSSL gives it, all in memory. */
#pragma once
#include "net/tls.h"

struct tls_device;

/* least, most: as on the wire (0x0301 is TLS 1.0); 0: as the library likes. ciphers NULL: its own. */
struct tls_device *tls_device_new(int least, int most, const char *ciphers);
void tls_device_free(struct tls_device **d);

void tls_device_hear(struct tls_device *d, const char *bytes, size_t n); /* from us to it            */
struct buf *tls_device_out(struct tls_device *d);                        /* what it sends to us      */
struct buf *tls_device_plain(struct tls_device *d);                      /* what it understood of us */
bool tls_device_is_open(const struct tls_device *d);
bool tls_device_has_heard_the_end(const struct tls_device *d);
void tls_device_say(struct tls_device *d, const char *plain, size_t n);
void tls_device_end(struct tls_device *d);

/* All that either end has to say goes to the other, what comes to us in pieces of `step` bytes; plain: what we understood. */
void tls_device_carry(struct tls_device *d, struct tls *us, struct buf *plain, size_t step);

/* A pair made once for all tests of a program, as PEM. */
const char *tls_device_pair(void);
