/* fold: texts compared as a person would: case, accents and blanks do not count ("Notfall Alarm" is "NOTFALLALARM"). */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Latin letters without case and accent, digits, other scripts as they are; blanks and control characters left out. Writes at
 * most size - 1 bytes and a NUL; a text that does not fit comes out empty, so that it equals nothing. Returns the length. */
size_t fold_tight(char *out, size_t size, const char *text, size_t n);

/* Whether text, folded, is `folded` (made by fold_tight). Stops at the first difference: made for walking a table. */
bool fold_is(const char *text, const char *folded);

/* Like fold_tight, but every run of anything that is neither letter nor digit is one blank, with one in front and one behind, so that
 * " motion " finds the word. What does not fit is cut. */
size_t fold_words(char *out, size_t size, const char *text, size_t n);
