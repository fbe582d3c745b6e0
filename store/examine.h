/* examine: looks through the whole database once, in the background, some seconds after a start: damage is met then, and not when
 * somebody asks for what lies there, years later. A small table is checked with its indexes at once; a large one is read in windows, with
 * rests, so that nobody waits for it; what is too much for EXAMINE_MINUTES is left. What was found says db_saw_damage. */
#pragma once
#include "store/inside.h"

struct examiner;
int  examiner_start(struct store *s, struct examiner **out, struct err *e) MUST_CHECK;
void examiner_stop(struct examiner **x); /* joins; NULL inside is nothing */
