/* retention_rules: how much of the past is kept, by age, number and bytes, for events of each severity or kind, and for pictures.
 * The oldest go first. What somebody keeps, is still owed, or has not yet been read stays; so does by age what was brought along
 * from elsewhere, and, where there is an archive, what it does not have yet. */
#pragma once
#include "store/inside.h"

struct retention_rules *retention_rules_new(const struct keep_rule *rules, size_t count); /* NULL: there are none, or no memory */
void retention_rules_free(struct retention_rules **r);

/* A turn of a second or two, in steps of a few rows: true if there is more to do. by_age false: the clock is in doubt. */
bool retention_rules_run(struct store *s, struct db *db, int64_t now, bool by_age);
/* Its time is up, or so much was written that its thread must copy it now: else the log would grow until a mail has to wait for that. */
bool retention_is_over(const struct store *s, int64_t until_us);
/* One turn of the oldest infos, however young: the disk is below its floor. */
void retention_rules_oldest_infos(struct store *s, struct db *db);
