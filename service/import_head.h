/* import_head: the little of a mail's header that must be known before it is read: when it came, from whom, to whom. Only that, by a
 * walk over bounded lines; all the rest is left to postern-inspect. Pure. */
#pragma once
#include "service/import_row.h"

enum { IMPORT_HEAD_MAX = 64 * 1024 }; /* bytes of a mail that are looked at */

struct import_head {
    bool    is_mail;   /* it begins like one                                                     */
    int64_t time_ms;   /* of the last hop (Received), else Date; 0: neither tells a possible time */
    char    from[IMPORT_ADDRESS], to[IMPORT_ADDRESS]; /* without brackets; "" = none              */
};
void import_head_read(const char *raw, size_t n, struct import_head *out);

/* "Fri, 21 Nov 2025 03:12:45 +0100", and the date of an mbox's From line. 0: none, or not possible. */
int64_t import_head_time(const char *text, size_t n);
