/* settings_beyond: what is wrong with settings although each value is well-formed: certificates that cannot be read, rules that
 * postern-inspect does not understand. Takes as long as files and a process take. */
#pragma once
#include "service/settings.h"

void settings_beyond(const struct settings *s, struct mistakes *m);
