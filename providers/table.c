/* table: the only place that knows every provider. */
#include "providers/provider.h"

extern const struct provider provider_log, provider_clicksend, provider_cm, provider_telegram, provider_gotify, provider_ntfy, provider_webhook;

const struct provider *const providers[] = {
    &provider_log,
    &provider_clicksend,
    &provider_cm,
    &provider_telegram,
    &provider_gotify,
    &provider_ntfy,
    &provider_webhook,
    NULL,
};
