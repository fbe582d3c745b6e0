/* retention_settings: the block Store:Retention as the store's rules. */
#pragma once
#include "service/conf.h"
#include "store/store.h"

/* As the settings have them; 0: no such bound. */
struct retention_bounds {
    int64_t days, count, bytes;
};
struct retention_settings {
    struct retention_bounds pictures, of_severity[3]; /* by enum severity                                    */
    const char             *kinds;                    /* "camera.*=14/1000, zone.open=30": days/count/bytes */
};
/* out has room for KEEP_RULES_MAX; how many. What is wrong with the kinds is added to m (NULL: passed over) and left out. */
size_t retention_settings_rules(const struct retention_settings *r, struct keep_rule *out, struct mistakes *m);
