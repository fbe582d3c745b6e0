/* health: what /readyz says. Any thread sets and clears reasons; the first set and the last clear of each are logged. */
#pragma once
#include "core/json.h"

enum health_reason {
    HEALTH_INSPECTOR, HEALTH_RELAY, HEALTH_ACCOUNT, HEALTH_SETTINGS, HEALTH_RECIPIENTS, HEALTH_DISK, HEALTH_CLOCK, HEALTH_STORE,
    HEALTH_ARCHIVE, HEALTH_EXPORT,
    HEALTH_REASONS
};
/* name: the account for HEALTH_ACCOUNT, else NULL. detail NULL clears; else one sentence for the operator. */
void health_set(enum health_reason reason, const char *name, const char *detail);
void health_set_down(const char *detail); /* mails cannot be kept; NULL clears */
/* The database is being made ready: word is "migrating" or "rebuilding"; NULL clears. */
void health_set_phase(const char *word, const char *detail);
/* "ok", "degraded", "down" or such a word; with w also an object {"state","reasons":[{"reason","detail"}]} at key. */
const char *health_state(struct json_out *w, const char *key);
