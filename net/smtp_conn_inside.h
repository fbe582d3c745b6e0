/* smtp_conn_inside: what the files of one connection share; nobody else includes it.
 *
 *   smtp_conn.c       opening, closing, deadlines       smtp_conn_io.c    the socket: reading, holding, writing
 *   smtp_conn_mail.c  what the session wants            smtp_conn_tls.c   between the two, where there is TLS */
#pragma once
#include "net/smtp_conn.h"
#include "net/smtp_recorder.h"
#include <uv.h>

enum {
    HELD_MAX = 1024 * 1024,
    TLS_FIRST_BYTE = 0x16, /* a handshake record (RFC 8446, 5.1) */
};

struct smtp_conn {
    uv_tcp_t tcp;
    struct smtp_conn_link link;
    const struct smtp_conn_shared *shared;
    struct smtp_session *session;
    struct smtp_recorder recorder;
    struct intake *intake; /* of the mail under way, once it needs one */
    struct login *login;   /* being checked; NULL: none                */
    struct tls_context *context; /* for STARTTLS; NULL: none     */
    struct tls *tls;             /* NULL: plain text             */
    int64_t shaking_since_ms;
    bool is_first_byte_awaited, is_greeted, has_spoken, has_spoken_tls;
    enum smtp_manner manner;
    struct buf held;       /* input that waits                         */
    bool is_reading, is_writing;
    bool is_committing; /* the intake is finished, its answer not here                  */
    bool is_eof;        /* the device says no more, but may still listen (nc)           */
    bool is_ending;     /* the session is over: flush, close                            */
    bool is_rude;       /* … and the device may still be talking: linger                */
    bool is_lingering, is_dropped;
    bool is_stall_said; /* of the mail under way                                        */
    unsigned char address[16];
    int64_t opened_ms, last_ms, linger_until_ms;
    struct {
        int64_t begin_ms;        /* of its body             */
        int64_t since_ms, bytes; /* the body as it was then */
        int slow;                /* times so far            */
    } pace;                      /* of the mail under way   */
    uint64_t commands, mails;
};

/* --- smtp_conn.c -------------------------------------------------------------------------------------------------- */

const char *smtp_conn_peer(const struct smtp_conn *c);
void smtp_conn_finish(struct smtp_conn *c); /* everything that had to be said is said */

/* --- smtp_conn_io.c ----------------------------------------------------------------------------------------------- */

bool smtp_conn_is_behind(const struct smtp_conn *c); /* the disk still writes what came before */
bool smtp_conn_may_feed(const struct smtp_conn *c);
void smtp_conn_take(struct smtp_conn *c, const char *bytes, size_t n); /* feeds or holds */
void smtp_conn_hold(struct smtp_conn *c, const char *bytes, size_t n);
void smtp_conn_heard_all(struct smtp_conn *c); /* the device says no more; it may still listen */
void smtp_conn_start_reading(struct smtp_conn *c);
void smtp_conn_stop_reading(struct smtp_conn *c);
/* After whatever stood in the way: what is held first, then the socket. */
void smtp_conn_resume(struct smtp_conn *c);
void smtp_conn_flush(struct smtp_conn *c);

/* --- smtp_conn_mail.c --------------------------------------------------------------------------------------------- */

void smtp_conn_feed(struct smtp_conn *c, const char *bytes, size_t n);
/* What the session wants after it was fed; what is left over decides how we part. */
void smtp_conn_obey(struct smtp_conn *c, enum smtp_want want, bool has_more);

/* --- smtp_conn_tls.c ---------------------------------------------------------------------------------------------- */

void smtp_conn_greet(struct smtp_conn *c);
void smtp_conn_start_tls(struct smtp_conn *c);
void smtp_conn_begin_as_it_does(struct smtp_conn *c, char first);
void smtp_conn_refuse_early_tls(struct smtp_conn *c);
bool smtp_conn_is_shaking(const struct smtp_conn *c);
void smtp_conn_take_encrypted(struct smtp_conn *c, const char *bytes, size_t n);
void smtp_conn_check_handshake(struct smtp_conn *c, int64_t mono_ms);
void smtp_conn_say_handshake_left(struct smtp_conn *c);
void smtp_conn_end_tls(struct smtp_conn *c);
