/* pattern: an owner's regular expression (PCRE2, which stays inside pattern.c), compiled once, matched within bounds of steps,
 * memory and time. Interpreted, never compiled to machine code: the sandbox has no memory that may be run. One thread. */
#pragma once
#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PATTERN_BYTES_MAX = 4096,
    PATTERN_GROUPS_MAX = 16,              /* named ones                             */
    PATTERN_SUBJECT_MAX = 16 * 1024,      /* of a subject no more is looked at      */
    PATTERN_STEPS_MAX = 200000,           /* backtracking points, as PCRE2 counts   */
    PATTERN_DEPTH_MAX = 50000,
    PATTERN_HEAP_KIB = 8192,
};

struct pattern;

/* UTF-8, \w and \d know all scripts, ^ and $ stand at lines too. ERR_INPUT: what is wrong and at which byte. */
int  pattern_compile(const char *text, struct pattern **out, struct err *e) MUST_CHECK;
void pattern_free(struct pattern **p);

size_t      pattern_name_count(const struct pattern *p);
const char *pattern_name(const struct pattern *p, size_t i);

/* The named groups that took part, by name, as bytes of the subject. */
struct pattern_hit {
    struct {
        const char *name; /* the pattern's own */
        size_t      from, to;
    } groups[PATTERN_GROUPS_MAX];
    size_t count;
};

/* Processor time that matching may still take, for as many calls as it is given to; it goes down with each. */
struct pattern_budget {
    int64_t left_ns;
};

enum pattern_result { PATTERN_MISSES, PATTERN_HITS, PATTERN_GIVES_UP /* steps, memory or time ran out */ };
enum pattern_result pattern_match(const struct pattern *p, const char *subject, size_t n, struct pattern_budget *budget,
                                  struct pattern_hit *out);
