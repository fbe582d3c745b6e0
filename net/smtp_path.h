/* smtp_path: reads what stands behind MAIL and RCPT, "FROM:<a@b> SIZE=3", the way devices write it: blanks around the colon,
 * no brackets, quotes inside them, a name in front, a source route. What is refused is only what names nothing. */
#pragma once
#include "core/attr.h"
#include <stddef.h>

enum { SMTP_PATH_MAX = 512 }; /* RFC 5321 4.5.3.1 says 256; some devices put their serial number in */

/* Points into the line that was read; the address is NUL-terminated there. */
struct smtp_path {
    const char *address; /* without brackets and source route; "" = null path */
    char *parameters;    /* what follows, blanks trimmed; "" = nothing       */
};

/* 0; -1: the keyword ("FROM", "TO") with its colon is missing, or the address is longer than SMTP_PATH_MAX or holds control
 * characters. Writes into arg. */
int smtp_path_read(char *arg, const char *keyword, struct smtp_path *out) MUST_CHECK;

/* The next "NAME=value" of the parameters: 1 and both set (value "" where there is none), 0 at the end. Writes into *rest. */
int smtp_parameter_next(char **rest, const char **name_out, const char **value_out) MUST_CHECK;
