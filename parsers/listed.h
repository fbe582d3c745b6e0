/* listed: what makers have in common whose mails are lists of labels (labels.h): the list becomes one event. A maker's own file is
 * its tables and what only it does. */
#pragma once
#include "parsers/labels.h"
#include "parsers/when.h"

/* 0 for fewer than two of these labels, or common ones only; else 78 to 94: of two makers, the one who says more of them. */
int listed_score(const struct mail *m, const struct label *table);

/* "This is a test e-mail": what the buttons on cameras' pages send. */
bool listed_is_test(const struct mail *m);

/* Adds what the list says: kind by its event's words, else a test, else by the subject's words, else motion where a picture was
 * sent; target, names, channel, time (order: where no note at its label says "D/M/Y"), text. A maker may mend the list before.
 * -1: nothing of it is known (ERR_INPUT: another parser's), or no room. */
int listed_event(const struct mail *m, const struct labels *list, const struct wording *words, enum when_order order,
                 struct events *out, struct err *e) MUST_CHECK;
