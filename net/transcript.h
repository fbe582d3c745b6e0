/* transcript: what was said in one conversation, for an owner to see later why a mail did not come. No socket, clock or thread:
 * lines and times go in. Small: long lines are cut, of a body only its size stays, and of a long conversation the beginning and
 * the end. What is secret never comes in (smtp_ear masks it). Whatever memory it lacks it leaves out. */
#pragma once
#include "core/envelope.h"

enum { TRANSCRIPT_LINES = 100, TRANSCRIPT_BYTES = 4096 }; /* each counted as it is written */

struct transcript;

/* How it ended. */
enum transcript_end {
    TRANSCRIPT_QUIT, /* the device said QUIT                                    */
    TRANSCRIPT_LEFT, /* the device closed it, or its link broke                 */
    TRANSCRIPT_CUT,  /* we closed it: its last reply says why, if there was one */
};

/* listener is a constant, peer is copied. NULL: out of memory. */
struct transcript *transcript_new(const char *listener, const char *peer, int64_t wall_ms, int64_t mono_ms);
void transcript_free(struct transcript **t);

void transcript_heard(struct transcript *t, const char *line, size_t n, int64_t mono_ms);
void transcript_said(struct transcript *t, const char *reply, size_t n, int64_t mono_ms); /* may be of several lines */
void transcript_took(struct transcript *t, int64_t body_bytes, int64_t mono_ms);
/* A word of ours about it: "TLSv1.2, ECDHE-RSA-AES128-SHA". */
void transcript_note(struct transcript *t, const char *text, int64_t mono_ms);
/* Who it says it is, and its last mail: what is not told this time ("", no recipient) stays as it was. Copied. */
void transcript_envelope_is(struct transcript *t, const struct envelope *env);
void transcript_kept(struct transcript *t, const char *id);
void transcript_refused(struct transcript *t, const char *reply, const char *setting); /* setting: NULL, or what would allow it */
void transcript_ended(struct transcript *t, enum transcript_end how, int64_t mono_ms);

/* The device said something at all, or failed before it could: a probe that only looks whether the port is open is worth no memory. */
bool transcript_is_worth_keeping(const struct transcript *t);
int64_t transcript_started_ms(const struct transcript *t); /* wall */
/* By which a device is recognised: listener, peer, helo, login, and from and to of its last mail (the first 16 recipients). */
const struct envelope *transcript_envelope(const struct transcript *t);
size_t transcript_mails(const struct transcript *t);               /* kept */
const char *transcript_last_refusal(const struct transcript *t);   /* "552 5.3.4 …"; NULL: nothing was refused */
const char *transcript_last_reply(const struct transcript *t);     /* its code: "221"; "" = none               */

/* It ended in the middle of a message that DATA had begun: a false end, or its link broke. */
bool transcript_is_broken_off(const struct transcript *t);

/* As members of the object that is open in w: "started", "ms", the envelope's, "ended" ("quit", "left", "cut"), "kept" (ids of
 * the first 16 mails), "mails", "reply" and "setting" of the last refusal, if any, "left_out" (lines, if any), and
 * "lines":[{"ms":12,"C":"EHLO cam"},{"ms":12,"S":"250-…\n250 SMTPUTF8"},{"ms":40,"N":"a message of 48213 bytes"}]
 * with C what the device said, S what we said, N a note of ours. */
void transcript_write(struct json_out *w, const struct transcript *t);
