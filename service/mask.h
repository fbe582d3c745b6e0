/* mask: addresses in the log, enough to know which, not enough to call: +49…001. */
#pragma once

enum { MASK_MAX = 32 };
/* Short ones stay as they are. */
const char *mask_address(char out[MASK_MAX], const char *address);
