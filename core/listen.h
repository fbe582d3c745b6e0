/* listen: listening TCP sockets. Non-blocking, closed by exec; what is accepted from them is without delay and kept alive. */
#pragma once
#include "core/err.h"

/* address: "" or "::" are all, IPv4 too, also on a machine without IPv6; else one IP address. port 0: any free one. The socket is the
 * caller's. ERR_INPUT: that is no IP address; ERR_IO: it cannot be had, and the text says which. */
int listen_on(const char *address, int port, int *fd_out, struct err *e) MUST_CHECK;
/* For one that somebody else opened. */
void listen_settle(int fd);
/* -1: it is no TCP socket that listens. */
int listen_port(int fd);
