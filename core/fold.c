/* fold: Latin-1 and Latin Extended-A by one table of base letters; enough for the languages panels speak. */
#include "core/fold.h"
#include "core/utf8.h"
#include <string.h>

/* From U+00C0 to U+017F; '.' stands for what has no base letter and stays as it is. */
static const char base_letters[] =
    "aaaaaa.ceeeeiiiidnooooo.ouuuuy.."  /* C0: À…; × stays                  */
    "aaaaaa.ceeeeiiiidnooooo.ouuuuy.y"  /* E0                               */
    "aaaaaaccccccccddddeeeeeeeeeegggg"  /* 100                              */
    "gggghhhhiiiiiiiiii..jjkkklllllll"  /* 120; U+0132, U+0133 stay         */
    "lllnnnnnnnnnoooooo..rrrrrrssssss"  /* 140; U+0152, U+0153 stay         */
    "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs"; /* 160                              */

/* The folded form of one character in out (up to 4 bytes), its length; 0 for blanks and control characters. */
static size_t fold_one(const char *c, size_t length, char out[4])
{
    unsigned char first = (unsigned char)c[0];
    if (length <= 1) {
        if (first <= 0x20 || first == 0x7f)
            return 0;
        out[0] = (char)(first >= 'A' && first <= 'Z' ? first + 0x20 : first);
        return 1;
    }
    uint32_t code = utf8_code(c);
    if (code == 0xA0 || (code >= 0x2000 && code <= 0x200F) || code == 0x202F || code == 0xFEFF)
        return 0;
    if (code == 0xDF || code == 0x1E9E) {
        out[0] = out[1] = 's';
        return 2;
    }
    if (code >= 0xC0 && code <= 0x17F && base_letters[code - 0xC0] != '.') {
        out[0] = base_letters[code - 0xC0];
        return 1;
    }
    memcpy(out, c, length);
    return length;
}

size_t fold_tight(char *out, size_t size, const char *text, size_t n)
{
    size_t written = 0;
    for (size_t i = 0; i < n;) {
        size_t length = utf8_length(text + i, n - i);
        length = length ? length : 1;
        char   folded[4] = { 0 };
        size_t k = fold_one(text + i, length, folded);
        if (written + k >= size) {
            out[0] = '\0';
            return 0;
        }
        memcpy(out + written, folded, k);
        written += k;
        i += length;
    }
    out[written] = '\0';
    return written;
}

bool fold_is(const char *text, const char *folded)
{
    while (*text) {
        size_t length = utf8_length(text, 4); /* never looks past the NUL: it is no continuation */
        length = length ? length : 1;
        char   one[4] = { 0 };
        size_t k = fold_one(text, length, one);
        if (k > 0 && (*folded != one[0] || strncmp(folded, one, k) != 0))
            return false;
        folded += k;
        text += length;
    }
    return *folded == '\0';
}

static bool is_word(const char folded[4], size_t k)
{
    unsigned char c = (unsigned char)folded[0];
    return k > 0 && (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
}

size_t fold_words(char *out, size_t size, const char *text, size_t n)
{
    size_t written = 0;
    out[written++] = ' ';
    for (size_t i = 0; i < n;) {
        size_t length = utf8_length(text + i, n - i);
        length = length ? length : 1;
        char   folded[4] = { 0 };
        size_t k = fold_one(text + i, length, folded);
        if (written + k + 2 > size)
            break;
        if (is_word(folded, k)) {
            memcpy(out + written, folded, k);
            written += k;
        } else if (out[written - 1] != ' ') {
            out[written++] = ' ';
        }
        i += length;
    }
    if (out[written - 1] != ' ')
        out[written++] = ' ';
    out[written] = '\0';
    return written;
}
