/* mend: from semicolon to semicolon; pictures in base64 have none. */
#include "parsers/mend.h"
#include "core/attr.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const parameters[] = { "boundary=", "charset=", "name=", "filename=" };

static int is_parameter(const char *p, const char *end)
{
    for (size_t i = 0; i < COUNT(parameters); i++) {
        size_t n = strlen(parameters[i]);
        if ((size_t)(end - p) > n && strncasecmp(p, parameters[i], n) == 0)
            return 1;
    }
    return 0;
}

/* The first byte of the line end behind the semicolon at p, if a parameter follows on the next line; NULL: none. */
static const char *broken_at(const char *p, const char *end)
{
    const char *line_end = ++p;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p < end && *p == '\n' && is_parameter(p + 1, end) ? line_end : NULL;
}

char *mend_copy(const char *raw, size_t n)
{
    const char *end = raw + n;
    char       *copy = NULL;
    for (const char *p = raw; (p = memchr(p, ';', (size_t)(end - p))); p++) {
        const char *line_end = broken_at(p, end);
        if (!line_end)
            continue;
        if (!copy && (copy = malloc(n)))
            memcpy(copy, raw, n);
        if (!copy)
            return NULL;
        for (const char *c = line_end; c[-1] != '\n'; c++)
            copy[c - raw] = ' ';
    }
    return copy;
}
