/* smtp_conn: one connection: its socket and deadlines around a session and an intake. The server's own; loop's thread. */
#pragma once
#include "net/intake.h"
#include "net/logins.h"
#include "net/smtp_session.h"
#include "net/tls.h"
#include "net/transcript.h"

struct uv_loop_s;
struct smtp_conn;

/* A listener, as its connections see it: how a conversation begins there. */
enum smtp_manner {
    SMTP_BY_STARTTLS, /* plain text first                                                                */
    SMTP_BY_TLS,      /* TLS from the first byte                                                         */
    SMTP_BY_EITHER,   /* the device's first byte tells; one that is silent for a second is greeted plain */
};
struct smtp_door {
    enum smtp_manner manner;
    struct tls_context *tls; /* NULL: not there (yet) */
};

/* What all connections of a server share, and whom they tell. */
struct smtp_conn_shared {
    struct uv_loop_s *loop;
    struct intakes *intakes;
    struct smtp_limits limits;
    struct smtp_auth_rules auth;
    struct logins *logins; /* who checks credentials */
    const char *hostname;
    int64_t small_bytes; /* a mail up to this is never spooled */
    size_t spool_bytes;  /* … nor below this                   */
    int64_t command_ms, data_ms, session_ms, tls_ms;
    int64_t message_ms;       /* deadline of a whole message; 0: none */
    int64_t bytes_per_second; /* of a message, at least; 0: no limit  */
    bool is_stopping; /* no further mail after this one    */
    char *input;      /* one read at a time: one buffer    */
    size_t input_bytes;
    struct buf *plain; /* what TLS made of it               */
    void *user;
    /* The profile for this address; NULL: the default one. */
    const struct smtp_profile *(*profile_of)(void *user, const unsigned char address[16]);
    /* At MAIL, with the size that was told, and while a mail is read. NULL: go on. */
    const struct smtp_refusal *(*ask)(void *user, const unsigned char address[16], uint64_t size);
    const struct smtp_refusal *(*watch)(void *user, int64_t bytes);
    void (*refused)(void *user, const unsigned char address[16], const char *peer, const struct smtp_refusal *r);
    /* A mail that never was complete. */
    void (*aborted)(void *user, const unsigned char address[16], const char *peer, int64_t bytes, const char *why);
    void (*tls_failed)(void *user, const unsigned char address[16], const char *peer, const struct tls_failure *why);
    void (*spoke)(void *user, const struct transcript *t); /* a conversation in which the device said anything has ended */
    void (*closed)(void *user, struct smtp_conn *c); /* off the list with it; it frees itself soon */
};

/* Takes the descriptor on every path. NULL: out of memory. */
struct smtp_conn *smtp_conn_open(const struct smtp_conn_shared *shared, const struct smtp_door *door, int fd,
                                 const unsigned char address[16]);

/* After it is on the server's list: 220 (or TLS), and listening. */
void smtp_conn_begin(struct smtp_conn *c);
/* Says why and closes, after the device had a moment to read it; not while a mail waits for the store: then false. */
bool smtp_conn_end(struct smtp_conn *c, enum smtp_end why);
/* Closes now. A complete mail goes on without it. */
void smtp_conn_drop(struct smtp_conn *c);
/* Ends it where a deadline has passed. */
void smtp_conn_check(struct smtp_conn *c, int64_t mono_ms);
bool smtp_conn_is_idle(const struct smtp_conn *c); /* no mail under way */

const unsigned char *smtp_conn_address(const struct smtp_conn *c);
int64_t smtp_conn_last_ms(const struct smtp_conn *c); /* of its last progress */
int64_t smtp_conn_busy_ms(const struct smtp_conn *c, int64_t mono_ms); /* how long the mail under way has been coming; 0: none is */
bool smtp_conn_has_sent(const struct smtp_conn *c); /* a mail was kept */

/* The server's list. */
struct smtp_conn_link {
    struct smtp_conn *next, *previous;
};
struct smtp_conn_link *smtp_conn_link(struct smtp_conn *c);
