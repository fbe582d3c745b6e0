/* gsm: SMS text size (3GPP TS 23.038): the GSM-7 alphabet, how many parts a text takes, and how a text is brought into it. */
#pragma once
#include "core/buf.h"

/* Adds text to out with what the alphabet lacks replaced („ by ", á by a) or dropped (emoji, marks). False: letters of another
 * script remain; the text then goes out as UCS-2, with under half the room. Bytes that are not UTF-8 are dropped. */
bool gsm_transliterate(const char *text, struct buf *out);

/* Units of the text: septets (extension characters count 2), or UTF-16 units if it is not all GSM-7. */
size_t gsm_units(const char *text, bool *is_gsm_out);

/* How many parts it is sent in: 160 septets in one, 153 each of several; UCS-2 70 and 66 (one service counts 67, one 66). */
int gsm_parts(const char *text);
