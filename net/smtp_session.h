/* smtp_session: one SMTP conversation (RFC 5321) without socket, clock or thread: bytes go in, replies and wishes come out.
 *
 *   want = smtp_session_feed(s, bytes, n, &used);     used bytes were consumed; send what smtp_session_out() holds, then:
 *     READ    feed more: first the n - used bytes that are left (it stops early when a mail was refused, so that no refusal
 *             is missed, when a body that had begun was forgotten, and when much waits in smtp_session_out())
 *     VERIFY  see whether the credentials are true, then smtp_session_verified(), then feed the rest
 *     COMMIT  take the envelope and the rest of the body, keep them, then smtp_session_committed(), then feed the rest
 *     TLS     nothing may be left over; send what is out, do the handshake, then smtp_session_tls_on()
 *     CLOSE   flush, close
 * During DATA the body, dots removed, grows in smtp_session_body(); the server empties it into a file when it gets large.
 * The body is kept byte for byte; only CR LF . CR LF ends it (net/smtp_data.h). Commands may also end in a bare LF.
 * Every limit is in the options; policy is flags in the command table. */
#pragma once
#include "core/buf.h"
#include "core/envelope.h"
#include "net/smtp_profile.h"

enum smtp_want { SMTP_WANT_READ, SMTP_WANT_TLS, SMTP_WANT_VERIFY, SMTP_WANT_COMMIT, SMTP_WANT_CLOSE };

struct smtp_limits {
    size_t message_bytes; /* more: 552, after the whole was read and thrown away; at twice this 552 and close  */
    size_t recipients;    /* more: 452 for each; those before stay                                             */
    size_t command_bytes; /* a line with its end; more: 500. Lines of AUTH may have 12288                      */
    size_t errors;        /* 5xx replies since the last mail that was kept; more: 421                          */
    size_t junk_commands; /* NOOP, RSET and the like, and blank lines, since then; more: 421                   */
};

enum smtp_auth_policy {
    SMTP_AUTH_ANY,      /* whoever names himself is believed                      */
    SMTP_AUTH_USERS,    /* who logs in must be one of the users; nobody has to    */
    SMTP_AUTH_REQUIRED, /* … everybody has to: MAIL hears 530 before              */
};
struct smtp_auth_rules {
    enum smtp_auth_policy policy;
    bool has_secrets; /* some user has a plain secret: CRAM-MD5 can be checked */
};
enum smtp_login { SMTP_LOGIN_RIGHT, SMTP_LOGIN_WRONG, SMTP_LOGIN_LATER };
struct smtp_credentials; /* smtp_auth.h */

struct smtp_session;

/* Refused: becomes an event system.refused. Strings valid until the next feed. */
struct smtp_refusal {
    const char *reply;   /* "552 5.3.4 …"                                                            */
    const char *setting; /* that would allow it: "Smtp:MaxMessage"                                   */
    const char *reason;  /* metric label: size, recipients, storage, errors, timeout, connections … */
    bool is_mail;        /* the mail is lost with it; false: only a recipient, or a command          */
    const struct envelope *envelope; /* from "" and nobody in to: there was no mail yet              */
    uint64_t repeats;                /* times it happened before, unsaid; the server's               */
};

/* hostname for the greeting; peer in text form; both copied. NULL: out of memory. */
struct smtp_session *smtp_session_new(const struct smtp_limits *limits, const char *hostname, const char *peer);
void smtp_session_free(struct smtp_session **s);

/* STARTTLS is told in EHLO and taken from now on. Not offered is how a session begins. */
void smtp_session_offer_tls(struct smtp_session *s, bool is_offered);
/* The handshake is done (by STARTTLS, or before the greeting): all that was said before is forgotten. version: "TLSv1.3", a
 * constant. */
void smtp_session_tls_on(struct smtp_session *s, const char *version);

/* Before the greeting; the row stays valid. */
void smtp_session_use(struct smtp_session *s, const struct smtp_profile *profile);
/* Before the greeting; copied. The policy any and no CRAM-MD5 are how a session begins; nonce: text that is hard to guess, for its
 * challenges; NULL: no CRAM-MD5. */
