/* smtp_recorder: keeps the transcript of one conversation while it is spoken. It holds next to nothing until the device says
 * something. Where memory is short there is no transcript: never a reason to stop talking. */
#pragma once
#include "net/smtp_session.h"
#include "net/transcript.h"

struct smtp_recorder {
    struct smtp_session *session;
    struct transcript *transcript; /* NULL: the device has said nothing yet */
    struct buf greeting;
    int64_t wall_ms, mono_ms;
};

void smtp_recorder_start(struct smtp_recorder *r, struct smtp_session *s); /* before the greeting; the session outlives it */
void smtp_recorder_done(struct smtp_recorder *r);
void smtp_recorder_note(struct smtp_recorder *r, const char *text); /* a word of ours */
void smtp_recorder_tls(struct smtp_recorder *r, const char *version, const char *cipher);
/* What ended it before a word could be said (TLS). */
void smtp_recorder_failed(struct smtp_recorder *r, const char *text, const char *setting);
void smtp_recorder_mail(struct smtp_recorder *r);                   /* its envelope is about to be forgotten */
void smtp_recorder_kept(struct smtp_recorder *r, const char *id);
void smtp_recorder_refused(struct smtp_recorder *r, const struct smtp_refusal *refusal);
/* The conversation is over; was_cut: by us. NULL: nothing worth keeping was said. Valid until smtp_recorder_done. */
const struct transcript *smtp_recorder_end(struct smtp_recorder *r, bool was_cut);
