/* mail: raw bytes → struct mail. The only file that knows GMime, and only the process postern-inspect links it.
 * GMime finds the structure; texts and attachments are decoded here, from their place in the raw mail. One thread. */
#pragma once
#include "parsers/parser.h"

enum {
    MAIL_TEXT_MAX = 64 * 1024, /* bytes of text that parsers see                                          */
    MAIL_PARTS_MAX = 1000,     /* what comes later is not looked at                                       */
    MAIL_MEDIA_MAX = 256,
    MAIL_DEPTH_MAX = 64,
    /* Beyond any of these GMime would need too much memory or time: the mail is read roughly, its body as text. */
    MAIL_HEADER_LINES = 5000,
    MAIL_HEADER_BYTES = 512 * 1024,
    MAIL_BOUNDARY_LINES = 20000,
};

/* Before the sandbox closes: what GMime, GLib and iconv open on first use. May be called again. */
void mail_setup(void);

/* out's site, envelope and received_ms are the caller's to set, before or after. Strings in the arena.
 * raw may hold anything; n up to 2 GiB. -1 only when memory or the arena runs out. */
int mail_read(const char *raw, size_t n, struct arena *a, struct mail *out, struct err *e) MUST_CHECK;
