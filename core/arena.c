/* arena: a chain of blocks, each twice the last up to 64 KiB. */
#include "core/arena.h"
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block       *next;
    size_t                    used, cap;
    alignas(max_align_t) char bytes[];
};

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 64 * 1024 };

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){ .max = max };
}

void arena_done(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
}

static struct arena_block *grow(struct arena *a, size_t n)
{
    size_t cap = a->blocks ? a->blocks->cap * 2 : FIRST_BLOCK;
    if (cap > LARGEST_BLOCK)
        cap = LARGEST_BLOCK;
    if (cap < n)
        cap = n;
    struct arena_block *block = malloc(sizeof *block + cap);
    if (!block)
        return NULL;
    *block = (struct arena_block){ .next = a->blocks, .cap = cap };
    a->blocks = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t step = alignof(max_align_t);
    if (n > SIZE_MAX - step)
        return NULL;
    size_t rounded = (n + step - 1) / step * step;
    if (rounded > a->max - a->used)
        return NULL;
    struct arena_block *block = a->blocks;
    if (!block || block->cap - block->used < rounded)
        block = grow(a, rounded);
    if (!block)
        return NULL;
    void *p = block->bytes + block->used;
    block->used += rounded;
    a->used += rounded;
    memset(p, 0, rounded);
    return p;
}

char *arena_copy(struct arena *a, const char *bytes, size_t n)
{
    if (!bytes || n == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(a, n + 1);
    if (copy)
        memcpy(copy, bytes, n);
    return copy;
}

char *arena_str(struct arena *a, const char *s)
{
    return s ? arena_copy(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return NULL;
    char *text = arena_alloc(a, (size_t)n + 1);
    if (!text)
        return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}
