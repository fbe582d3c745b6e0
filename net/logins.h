/* logins: credentials on their way to an answer: checked in libuv's pool, at most two at once, so that guessing does not keep the
 * disk's jobs waiting; addresses that guessed least come first. A wrong one is answered later (guesses.h). All calls and callbacks on
 * the loop's thread. */
#pragma once
#include "net/smtp_users.h"

struct uv_loop_s;
struct logins;
struct login; /* one that is under way */

/* users: its items are borrowed until the loop is closed. NULL: out of memory. */
struct logins *logins_new(struct uv_loop_s *loop, const struct smtp_users *users);
void logins_free(struct logins **l); /* what is still in the pool ends by itself */

struct login_owner {
    void *user; /* the connection */
    void (*answered)(void *user, enum smtp_login answer);
};
/* peer: its address as text, for the log. Copies all. NULL: out of memory. */
struct login *login_begin(struct logins *l, const struct login_owner *owner, const unsigned char address[16], const char *peer,
                          const struct smtp_credentials *c);
void login_leave(struct login **l); /* nobody wants the answer; NULL inside is nothing */
