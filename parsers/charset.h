/* charset: what devices write becomes UTF-8, whatever they say it is. The iconv handles are opened once, before the sandbox
 * closes (iconv_open reads modules from disk: afterwards every Latin-1 mail would fail). One thread. */
#pragma once
#include "core/buf.h"

void charset_setup(void); /* may be called again: nothing happens */

/* Adds text in UTF-8 to out, up to its ceiling: what does not fit is left out. label: as declared, NULL or "" = none.
 * Bytes that are UTF-8 beyond ASCII are UTF-8, whatever the label says; bytes that do not fit their label are windows-1252. */
void charset_put(struct buf *out, const char *label, const char *text, size_t n);
