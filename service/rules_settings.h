/* rules_settings: Parsers:Rules on this side of the fence. What they mean is known to postern-inspect alone (parsers/rules.h), which
 * has the regular expressions; here they are carried to it, and what it says of them becomes mistakes with their places. */
#pragma once
#include "service/conf.h"

/* The list as JSON, in the arena, as the settings have it; "[]" if there is none. What is no list, or too much, is added to m. NULL:
 * the arena is full. */
const char *rules_settings_read(const struct conf *root, struct arena *a, struct mistakes *m);

/* Asks postern-inspect what is wrong with them (10 s at most); each goes into m. Nothing to do for "[]". -1: it could not be asked. */
int rules_settings_verify(const char *program, const char *json, const struct conf *root, struct mistakes *m, struct err *e) MUST_CHECK;
