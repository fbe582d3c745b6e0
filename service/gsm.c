/* gsm: three tables and two walks. */
#include "service/gsm.h"
#include "core/utf8.h"
#include <string.h>

enum { SINGLE_GSM = 160, PART_GSM = 153, SINGLE_UCS = 70, PART_UCS = 66 };

/* What is not ASCII in the basic alphabet. LF and CR are in it too, and all of ASCII but ` and the extension's. */
static const char basic[] = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
static const char extension[] = "^{}\\[~]|€";

/* U+00A0 to U+017F: what stands for those that the alphabet lacks; "" = dropped, NULL = as it is. */
static const char *const latin[0x180 - 0xA0] = {
#define L(code, text) [(code) - 0xA0] = (text)
    L(0xA0, " "), L(0xA2, "c"), L(0xA6, "|"), L(0xA8, "\""), L(0xA9, "(c)"), L(0xAA, "a"), L(0xAB, "\""), L(0xAC, "-"), L(0xAD, ""),
    L(0xAE, "(R)"), L(0xAF, "-"), L(0xB0, ""), L(0xB1, "+-"), L(0xB2, "2"), L(0xB3, "3"), L(0xB4, "'"), L(0xB5, "u"),
    L(0xB6, ""), L(0xB7, "."), L(0xB8, ""), L(0xB9, "1"), L(0xBA, "o"), L(0xBB, "\""), L(0xBC, "1/4"), L(0xBD, "1/2"), L(0xBE, "3/4"),
    L(0xC0, "A"), L(0xC1, "A"), L(0xC2, "A"), L(0xC3, "A"), L(0xC8, "E"), L(0xCA, "E"), L(0xCB, "E"), L(0xCC, "I"), L(0xCD, "I"),
    L(0xCE, "I"), L(0xCF, "I"), L(0xD0, "D"), L(0xD2, "O"), L(0xD3, "O"), L(0xD4, "O"), L(0xD5, "O"), L(0xD7, "x"), L(0xD9, "U"),
    L(0xDA, "U"), L(0xDB, "U"), L(0xDD, "Y"), L(0xDE, "Th"), L(0xE1, "a"), L(0xE2, "a"), L(0xE3, "a"), L(0xE7, "c"), L(0xEA, "e"),
    L(0xEB, "e"), L(0xED, "i"), L(0xEE, "i"), L(0xEF, "i"), L(0xF0, "d"), L(0xF3, "o"), L(0xF4, "o"), L(0xF5, "o"), L(0xF7, ":"),
    L(0xFA, "u"), L(0xFB, "u"), L(0xFD, "y"), L(0xFE, "th"), L(0xFF, "y"),
    L(0x100, "A"), L(0x101, "a"), L(0x102, "A"), L(0x103, "a"), L(0x104, "A"), L(0x105, "a"), L(0x106, "C"), L(0x107, "c"),
    L(0x108, "C"), L(0x109, "c"), L(0x10A, "C"), L(0x10B, "c"), L(0x10C, "C"), L(0x10D, "c"), L(0x10E, "D"), L(0x10F, "d"),
    L(0x110, "D"), L(0x111, "d"), L(0x112, "E"), L(0x113, "e"), L(0x114, "E"), L(0x115, "e"), L(0x116, "E"), L(0x117, "e"),
    L(0x118, "E"), L(0x119, "e"), L(0x11A, "E"), L(0x11B, "e"), L(0x11C, "G"), L(0x11D, "g"), L(0x11E, "G"), L(0x11F, "g"),
    L(0x120, "G"), L(0x121, "g"), L(0x122, "G"), L(0x123, "g"), L(0x124, "H"), L(0x125, "h"), L(0x126, "H"), L(0x127, "h"),
    L(0x128, "I"), L(0x129, "i"), L(0x12A, "I"), L(0x12B, "i"), L(0x12C, "I"), L(0x12D, "i"), L(0x12E, "I"), L(0x12F, "i"),
    L(0x130, "I"), L(0x131, "i"), L(0x132, "IJ"), L(0x133, "ij"), L(0x134, "J"), L(0x135, "j"), L(0x136, "K"), L(0x137, "k"),
    L(0x138, "k"), L(0x139, "L"), L(0x13A, "l"), L(0x13B, "L"), L(0x13C, "l"), L(0x13D, "L"), L(0x13E, "l"), L(0x13F, "L"),
    L(0x140, "l"), L(0x141, "L"), L(0x142, "l"), L(0x143, "N"), L(0x144, "n"), L(0x145, "N"), L(0x146, "n"), L(0x147, "N"),
    L(0x148, "n"), L(0x149, "n"), L(0x14A, "N"), L(0x14B, "n"), L(0x14C, "O"), L(0x14D, "o"), L(0x14E, "O"), L(0x14F, "o"),
    L(0x150, "Ö"), L(0x151, "ö"), L(0x152, "Oe"), L(0x153, "oe"), L(0x154, "R"), L(0x155, "r"), L(0x156, "R"), L(0x157, "r"),
    L(0x158, "R"), L(0x159, "r"), L(0x15A, "S"), L(0x15B, "s"), L(0x15C, "S"), L(0x15D, "s"), L(0x15E, "S"), L(0x15F, "s"),
    L(0x160, "S"), L(0x161, "s"), L(0x162, "T"), L(0x163, "t"), L(0x164, "T"), L(0x165, "t"), L(0x166, "T"), L(0x167, "t"),
    L(0x168, "U"), L(0x169, "u"), L(0x16A, "U"), L(0x16B, "u"), L(0x16C, "U"), L(0x16D, "u"), L(0x16E, "U"), L(0x16F, "u"),
    L(0x170, "Ü"), L(0x171, "ü"), L(0x172, "U"), L(0x173, "u"), L(0x174, "W"), L(0x175, "w"), L(0x176, "Y"), L(0x177, "y"),
    L(0x178, "Y"), L(0x179, "Z"), L(0x17A, "z"), L(0x17B, "Z"), L(0x17C, "z"), L(0x17D, "Z"), L(0x17E, "z"), L(0x17F, "s"),
#undef L
};

