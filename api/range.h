/* range: one range of bytes, as RFC 9110 section 14 has it. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum range_answer {
    RANGE_WHOLE, /* none was asked for, or several, or something else: 200 with all of it */
    RANGE_PART,  /* 206 */
    RANGE_NONE,  /* 416: it begins behind the end */
};
/* header: the value of Range, NULL: not sent. total: bytes there are. first and last are set for RANGE_PART. */
enum range_answer range_read(const char *header, int64_t total, int64_t *first_out, int64_t *last_out);

/* If-Range (NULL: not sent): a range is of use only if the client's part is of this version, etag in its quotes. */
bool range_is_of(const char *if_range, const char *etag);
