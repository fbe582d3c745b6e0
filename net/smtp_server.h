/* smtp_server: the listener and its connections on the main loop: sockets, timers and the disk pool around smtp_session.
 * The loop's thread calls everything here and is called back on. SIGPIPE must be ignored. */
#pragma once
#include "net/cidr.h"
#include "net/gateway.h"
#include "net/smtp_gate.h"
#include "net/smtp_users.h"
#include "net/transcript.h"
#include "store/store.h"

struct uv_loop_s;
struct smtp_server;
struct tls_context;

struct smtp_options {
    const char *address;         /* "" or "::": all, both families; else one IP address */
    int port;                    /* 0: any free one (tests)              */
    const char *hostname;        /* in the greeting                      */
    struct cidr_list allow_from; /* borrowed until stopped              */
    struct smtp_limits limits;
    struct smtp_auth_rules auth;
    struct smtp_users users; /* borrowed until the loop is closed */
    /* More hear 421. Where all places are taken, the address with most of them gives one up for an address that has fewer, and
     * a connection that was silent for 10 s outside a mail for a new one of its own address. */
    size_t connections, connections_per_address;
    int64_t command_ms, data_ms, session_ms; /* deadlines       */
    int64_t message_ms;                      /* … of a whole message; 0: none                      */
    int64_t bytes_per_second;                /* of a message, at least, over a minute; 0: no limit */
    struct smtp_gate_limits gate;
    struct gateways gateways;     /* peers who hide others: never limited or known by their address … */
    bool are_gateways_allowed;    /* … and let in only so                                            */
    int tls_port;                            /* TLS from the first byte; 0: no such listener                               */
    int legacy_port;                         /* old TLS, or plain, for the addresses named only; 0: no such listener       */
    struct cidr_list legacy_allow_from;      /* borrowed until stopped                                                     */
    int64_t tls_ms;                          /* deadline of a handshake                                                    */
    void *user;
    /* The profile for a peer's address (as cidr.h writes it), asked before the greeting. NULL, or NULL out: the default one. */
    const struct smtp_profile *(*profile_of)(void *user, const unsigned char address[16]);
    /* Whether this address is an alarm panel's: no limit of mails a minute. NULL: none is. */
    bool (*is_panel)(void *user, const unsigned char address[16]);
    /* Main loop. A mail was kept (seq, id, envelope known): wake the inspector. */
    void (*kept)(void *user, const struct arrival *a);
    /* Each mail that was lost; of refusals without a mail one an hour for each peer and reason. */
    void (*refused)(void *user, const char *peer, const struct smtp_refusal *r);
    /* A conversation in which the device said anything has ended; NULL: nobody wants to know. */
    void (*spoke)(void *user, const struct transcript *t);
};
int smtp_server_start(struct uv_loop_s *loop, struct store *s, const struct smtp_options *o, struct smtp_server **out,
                      struct err *e) MUST_CHECK;
int smtp_server_port(const struct smtp_server *s);
/* 0 where that listener is not there: it was not wanted, or its port is not free (which was logged: mails come in elsewhere). */
int smtp_server_tls_port(const struct smtp_server *s);
int smtp_server_legacy_port(const struct smtp_server *s);
/* From now on new connections are offered TLS with these (each kept until others come); who has TLS already stays as he is. */
void smtp_server_use_tls(struct smtp_server *s, struct tls_context *modern, struct tls_context *legacy);
/* Closes the listener, lets conversations finish (grace_ms), then calls stopped. Mails that are complete are always kept. */
void smtp_server_stop(struct smtp_server *s, int64_t grace_ms, void (*stopped)(void *user), void *user);
/* The same for one that is there again in a moment: whoever is in the middle of a conversation is let finish, mails that are still to come
 * included, for as long as a new caller can be let wait; whoever is silent is parted with. */
void smtp_server_part(struct smtp_server *s, int64_t grace_ms, void (*stopped)(void *user), void *user);
/* Whether that would be over in a moment: no mail has been coming for longer than a second. */
bool smtp_server_is_calm(const struct smtp_server *s);
/* What listeners listen on stays open for whoever begins again (net/inherited.h): those whose bit is set, 1 the first port, 2 TLS, 4 old
 * devices; each under its name. */
int smtp_server_keep(const struct smtp_server *s, unsigned which, struct err *e) MUST_CHECK;
extern const char *const smtp_socket_names[3];
void smtp_server_free(struct smtp_server **s); /* after stopped */