/* Everything else, by ranges; the first row that fits. Letters that are in no row need UCS-2. */
static const struct {
    uint32_t    first, last;
    const char *text;
} ranges[] = {
    { '\t', '\t', " " },        { '\r', '\r', "" },          { 0x00, 0x1F, "" },
    { '`', '`', "'" },          { 0x7F, 0x9F, "" },          { 0x218, 0x218, "S" },       { 0x219, 0x219, "s" },
    { 0x21A, 0x21A, "T" },      { 0x21B, 0x21B, "t" },       { 0x2BC, 0x2BC, "'" },       { 0x2C6, 0x2C6, "^" },
    { 0x2DC, 0x2DC, "~" },      { 0x300, 0x36F, "" },        { 0x1E9E, 0x1E9E, "SS" },    { 0x2000, 0x200A, " " },
    { 0x200B, 0x200F, "" },     { 0x2010, 0x2015, "-" },     { 0x2018, 0x201B, "'" },     { 0x201C, 0x201F, "\"" },
    { 0x2020, 0x2023, "*" },    { 0x2024, 0x2024, "." },     { 0x2025, 0x2025, ".." },    { 0x2026, 0x2026, "..." },
    { 0x2027, 0x202F, " " },    { 0x2030, 0x2030, "0/00" },  { 0x2032, 0x2032, "'" },     { 0x2033, 0x2033, "\"" },
    { 0x2039, 0x203A, "'" },    { 0x203C, 0x203C, "!!" },    { 0x2044, 0x2044, "/" },     { 0x2060, 0x206F, "" },
    { 0x20D0, 0x20FF, "" },      { 0x2116, 0x2116, "No." },   { 0x2122, 0x2122, "(TM)" },
    { 0x2190, 0x2190, "<-" },   { 0x2192, 0x2192, "->" },    { 0x2212, 0x2212, "-" },     { 0x2248, 0x2248, "~" },
    { 0x2264, 0x2264, "<=" },   { 0x2265, 0x2265, ">=" },    { 0x2100, 0x2BFF, "" },      { 0x3000, 0x3000, " " },
    { 0xFB00, 0xFB00, "ff" },   { 0xFB01, 0xFB01, "fi" },    { 0xFB02, 0xFB02, "fl" },    { 0xFE00, 0xFE0F, "" },
    { 0xFEFF, 0xFEFF, "" },     { 0xFFFC, 0xFFFC, "" },      { 0xFFFD, 0xFFFD, "?" },     { 0x1F000, 0x1FBFF, "" },
    { 0xE0000, 0xE0FFF, "" },
};

