/* summary: a mail in its own words, short: what is told when no parser knows better. */
#pragma once
#include "parsers/parser.h"

/* "subject: first 300 visible characters of the text", one line; either alone where the other is missing or says the same;
 * "" for an empty mail. From the arena; NULL when it is full. */
const char *mail_summary(const struct mail *m, struct arena *a);
