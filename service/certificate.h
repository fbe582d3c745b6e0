/* certificate: whose certificate the listeners show: the owner's files, looked at once a minute, else a pair of our own, made
 * at the first start and kept in the data folder (tls.pem). Files are read and keys made in libuv's pool, since that takes a small
 * machine seconds. What is wrong with the owner's files is said; the pair before, or else our own, stands in. Loop's thread. */
#pragma once
#include "core/err.h"
#include "net/tls.h"

struct uv_loop_s;
struct certificate;

struct certificate_source {
    const char *certificate; /* a file, or the PEM text itself; "": our own pair       */
    const char *key;         /* the same; "": it is in the certificate's file          */
};

struct certificate_options {
    struct certificate_source source; /* borrowed, as all strings here */
    const char *folder, *name;        /* of the data; of this gateway  */
    enum tls_least least;
    const char *block; /* whose settings: "Smtp", "Api" */
    void *user;
    /* In libuv's pool, the PEM texts of a pair that fits, before changed; -1: it is not usable. May be NULL, and so may changed. */
    int (*read)(void *user, const char *certificate, const char *key, struct err *e);
    void (*changed)(void *user, struct tls_context *modern, struct tls_context *legacy); /* keep them if wanted */
};

/* Begins at once. NULL: out of memory. */
struct certificate *certificate_start(struct uv_loop_s *loop, const struct certificate_options *o);
void certificate_tick(struct certificate *c, int64_t mono_ms, int64_t wall_ms); /* every second              */
void certificate_look(struct certificate *c); /* now, not within a minute; NULL is nothing */
void certificate_stop(struct certificate *c);                                   /* changed is called no more */
void certificate_free(struct certificate **c);                                  /* after the loop has ended  */

/* For `postern check`: whether the owner's files can be read, fit together and have not expired. */
int certificate_check(const struct certificate_source *source, int64_t wall_ms, struct err *e) MUST_CHECK;
