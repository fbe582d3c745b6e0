/* nearest: "did you mean": the known word that a mistyped one is closest to. */
#pragma once
#include "service/conf.h"
#include <stddef.h>

/* Without regard to case; NULL if none is close (a third of its letters at most may differ). */
const char *nearest(const char *word, const char *const *known, size_t count);

/* A mistake at path: "the kind pannel is not known; did you mean panel?" */
void nearest_say(struct mistakes *m, const char *path, const char *what, const char *word, const char *const *known, size_t count);
