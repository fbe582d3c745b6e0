/* archived_row: an event's JSON, as the archive has it, as a row of our own history: for what is no JSON (tables, feeds). It takes what other
 * versions of us wrote: what is not known is absent. */
#pragma once
#include "core/json.h"
#include "store/query.h"

/* Strings are the JSON's; of the media there is only the number. */
void archived_row(const struct json *event, struct event_row *out);
