/* smtp_inside: what the files of one session share; nobody else includes it.
 *
 *   smtp_session.c  bytes → lines, the server's side       smtp_command.c  the command table, the small verbs
 *   smtp_mail.c     MAIL, RCPT, DATA, the body             smtp_bdat.c     BDAT
 *   smtp_sasl.c     AUTH
 *   smtp_reply.c    what we say, and what we refuse        smtp_ear.c      what may be shown of it
 *   smtp_starttls.c STARTTLS */
#pragma once
#include "net/smtp_auth.h"
#include "net/smtp_data.h"
#include "net/smtp_session.h"

/* What the next bytes are; it alone says what we want from the server. */
enum smtp_state {
    ST_READY,
    ST_MAIL,
    ST_RCPT,
    ST_DATA,
    ST_BDAT,    /* between two chunks of a body              */
    ST_CHUNK,   /* within one                                */
    ST_SWALLOW, /* within a chunk that belongs to no mail    */
    ST_COMMIT,
    ST_AUTH_USER,
    ST_AUTH_PASSWORD,
    ST_AUTH_PLAIN,
    ST_AUTH_CRAM,
    ST_VERIFY,
    ST_TLS, /* 220 was said: the next bytes are no longer ours */
    ST_CLOSED,
    ST_COUNT
};

struct smtp_chunk {
    uint64_t bytes, left;
    bool is_last;
    const char *reply; /* ST_SWALLOW: at its end, and where we were */
    enum smtp_state then;
};

struct smtp_session {
    enum smtp_state state;
    struct smtp_limits limits;
    const struct smtp_profile *profile;
    char *hostname, *peer, *helo, *login;
    struct buf line, out, body;
    struct smtp_auth_rules auth;
    struct smtp_credentials credentials; /* of the AUTH that is under way             */
    char *nonce;                         /* of this conversation's challenges; or NULL */
    unsigned challenges;
    bool is_line_too_long, is_authenticated, has_tried_auth, is_tls_offered;
    size_t errors, junk;
    uint64_t commands;

    struct arena arena; /* of the mail that is under way, as all below */
    struct envelope envelope;
    const char **to;
    size_t to_cap;
    bool was_recipient_refused, was_too_many_told;
    struct smtp_data data;
    struct smtp_chunk chunk;
    bool was_early;       /* bytes came behind the end of the message, where the profile forbids it        */
    bool is_body_dropped; /* a mail whose body had begun was forgotten: the server must hear of it        */
    const char *oddity;   /* what we took though it is wrong; a constant                                   */
    enum err_code lost; /* not ERR_NONE: the body cannot be kept, its rest is thrown away */
    const struct smtp_refusal *lost_by; /* … and this is the answer; NULL: by the code       */

    struct smtp_refusal refusal;
    bool has_refusal;
    struct smtp_ear ear;
    struct smtp_gate_keeper keeper;
};

/* The only place that changes the state. */
void smtp_enter(struct smtp_session *s, enum smtp_state next);
/* 421 after too many errors. */
void smtp_end_if_beyond_patience(struct smtp_session *s);

/* --- smtp_reply.c ---------------------------------------------------------------------------------------------- */

enum smtp_refused {
    REFUSED_SIZE,
    REFUSED_RECIPIENTS,
    REFUSED_FULL,
    REFUSED_STORE,
    REFUSED_ERRORS,
    REFUSED_JUNK,
    REFUSED_COMMAND,
    REFUSED_INJECTED,
    REFUSED_LOGIN,
    REFUSED_NO_LOGIN,
};

void smtp_reply(struct smtp_session *s, const char *text);
void smtp_reply_hostname(struct smtp_session *s, const char *code, const char *words); /* code hostname words */
/* Answers, and leaves word for the server. */
void smtp_refuse(struct smtp_session *s, enum smtp_refused why);
void smtp_refuse_as(struct smtp_session *s, const struct smtp_refusal *why);
/* The same reply, when the server need not hear of it (again). */
void smtp_reply_refused(struct smtp_session *s, enum smtp_refused why);
/* 421 by the server's wish. */
void smtp_reply_end(struct smtp_session *s, enum smtp_end why);
enum smtp_refused smtp_refused_by(enum err_code code);

/* --- smtp_mail.c: handlers get what stands behind their verb, blanks trimmed, and may write into it --------------- */

void smtp_mail_forget(struct smtp_session *s);
void smtp_on_mail(struct smtp_session *s, char *arg);
void smtp_on_rcpt(struct smtp_session *s, char *arg);
void smtp_on_data(struct smtp_session *s, char *arg);
/* The answer to DATA and BDAT where no recipient was accepted. */
const char *smtp_no_recipients(const struct smtp_session *s);
void smtp_body_begin(struct smtp_session *s);
struct buf *smtp_body_wanted(struct smtp_session *s); /* where it goes; NULL: its rest is thrown away */
void smtp_check_body(struct smtp_session *s);         /* after more of it; may end the conversation   */
void smtp_refuse_endless(struct smtp_session *s);     /* 552, and the end of the conversation         */
void smtp_end_body(struct smtp_session *s);           /* to be committed, or refused                  */
void smtp_answer_early(struct smtp_session *s);       /* after the answer to a message: bytes that may not be there */
size_t smtp_take_data(struct smtp_session *s, const char *bytes, size_t n);
void smtp_lose_body(struct smtp_session *s, enum err_code code);

/* --- smtp_bdat.c ------------------------------------------------------------------------------------------------ */

void smtp_on_bdat(struct smtp_session *s, char *arg);
size_t smtp_take_chunk(struct smtp_session *s, const char *bytes, size_t n);

/* --- smtp_sasl.c ---------------------------------------------------------------------------------------------- */

void smtp_on_auth(struct smtp_session *s, char *arg);
void smtp_auth_forget(struct smtp_session *s); /* who it is, too */
bool smtp_is_cram_offered(const struct smtp_session *s);
/* A line that answers our question; false: in this state none was asked. */
bool smtp_is_sasl_asked(const struct smtp_session *s);
void smtp_on_sasl_answer(struct smtp_session *s, char *line);
void smtp_sasl_abort(struct smtp_session *s);
bool smtp_sasl_knows(const char *mechanism, size_t n); /* in any case */

/* --- smtp_starttls.c ----------------------------------------------------------------------------------------- */

bool smtp_is_tls_offered(const struct smtp_session *s); /* now, to this device */
void smtp_on_starttls(struct smtp_session *s, char *arg);
void smtp_refuse_injected(struct smtp_session *s); /* bytes after STARTTLS: the end */

/* --- smtp_command.c --------------------------------------------------------------------------------------------- */

void smtp_run_command(struct smtp_session *s, char *line);
bool smtp_is_command(const char *line);

/* --- smtp_ear.c --------------------------------------------------------------------------------------------------- */

void smtp_tell_heard(struct smtp_session *s, bool is_auth);          /* the line, before it is run       */
void smtp_tell_said(const struct smtp_session *s, size_t before);    /* what out holds behind `before`   */
void smtp_tell_took(const struct smtp_session *s, int64_t bytes);    /* of a body                        */
