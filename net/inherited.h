/* inherited: listening sockets that somebody opened for us before we started: systemd's socket units (sd_listen_fds(3)), or we ourselves,
 * before we began again as the same process. So a panel that knocks meanwhile waits instead of being refused. Without libsystemd.
 * Kept and handed over on one thread, taken at start. */
#pragma once
#include "core/err.h"

enum { INHERITED_FIRST = 3, INHERITED_MAX = 64 };

/* Which of the descriptors from 3 on listens on this TCP port, or, for port 0 (any), was left under this name; the caller's from now on,
 * non-blocking. -1: none. */
int inherited_socket(const char *name, int port);

/* The port of a socket that was opened for us and that nobody took; 0: there is none. */
int inherited_untaken(void);

/* --- for whoever begins again ------------------------------------------------------------------------------------- */

/* The socket goes on listening under this name, also when fd is closed, until it is handed over or forgotten. */
int  inherited_keep(const char *name, int fd, struct err *e) MUST_CHECK;
void inherited_forget(void);

struct inherited_words {
    char pid[32], count[32], names[200]; /* "LISTEN_PID=17" …: for the environment of the next program */
};
/* Right before execve(), which is all that may follow: what was kept is now descriptor 3, 4 … */
void inherited_hand_over(struct inherited_words *out);
