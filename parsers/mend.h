/* mend: what some devices break in their headers, put right in a copy of the same length, so that places in it are places in the mail.
 * So far: a parameter on a line of its own without the blank that would make it one ("Content-Type: image/jpeg;", "name=a.jpg"). */
#pragma once
#include <stddef.h>

/* NULL: nothing to mend, or no memory for it: then the mail is read as it is. The caller frees. */
char *mend_copy(const char *raw, size_t n);
