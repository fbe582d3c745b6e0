/* helper: where postern-inspect is: beside this program, or where POSTERN_INSPECT says. */
#pragma once
#include <stddef.h>

/* -1: there is none that may be run. */
int helper_path(char *out, size_t size);
