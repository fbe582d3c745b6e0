/* id: ULIDs (github.com/ulid/spec): 48 bits of time, 80 of chance, 26 characters of Crockford's base 32. Any thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { ID_TEXT = 27 };
const char *id_make(char out[ID_TEXT], int64_t wall_ms);
/* The one id of that time and these 80 bits (10 bytes): for what must get the same id each time. */
const char *id_from(char out[ID_TEXT], int64_t wall_ms, const unsigned char bits[10]);
bool        id_is_valid(const char *text); /* 26 characters of the alphabet, upper case, not beyond 128 bits */
