/* An owner's pattern and its subject, parted by a NUL: it ends in time, and its groups lie within the subject. */
#include "parsers/pattern.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void match(const struct pattern *p, const char *subject)
{
    struct pattern_hit    hit;
    struct pattern_budget budget = { .left_ns = 40000000 };
    clock_t               before = clock();
    enum pattern_result   r = pattern_match(p, subject, strlen(subject), &budget, &hit);
    if (clock() - before > CLOCKS_PER_SEC / 4) /* with sanitizers 40 ms may become a little more */
        abort();
    for (size_t i = 0; r == PATTERN_HITS && i < hit.count; i++)
        if (hit.groups[i].from > hit.groups[i].to || hit.groups[i].to > strlen(subject))
            abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    char *copy = calloc(1, n + 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, n);
    struct pattern *p = NULL;
    struct err      e;
    if (pattern_compile(copy, &p, &e) == 0)
        match(p, strlen(copy) < n ? copy + strlen(copy) + 1 : copy);
    pattern_free(&p);
    free(copy);
    return 0;
}