void smtp_session_use_auth(struct smtp_session *s, const struct smtp_auth_rules *rules, const char *nonce);
void smtp_session_greet(struct smtp_session *s); /* puts 220 into out */
enum smtp_want smtp_session_feed(struct smtp_session *s, const char *bytes, size_t n, size_t *used_out) MUST_CHECK;
struct buf *smtp_session_out(struct smtp_session *s);
struct buf *smtp_session_body(struct smtp_session *s);
const struct envelope *smtp_session_envelope(const struct smtp_session *s); /* valid until committed */
bool smtp_session_in_data(const struct smtp_session *s); /* a body is under way, by DATA or BDAT */
bool smtp_session_in_mail(const struct smtp_session *s);       /* between MAIL and the end of its data */
int64_t smtp_session_body_bytes(const struct smtp_session *s); /* all of this message so far, spooled or not */
uint64_t smtp_session_commands(const struct smtp_session *s);  /* lines heard so far: progress, for the deadline */
/* Something was seen that looks like an end of data but is none (LF.LF …): the log says what to do. */
bool smtp_session_saw_false_end(const struct smtp_session *s);
/* What VERIFY asks about, valid until answered; and the answer: 235, 535 or 454. The server may take its time with it. */
const struct smtp_credentials *smtp_session_credentials(const struct smtp_session *s);
void smtp_session_verified(struct smtp_session *s, enum smtp_login login);
/* More came from the device while its mail waits for the answer to COMMIT: most may do so, some profiles forbid it. */
void smtp_session_came_early(struct smtp_session *s);
/* The answer to COMMIT. failed NULL: 250 with the id. The session is READY again. */
void smtp_session_committed(struct smtp_session *s, const char *id, const struct err *failed);
/* The server could not spool (disk): the rest of DATA is read and thrown away, then answered by this error. */
void smtp_session_body_failed(struct smtp_session *s, const struct err *failed);

/* Whoever may refuse a mail that the session itself would take: asked at each MAIL with the size that was told (0: none). NULL
 * out: welcome. 421 in the reply closes. */
struct smtp_gate_keeper {
    void *user;
    const struct smtp_refusal *(*refuses)(void *user, uint64_t size);
};
void smtp_session_guard(struct smtp_session *s, const struct smtp_gate_keeper *keeper); /* copied */
/* The server cannot take this mail (any more): the rest of its body is read and thrown away, then answered by this; after COMMIT
 * it is the answer at once. why stays valid until then. */
void smtp_session_refuse_mail(struct smtp_session *s, const struct smtp_refusal *why);

/* 421 and CLOSE, for reasons that only the server knows. */
enum smtp_end {
    SMTP_END_SILENT,   /* no command for too long     */
    SMTP_END_STALLED,  /* nothing more of the message */
    SMTP_END_SLOW,     /* … or only a drop at a time  */
    SMTP_END_ENDLESS,  /* the message takes too long  */
    SMTP_END_TOO_LONG, /* the whole conversation      */
    SMTP_END_CROWDED,  /* its place is needed         */
    SMTP_END_STOPPING, /* we go                       */
};
void smtp_session_end(struct smtp_session *s, enum smtp_end why);

/* What was refused since the last call; NULL = nothing. */
const struct smtp_refusal *smtp_session_refusal(struct smtp_session *s);
/* Who listens to all that is spoken, for the owner to see later why a mail did not come. Called during feed and the other
 * calls; every member must be set. */
struct smtp_ear {
    void *user;
    /* A line without its end. What may be secret is masked: "AUTH PLAIN ***", and answers to AUTH are "***". */
    void (*heard)(void *user, const char *line, size_t n);
    void (*said)(void *user, const char *reply, size_t n); /* all we answer to it, without the last CR LF */
    void (*took)(void *user, int64_t bytes);               /* of a body, at its end                       */
};
void smtp_session_listen(struct smtp_session *s, const struct smtp_ear *ear); /* copied; NULL: nobody does any more */

/* What was taken since the last call though it is wrong, for the log; a constant. NULL: nothing. */
const char *smtp_session_oddity(struct smtp_session *s);
/* Gives back what memory it can while nobody speaks. */
void smtp_session_rest(struct smtp_session *s);
