/* inspect_settings: what the settings say of reading mails. */
#pragma once
#include "service/inspector.h"
#include "service/settings.h"

/* The strings are the settings' and the caller's; mark is left to the caller. */
struct inspector_options inspect_settings(const struct settings *s, const char *helper, struct devices *devices);
