/* inherited: listening sockets that somebody opened for us before we started (systemd's socket units, sd_listen_fds(3)): so a panel
 * that knocks while we are being started again waits instead of being refused. Without libsystemd. One thread, at start. */
#pragma once

enum { INHERITED_FIRST = 3, INHERITED_MAX = 64 };

/* Which of the descriptors from 3 on listens on this TCP port; the caller's from now on, non-blocking. -1: none. */
int inherited_socket(int port);