static bool is_among(const char *alphabet, const char *s, size_t n)
{
    size_t length = strlen(alphabet);
    for (size_t i = 0; i < length;) {
        size_t one = utf8_length(alphabet + i, length - i);
        if (one == n && memcmp(alphabet + i, s, n) == 0)
            return true;
        i += one;
    }
    return false;
}

/* Septets of one character; 0: not in the alphabet. */
static size_t septets(const char *s, size_t n)
{
    if (n > 1)
        return is_among(extension, s, n) ? 2 : is_among(basic, s, n) ? 1 : 0;
    if ((*s < ' ' && *s != '\n' && *s != '\r') || *s == 0x7F || *s == '`')
        return 0;
    return strchr(extension, *s) ? 2 : 1;
}

/* What stands for a character that the alphabet lacks; NULL: nothing does. */
static const char *replacement(uint32_t code)
{
    if (code >= 0xA0 && code < 0x180)
        return latin[code - 0xA0];
    for (size_t i = 0; i < COUNT(ranges); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return ranges[i].text;
    return NULL;
}

bool gsm_transliterate(const char *text, struct buf *out)
{
    bool   is_gsm = true;
    size_t n = strlen(text);
    for (size_t i = 0, one; i < n; i += one ? one : 1) {
        one = utf8_length(text + i, n - i);
        if (one == 0)
            continue;
        if (septets(text + i, one) > 0 && text[i] != '\r') {
            buf_put(out, text + i, one);
            continue;
        }
        const char *instead = replacement(utf8_code(text + i));
        if (instead) {
            buf_puts(out, instead);
        } else {
            buf_put(out, text + i, one);
            is_gsm = false;
        }
    }
    return is_gsm;
}

static bool is_all_gsm(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0, one; i < n; i += one) {
        one = utf8_length(text + i, n - i);
        if (one == 0 || septets(text + i, one) == 0)
            return false;
    }
    return true;
}

/* Of the next character at s: bytes_out, and its units in the alphabet of the whole text. */
static size_t next_units(const char *s, size_t n, bool is_gsm, size_t *bytes_out)
{
    size_t one = utf8_length(s, n);
    *bytes_out = one ? one : 1;
    if (is_gsm)
        return septets(s, *bytes_out);
    return one == 4 ? 2 : 1;
}

size_t gsm_units(const char *text, bool *is_gsm_out)
{
    size_t n = strlen(text), units = 0;
    *is_gsm_out = is_all_gsm(text);
    for (size_t i = 0, one; i < n; i += one)
        units += next_units(text + i, n - i, *is_gsm_out, &one);
    return units;
}

int gsm_parts(const char *text)
{
    bool   is_gsm;
    size_t n = strlen(text), used = 0;
    if (gsm_units(text, &is_gsm) <= (is_gsm ? SINGLE_GSM : SINGLE_UCS))
        return 1;
    size_t room = is_gsm ? PART_GSM : PART_UCS;
    int    parts = 1;
    for (size_t i = 0, one; i < n; i += one) { /* a pair of units is never divided between two parts */
        size_t units = next_units(text + i, n - i, is_gsm, &one);
        if (used + units > room) {
            parts++;
            used = 0;
        }
        used += units;
    }
    return parts;
}
