/* ask: one HTTP request over a plain socket, as the tests write it. */
#pragma once
#include "core/buf.h"

int ask_connect(int port);
/* Sends the text and reads to the end (the other side closes), at most 10 s; returns the status, 0 if none came. */
int ask_raw(int port, const char *request, size_t n, struct buf *answer);
/* "METHOD PATH HTTP/1.1", Host: localhost, Connection: close, and these header lines ("A: b\r\n") and body. NULL: none. */
int ask(int port, const char *method, const char *path, const char *headers, const char *body, struct buf *answer);
const char *ask_body(const struct buf *answer);
/* The header's value in out, or NULL. */
const char *ask_header(const struct buf *answer, const char *name, char *out, size_t size);
