/* aside: work on the past steps aside for what is new. */
#pragma once
#include "store/store.h"
#include <stdatomic.h>

/* Returns when no arrival waits to be understood, or it is stopping; in any case after ten seconds: new ones that never end must not
 * stop the past for ever. Sleeps; r is the caller's. */
void aside_wait(struct store_reader *r, const atomic_bool *is_stopping);
