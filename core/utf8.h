/* utf8: is it, and how long is the next character (RFC 3629: no overlong forms, no surrogates). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t utf8_length(const char *s, size_t n); /* bytes of the character at s, 1 to 4; 0: not UTF-8, or n is 0 */
bool   utf8_is_valid(const char *s, size_t n);
size_t utf8_cut(const char *s, size_t n, size_t max_bytes); /* the most whole characters that fit max_bytes, in bytes */
size_t utf8_count(const char *s, size_t n);                 /* characters; a wrong byte counts one */
/* The code point at s (of utf8_length bytes, not 0). */
uint32_t utf8_code(const char *s);
