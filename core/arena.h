/* arena: many small things that live and die together, under one ceiling. One owner, one thread at a time. */
#pragma once
#include "core/attr.h"
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t              used, max; /* bytes as allocated: each piece rounded up to its alignment */
};

void arena_init(struct arena *a, size_t max);
void arena_done(struct arena *a); /* frees all; a is as after arena_init. Also the CLEANUP handler. */

/* Zeroed, aligned for any type; NULL when the ceiling or memory ends it. */
void *arena_alloc(struct arena *a, size_t n);
/* NUL-terminated copies; NULL in, or no room: NULL out. */
char *arena_copy(struct arena *a, const char *bytes, size_t n);
char *arena_str(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) PRINTF(2, 3);
