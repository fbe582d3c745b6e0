/* kind: what an event can be. A dotted word, stable for programs; kind.c holds the one table of kinds and severities
 * (the words people read are in service/text.c). */
#pragma once
#include <stdbool.h>

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ALARM };

const char *severity_name(enum severity s);                    /* "info" "warning" "alarm" */
int         severity_parse(const char *name, enum severity *out); /* -1: no such */

/* Whether the table has this kind. */
bool kind_is_known(const char *kind);
/* Of a kind and whether it ended (`restored` is milder). An unknown kind is a warning: it is told. */
enum severity kind_severity(const char *kind, bool restored);
/* "alarm.*" fits alarm.tamper; "*" fits all; else the kinds must be equal. */
bool kind_matches(const char *pattern, const char *kind);
/* "alarm.tamper" or "alarm.tamper restored", as settings write it: the table's own string, NULL: no such kind. */
const char *kind_read(const char *words, bool *restored_out);
/* Every kind in the table's order; NULL after the last. */
const char *kind_at(unsigned i);
