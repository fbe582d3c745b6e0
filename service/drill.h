/* drill: `send-test` and POST /api/v1/test. A real mail through a real connection to our own listener, so that the whole journey is
 * tried: kept, read, routed, told. Its login is a secret of this process; by it drill_mark() knows the mail again and makes it
 * the event that was asked for, by the parser "drill", whose text says TEST. One drill at a time. */
#pragma once
#include "core/json.h"
#include "net/smtp_users.h"
#include "service/relay.h"

struct drill;

/* The login as a user, who is let in whatever Smtp:Auth says; drawn at the first call, valid until the process ends. */
int drill_user(struct smtp_user *out, struct err *e) MUST_CHECK;

/* smtp_address: where the listener is bound; "" = everywhere. The strings and people live as long as the drill. */
int  drill_new(struct store *s, const char *smtp_address, int smtp_port, const struct people *people, struct drill **out,
               struct err *e) MUST_CHECK;
void drill_stop(struct drill *d); /* a drill that runs ends at once; NULL is nothing. Any thread. */
void drill_free(struct drill **d);

/* recipient NULL: whoever the routes tell; kind NULL: test.manual. Waits up to 30 s; writes into the open object
 * "kind", "arrival", "complete", "ms" and "recipients": [{"recipient","state","ms","account","address","detail"}].
 * -1: ERR_INPUT no such recipient or kind, ERR_STATE another drill runs, ERR_IO the listener refused, ERR_TIMEOUT nobody read it. */
int drill_run(struct drill *d, const char *recipient, const char *kind, struct json_out *w, struct err *e) MUST_CHECK;

/* Whether a conversation with this login is ours. Any thread. */
bool drill_is_login(const char *login);

/* The inspector hands every understanding through here before relay_take: one that is a drill's becomes it. Any thread. */
void drill_mark(struct understanding *u);
