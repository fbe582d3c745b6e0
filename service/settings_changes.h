/* settings_changes: in what two settings differ, value by value. */
#pragma once
#include "service/settings.h"

/* How many; with w also "changes": [{"path","before","after"}], secrets as *** (one that changed is *** before and after). */
size_t settings_changes(const struct settings *before, const struct settings *after, struct json_out *w);
