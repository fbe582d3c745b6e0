/* sniff: what a file is by its first bytes, never by its name or what the mail says it is. */
#pragma once
#include <stddef.h>

enum { SNIFF_BYTES = 32 }; /* that many are enough */

/* "image/jpeg", …; NULL: none of the kinds we know. A static string. */
const char *sniff(const unsigned char *bytes, size_t n);
