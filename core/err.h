/* err: what went wrong, a code for the program and a sentence for the operator, on the caller's stack.
 * The callee says why, the caller adds what it was doing, the top logs once. */
#pragma once
#include "core/attr.h"
#include <stdarg.h>

enum err_code {
    ERR_NONE,
    ERR_INPUT,     /* what came from outside is wrong           */
    ERR_LIMIT,     /* a ceiling that is a setting was crossed   */
    ERR_FULL,      /* the disk, or our share of it, is full     */
    ERR_IO,        /* a system call or a library failed         */
    ERR_NOMEM,     /* out of memory                             */
    ERR_BUSY,      /* not now; the same again later may succeed */
    ERR_NOT_FOUND, /* there is no such thing                    */
    ERR_STATE,     /* not allowed in this state                 */
    ERR_TIMEOUT,   /* a deadline passed                         */
    ERR_VERSION,   /* the data is of a newer version            */
    ERR_DAMAGED,   /* the data is not what was written          */
};

struct err {
    enum err_code code;
    char          text[240]; /* one line of UTF-8, no secrets */
};

/* Fills *e (NULL is allowed), returns -1: a failing function ends in  return err_set(e, ERR_IO, "open %s: %m", path); */
int err_set(struct err *e, enum err_code code, const char *format, ...) PRINTF(3, 4);

/* Puts "what: " in front of e->text, keeps the code, returns -1. */
int err_prefix(struct err *e, const char *format, ...) PRINTF(2, 3);
