/* talk: a conversation with the session, replayed in pieces, without a network. Asserts by cmocka. */
#pragma once
#include "net/smtp_users.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* How the gateway is set up; zeros: small limits, the default profile, any login, no CRAM-MD5, a store that keeps all. */
struct talk_way {
    const struct smtp_limits *limits;
    const char *profile;
    enum smtp_auth_policy auth;
    struct smtp_users users;
    const char *nonce;
    const struct err *failed; /* the store's answer */
};
extern const struct smtp_limits talk_limits;

/* What one run left behind. */
struct talk {
    const struct talk_way *way;
    struct buf replies, kept, refused; /* kept: "login:from>to,to:body|" for each mail, login and its colon where there is one;
                                          refused: "reason=setting;" */
    enum smtp_want want;
};

void talk_init(struct talk *t, const struct talk_way *way); /* NULL: all zeros */
void talk_done(struct talk *t);
struct smtp_session *talk_session(const struct talk_way *way);

/* As the server does it: feeds until the session has taken everything or wants to close. */
void talk_feed(struct talk *t, struct smtp_session *s, const char *bytes, size_t n);
void talk_say(struct talk *t, struct smtp_session *s, const char *text);
void talk_note_refusal(struct talk *t, struct smtp_session *s);

/* A byte TALK_WAITS in a conversation: here the device waits for the answers, so nothing behind it comes with what is before. */
#define TALK_WAITS "\x1e"

/* A whole conversation, fed in pieces that end at the cuts, then of `step` bytes. */
void talk_cut(struct talk *t, const struct talk_way *way, const char *in, size_t n, const size_t cuts[2], size_t step);
/* Runs it whole into t, then each byte alone, cut at every place, and, up to pairs_up_to bytes, at every two: each must leave
 * the same behind. */
void talk_every_way(struct talk *t, const struct talk_way *way, const char *in, size_t n, size_t pairs_up_to);
void talk_assert_same(const struct talk *a, const struct talk *b);
