/* probe: opens every account once with its provider's harmless request and prints a line each. */
#pragma once
#include "service/people.h"

/* How many did not open. Prints to stdout; secrets never. */
size_t probe_accounts(const struct people *people);
