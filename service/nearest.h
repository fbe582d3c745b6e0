/* nearest: "did you mean": the known word that a mistyped one is closest to. */
#pragma once
#include <stddef.h>

/* Without regard to case; NULL if none is close (a third of its letters at most may differ). */
const char *nearest(const char *word, const char *const *known, size_t count);
