/* nearest: edit distance over short words. */
#include "service/nearest.h"
#include <stdbool.h>
#include <string.h>

enum { WORD_MAX = 48 };

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Letters to add, drop or change (Levenshtein), one row at a time; both words are at most WORD_MAX long. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
            diagonal = row[j];
            row[j] = least(change, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[nb];
}

const char *nearest(const char *word, const char *const *known, size_t count)
{
    const char *best = NULL;
    size_t      best_distance = 0, n = strlen(word);
    if (n > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(known[i]);
        if (length > WORD_MAX)
            continue;
        size_t d = distance(word, n, known[i], length);
        if (3 * d <= length + 2 && (!best || d < best_distance)) {
            best = known[i];
            best_distance = d;
        }
    }
    return best;
}

void nearest_say(struct mistakes *m, const char *path, const char *what, const char *word, const char *const *known, size_t count)
{
    const char *near = nearest(word, known, count);
    if (near)
        mistake_add(m, path, "%s %s is not known; did you mean %s?", what, word, near);
    else
        mistake_add(m, path, "%s %s is not known", what, word);
}
