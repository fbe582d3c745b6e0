/* link: the address of a picture for whoever was sent it: below Api:PublicUrl, good for a day, with no token but a signature:
 * .../api/v1/events/ID/media/1?expires=1795000000&key=<HMAC-SHA256 of path and expires, hexadecimal>. */
#pragma once
#include "core/attr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINK_KEY_BYTES = 32, LINK_TEXT = 1024 };
static const int64_t LINK_LIFE_MS = INT64_C(24) * 3600 * 1000;

/* path: "/api/v1/events/ID/media/1". out is LINK_TEXT bytes. -1: it does not fit, or HMAC failed. */
int link_write(const char *public_url, const unsigned char key[LINK_KEY_BYTES], const char *path, int64_t expires_ms, char out[LINK_TEXT]) MUST_CHECK;

enum link_state { LINK_GOOD, LINK_EXPIRED, LINK_WRONG };
/* expires and signature as the query has them; either may be NULL. */
enum link_state link_check(const unsigned char key[LINK_KEY_BYTES], const char *path, const char *expires, const char *signature, int64_t wall_ms);
