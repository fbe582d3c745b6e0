/* smtp_data: the bytes after DATA: where the message ends, and which dots are not part of it. No memory but what is here.
 *
 * The end is CR LF . CR LF and nothing else. Every other pair or single CR and LF is part of the message and is kept as it
 * came, neither dropped nor repaired: an arrival is kept byte for byte. The only bytes taken away are the final dot line (the
 * CR LF before it stays) and one dot at the start of a line, where a line begins after CR LF or at the very beginning (RFC
 * 5321 4.5.2). So none of the false ends that other servers fell for (CVE-2023-51764 …) can begin a second mail. */
#pragma once
#include "core/buf.h"

struct smtp_data {
    int64_t bytes; /* of the message so far, dots removed */
    int place;     /* where in a possible end we are      */
    bool is_lf_enough; /* lines end in LF, with CR or without: the profile of a named device, nobody else's */
    char tail[32]; /* the last bytes as they came       */
    size_t tail_length;
};

void smtp_data_begin(struct smtp_data *d, bool is_lf_enough);
/* Takes bytes up to the end of the message and adds them to out (NULL: only counts). Returns how many were taken; *ended_out
 * says that the message ended with the last of them. Overflow shows as out->failed. */
size_t smtp_data_take(struct smtp_data *d, const char *bytes, size_t n, struct buf *out, bool *ended_out);
/* Bytes that were counted, not ended (BDAT): as they are. */
void smtp_data_take_raw(struct smtp_data *d, const char *bytes, size_t n, struct buf *out);
/* Whether the last bytes hold something that a careless device takes for an end: LF.LF and its kin. For the log, when it
 * waits. */
bool smtp_data_saw_false_end(const struct smtp_data *d);
