/* log: the provider that is always there. No request leaves: the relay writes the text into the log. */
#include "providers/provider.h"

extern const struct provider provider_log;
const struct provider provider_log = {
    .name = "log",
    .title = "Log",
    .rate_per_minute = 600,
    .burst = 100,
    .is_local = true,
    .is_idempotent = true,
    .text_max = 4096,
};
