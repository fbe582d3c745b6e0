/* attr: the compiler attributes and three small macros that the whole house uses. */
#pragma once

#define PRINTF(text, first)   __attribute__((format(printf, text, first)))
#define MUST_CHECK            __attribute__((warn_unused_result))
#define CLEANUP(fn)           __attribute__((cleanup(fn)))

/* For interfaces of others that say char * and mean const char *. */
#define UNCONST(type, p) (((const union { const void *kept; type *given; }){ .kept = (p) }).given)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Hands over what p owns: the pointer (or descriptor), leaving NULL (0) behind for the cleanup attribute. */
#define TAKE(p)                    \
    __extension__({                \
        __typeof__(p) taken = (p); \
        (p) = 0;                   \
        taken;                     \
    })
