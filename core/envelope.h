/* envelope: what the conversation said about an arrival, as against what the arrival itself says. */
#pragma once
#include "core/arena.h"
#include "core/json.h"

struct envelope {
    const char        *listener; /* "smtp"                                                      */
    const char        *peer;     /* IP address without port                                     */
    const char        *helo;     /* as said; "" = none. This and the following: UTF-8, foreign  */
    const char        *login;    /* AUTH user; "" = none                                        */
    const char        *from;     /* reverse path without brackets; "" = null sender             */
    const char *const *to;       /* forward paths without brackets, in order                    */
    size_t             to_count;
    const char        *tls;      /* "TLSv1.3"; "" or NULL = in plain text */
};

/* {"listener","peer","helo","login","tls" (only where there was TLS),"from","to":[…]} as members of the object open in w. */
void envelope_write(struct json_out *w, const struct envelope *env);
/* Strings in the arena; what is missing is "". 0, or -1 when the arena is full. */
int envelope_read(const struct json *object, struct arena *a, struct envelope *out);

/* Whether any recipient has this local part ("alarm" fits Alarm@house.example), without regard to case. */
bool envelope_is_for(const struct envelope *env, const char *local_part);

/* The third class of a panel's recipients, where its Contact-ID reports go. */
#define ENVELOPE_CONTACT_ID_USER "contact-id"

/* The device's id: the login, else the first recipient's local part unless it is one of the class names (alarm_user,
 * status_user, contact-id), else the sender's local part, else the peer's address. At most 64 bytes of UTF-8, no control characters.
 * From the arena; "" when it is full. */
const char *envelope_device(const struct envelope *env, const char *alarm_user, const char *status_user, struct arena *a);
