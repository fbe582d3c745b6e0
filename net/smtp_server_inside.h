/* smtp_server_inside: what the files of the server share; nobody else includes it.
 *
 *   smtp_server.c   listeners, connections, deadlines, the end       smtp_welcome.c   who may come in, and who hears that he may not */
#pragma once
#include "net/intake.h"
#include "net/listener.h"
#include "net/peers.h"
#include "net/repeats.h"
#include "net/smtp_conn.h"
#include "net/smtp_server.h"
#include <uv.h>

enum { SERVER_INPUT_BYTES = 64 * 1024 };

/* The ways in. */
enum { DOOR_MAIN, DOOR_TLS, DOOR_LEGACY, DOORS };
struct door {
    struct smtp_server *server;
    struct smtp_door way;
    struct listener *listener; /* NULL: not there */
};

struct smtp_server {
    struct smtp_options options;
    struct smtp_conn_shared shared;
    struct door doors[DOORS];
    struct intakes *intakes;
    struct logins *logins;
    struct store *store;
    struct peers *peers;
    struct repeats repeats, told; /* log lines; what the owner is told of refusals without a mail */
    struct smtp_gate gate;
    bool is_gateway_said;
    struct smtp_conn *first; /* newest first */
    size_t count, hinted; /* open now, and as the store knows it */
    uv_timer_t check;
    char *hostname;
    int64_t stop_by_ms; /* while stopping */
    int64_t part_ms;    /* since when for a moment only; 0: for good */
    int open_handles;   /* listeners, intakes, check */
    void (*stopped)(void *user);
    void *stopped_user;
    struct buf plain; /* what TLS made of the input */
    char input[SERVER_INPUT_BYTES];
};

/* --- smtp_welcome.c ----------------------------------------------------------------------------------------------- */

enum stranger { WELCOME, NOT_ALLOWED, NOT_ALLOWED_HIDDEN, NOT_ALLOWED_LEGACY, NO_TLS_YET, TOO_MANY, TOO_MANY_OF_ONE };
/* Whether he may come in; somebody who is silent may have to make room for him. */
enum stranger smtp_welcome(const struct door *door, const struct sockaddr *peer, const unsigned char address[16]);
void smtp_turn_away(struct smtp_server *s, int fd, const unsigned char address[16], enum stranger why); /* with a reply; closes */
bool smtp_is_hidden(const struct smtp_server *s, const unsigned char address[16]); /* behind the container's gateway */

/* Counted, and a line in the log unless there was one lately. */
void smtp_say_refused(struct smtp_server *s, const unsigned char address[16], const char *peer, const char *reason, const char *setting,
                      const char *reply);
/* To the owner. No mail was lost with it: one word an hour about each peer and reason. */
void smtp_tell_refused(struct smtp_server *s, const unsigned char address[16], const char *peer, struct smtp_refusal r);
