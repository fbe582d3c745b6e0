/* pattern: PCRE2 with every limit it has, and one it has not: time. It counts steps, but not what one step costs (a possessive
 * repeat walks the whole subject in one), so a callout before each item of the pattern looks at the clock. */
#include "parsers/pattern.h"
#include "core/attr.h"
#include "core/utf8.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Between two callouts lies at most one walk over the subject, so that many bytes lie between two looks at the clock. */
enum { BYTES_UNTIL_LOOK = 128 * 1024, LOOK_EVERY_MAX = 2048 };

struct pattern {
    pcre2_code          *code;
    pcre2_match_context *limits;
    size_t               name_count;
    const char          *names[PATTERN_GROUPS_MAX]; /* in code */
    uint32_t             numbers[PATTERN_GROUPS_MAX];
};

/* Of this thread's own work: a machine that is busy with other things is not the pattern's fault. */
static int64_t processor_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct watch {
    int64_t until_ns;
    size_t  callouts, look_every;
};

static int on_callout(pcre2_callout_block *block, void *user)
{
    struct watch *w = user;
    (void)block;
    return ++w->callouts % w->look_every == 0 && processor_ns() > w->until_ns ? PCRE2_ERROR_CALLOUT : 0;
}

static pcre2_code *compile(const char *text, struct err *e)
{
    const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C;
    int            code = 0;
    PCRE2_SIZE     at = 0;
    pcre2_code    *compiled = pcre2_compile((PCRE2_SPTR)text, strlen(text), options, &code, &at, NULL);
    if (compiled)
        return compiled;
    PCRE2_UCHAR why[160] = "";
    (void)pcre2_get_error_message(code, why, sizeof why);
    (void)err_set(e, ERR_INPUT, "%s, at byte %zu", (const char *)why, at);
    return NULL;
}

/* The table of names: two bytes of number, then the name; all rows as long as the longest. */
static int read_names(struct pattern *p, struct err *e)
{
    uint32_t   count = 0, row_bytes = 0;
    PCRE2_SPTR row = NULL;
    (void)pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &count);
    (void)pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &row_bytes);
    (void)pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &row);
    if (count > PATTERN_GROUPS_MAX)
        return err_set(e, ERR_INPUT, "more than %d named groups", PATTERN_GROUPS_MAX);
    for (uint32_t i = 0; i < count; i++, row += row_bytes) {
        p->numbers[i] = (uint32_t)row[0] << 8 | row[1];
        p->names[i] = (const char *)(row + 2);
    }
    p->name_count = count;
    return 0;
}

static int set_limits(struct pattern *p, struct err *e)
{
    p->limits = pcre2_match_context_create(NULL);
    if (!p->limits)
        return err_set(e, ERR_NOMEM, "out of memory");
    (void)pcre2_set_match_limit(p->limits, PATTERN_STEPS_MAX);
    (void)pcre2_set_depth_limit(p->limits, PATTERN_DEPTH_MAX);
    (void)pcre2_set_heap_limit(p->limits, PATTERN_HEAP_KIB);
    return 0;
}

int pattern_compile(const char *text, struct pattern **out, struct err *e)
{
    if (strlen(text) > PATTERN_BYTES_MAX)
        return err_set(e, ERR_INPUT, "longer than %d bytes", PATTERN_BYTES_MAX);
    struct pattern *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(e, ERR_NOMEM, "out of memory");
    p->code = compile(text, e);
    if (!p->code || read_names(p, e) < 0 || set_limits(p, e) < 0) {
        pattern_free(&p);
        return -1;
    }
    *out = p;
    return 0;
}

void pattern_free(struct pattern **p)
{
    if (!*p)
        return;
    pcre2_match_context_free((*p)->limits);
    pcre2_code_free((*p)->code);
    free(*p);
    *p = NULL;
}

size_t pattern_name_count(const struct pattern *p)
{
    return p->name_count;
}

const char *pattern_name(const struct pattern *p, size_t i)
{
    return p->names[i];
}

static bool has(const struct pattern_hit *hit, const char *name)
{
    for (size_t i = 0; i < hit->count; i++)
        if (strcmp(hit->groups[i].name, name) == 0)
            return true;
    return false;
}

/* A name may stand twice, in branches: the one that took part. */
static void read_groups(const struct pattern *p, const pcre2_match_data *found, uint32_t pairs, struct pattern_hit *out)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(UNCONST(pcre2_match_data, found));
    out->count = 0;
    for (size_t i = 0; i < p->name_count; i++) {
        uint32_t n = p->numbers[i];
        /* \K in a lookahead can put an end before its beginning */
        if (n >= pairs || at[2 * n] == PCRE2_UNSET || at[2 * n + 1] < at[2 * n] || has(out, p->names[i]))
            continue;
        out->groups[out->count].name = p->names[i];
        out->groups[out->count].from = at[2 * n];
        out->groups[out->count].to = at[2 * n + 1];
        out->count++;
    }
}

enum pattern_result pattern_match(const struct pattern *p, const char *subject, size_t n, struct pattern_budget *budget,
                                  struct pattern_hit *out)
{
    size_t            seen = utf8_cut(subject, n, PATTERN_SUBJECT_MAX), every = BYTES_UNTIL_LOOK / (seen + 1);
    struct watch      w = { .until_ns = processor_ns() + budget->left_ns, .look_every = every < LOOK_EVERY_MAX ? every : LOOK_EVERY_MAX };
    pcre2_match_data *found = budget->left_ns > 0 ? pcre2_match_data_create_from_pattern(p->code, NULL) : NULL;
    if (!found)
        return PATTERN_GIVES_UP;
    (void)pcre2_set_callout(p->limits, on_callout, &w);
    uint32_t options = seen < n ? PCRE2_NOTEOL : 0; /* where we cut is no line's end */
    int      r = pcre2_match(p->code, (PCRE2_SPTR)subject, seen, 0, options, found, p->limits);
    if (r >= 0)
        read_groups(p, found, r == 0 ? pcre2_get_ovector_count(found) : (uint32_t)r, out);
    pcre2_match_data_free(found);
    budget->left_ns = w.until_ns - processor_ns();
    if (r >= 0)
        return PATTERN_HITS;
    bool is_miss = r == PCRE2_ERROR_NOMATCH || (r <= PCRE2_ERROR_UTF8_ERR1 && r >= PCRE2_ERROR_UTF8_ERR21);
    return is_miss ? PATTERN_MISSES : PATTERN_GIVES_UP;
}
