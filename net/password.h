/* password: salted hashes by crypt(3): yescrypt is made, whatever the C library knows is checked. Slow on purpose (some tens of
 * ms, on a Pi up to a second): never on the loop's thread. */
#pragma once
#include "core/buf.h"

int password_hash(const char *password, struct buf *out, struct err *e) MUST_CHECK; /* "$y$…" */
bool password_is_hash(const char *text);                                            /* of a kind that can be checked */
/* Equal, found out in a time that says nothing about where they differ. */
bool password_is_same(const char *a, const char *b);
/* 1 right, 0 wrong, -1: cannot be checked now (memory). */
int password_check(const char *password, const char *hash) MUST_CHECK;
