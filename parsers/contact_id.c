/* contact_id: reading a message, and what it says in words. */
#include "parsers/contact_id.h"
#include <string.h>

enum { ACCOUNT_MAX = 64, SUM_MAX = 8, GROUP_PANEL = 0, NUMBER_TEMPORARY = 997, NUMBER_DURESS = 998 };

/* --- reading -------------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 0 to 15; -1: no hex digit. */
static int hex_of(char c)
{
    if (is_digit(c))
        return c - '0';
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

struct cursor {
    const char *s, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->s < c->end && (*c->s == ' ' || *c->s == '\t'))
        c->s++;
}

/* Blanks, then exactly that many digits; -1: not there. */
static int take_number(struct cursor *c, int digits)
{
    int value = 0;
    skip_blanks(c);
    for (; digits > 0; digits--, c->s++) {
        if (c->s == c->end || !is_digit(*c->s))
            return -1;
        value = value * 10 + (*c->s - '0');
    }
    return value;
}

/* Climax: two sums modulo 256 over all that stands before it, the second written first. */
static bool fits_fletcher(const char *s, size_t n, const char sum[4])
{
    unsigned first = 0, second = 0;
    for (size_t i = 0; i < n; i++) {
        first = (first + (unsigned char)s[i]) & 0xFF;
        second = (second + first) & 0xFF;
    }
    const unsigned wanted[] = { second >> 4, second & 15, first >> 4, first & 15 };
    for (size_t i = 0; i < 4; i++)
        if (hex_of(sum[i]) != (int)wanted[i])
            return false;
    return true;
}

/* The telephone's: all digits with the check digit make a multiple of 15, where a zero counts ten. */
static bool fits_check_digit(const char *s, size_t n, char sum)
{
    int total = 0;
    for (size_t i = 0; i <= n; i++) {
        char c = i < n ? s[i] : sum;
        int  value = hex_of(c);
        if (value < 0 && c != ' ' && c != '\t')
            return false;
        total += value == 0 ? 10 : value > 0 ? value : 0;
    }
    return total % 15 == 0;
}

/* What is left behind the last field, up to the end. -1: that is no sum. */
static int judge_sum(const char *begin, struct cursor *c, enum contact_id_sum *out)
{
    skip_blanks(c);
    const char *sum = c->s;
    while (c->end > sum && (c->end[-1] == ' ' || c->end[-1] == '\t'))
        c->end--;
    size_t n = (size_t)(c->end - sum);
    for (size_t i = 0; i < n; i++)
        if (!is_digit(sum[i]) && ((sum[i] | 0x20) < 'a' || (sum[i] | 0x20) > 'z'))
            return -1;
    if (n > SUM_MAX)
        return -1;
    size_t covered = (size_t)(sum - begin);
    bool   is_right = (n == 4 && fits_fletcher(begin, covered, sum)) || (n == 1 && fits_check_digit(begin, covered, sum[0]));
    *out = n == 0 ? CONTACT_ID_SUM_NONE : is_right ? CONTACT_ID_SUM_RIGHT : CONTACT_ID_SUM_WRONG;
    return 0;
}

/* Everything behind the account; -1: it is no message. */
static int read_fields(const char *begin, struct cursor c, struct contact_id *out)
{
    int type = take_number(&c, 2);
    if (type != 18 && type != 98)
        return -1;
    out->qualifier = take_number(&c, 1);
    out->code = take_number(&c, 3);
    out->group = take_number(&c, 2);
    out->number = take_number(&c, 3);
    if (out->qualifier < 0 || out->code < 0 || out->group < 0 || out->number < 0)
        return -1;
    return judge_sum(begin, &c, &out->sum);
}

/* Sixteen digits without a blank: only a check digit that fits tells them from any other number. */
static int read_compact(const char *s, size_t n, struct contact_id *out)
{
    enum { COMPACT = 16, ACCOUNT = 4 };
    for (size_t i = 0; i < n && n == COMPACT; i++)
        if (hex_of(s[i]) < 0)
            return -1;
    if (n != COMPACT || read_fields(s, (struct cursor){ s + ACCOUNT, s + n }, out) < 0 || out->sum != CONTACT_ID_SUM_RIGHT)
        return -1;
    out->account = s;
    out->account_length = ACCOUNT;
    return 0;
}

/* The account ends at the first blank behind which all the rest is fields: it may have blanks itself. */
static int read_inside(const char *s, size_t n, struct contact_id *out)
{
    const char *end = s + n;
    for (const char *blank = memchr(s, ' ', n); blank && blank - s <= ACCOUNT_MAX; blank = memchr(blank + 1, ' ', (size_t)(end - blank) - 1))
        if (blank > s && read_fields(s, (struct cursor){ blank + 1, end }, out) == 0) {
            out->account = s;
            out->account_length = (size_t)(blank - s);
            return 0;
        }
    return read_compact(s, n, out);
}

size_t contact_id_read(const char *s, size_t n, struct contact_id *out)
{
    struct contact_id c = { .whole = s };
    char              closing = n == 0 ? '\0' : s[0] == '[' ? ']' : s[0] == '<' ? '>' : '\0';
    c.is_in_brackets = closing != '\0';
    c.length = n;
    if (c.is_in_brackets) {
        const char *end = memchr(s, closing, n < CONTACT_ID_MAX ? n : CONTACT_ID_MAX);
        if (!end)
            return 0;
        c.length = (size_t)(end - s) + 1;
    }
    if (c.length > CONTACT_ID_MAX || read_inside(s + c.is_in_brackets, c.length - 2 * (size_t)c.is_in_brackets, &c) < 0)
        return 0;
    *out = c;
    return c.length;
}

/* --- meaning -------------------------------------------------------------------------------------------------- */

/* The words around a code's name. */
struct phrases {
    const char *language;
    const char *armed, *disarmed, *home, *status; /* in front of how */
    const char *restored, *still, *wrong_sum, *unknown_code;
    const char *user, *temporary, *duress;
};

static const struct phrases all_phrases[] = {
    { "en", "Armed", "Disarmed", "Home armed", "State", "restored", "still present", "checksum wrong", "Unknown code", "user",
      "temporary code", "duress code" },
    { "de", "Scharf", "Unscharf", "Zuhause scharf", "Zustand", "beendet", "besteht weiter", "Prüfsumme falsch", "Unbekannter Code",
      "Benutzer", "Code auf Zeit", "Bedrohungscode" },
};

static const struct phrases *phrases_of(const char *language)
{
    for (size_t i = 0; i < COUNT(all_phrases); i++)
        if (strcmp(all_phrases[i].language, language) == 0)
            return &all_phrases[i];
    return &all_phrases[0];
}

static const char *name_of(const struct contact_id_code *row, const struct phrases *words)
{
    return words->language[0] == 'd' ? row->de : row->en;
}

static bool is_mode(const char *kind)
{
    return kind_matches("mode.*", kind);
}

static bool is_mode_row(const struct contact_id_code *row)
{
    return row->closing && is_mode(row->closing);
}

static const char *kind_of(const struct contact_id *c, const struct contact_id_code *row)
{
    if (c->qualifier == CONTACT_ID_RESTORED && row->closing)
        return row->closing;
    if (c->qualifier != CONTACT_ID_NEW && is_mode_row(row))
        return "mode.other"; /* a state that is still so: which one is not said */
    return row->kind;
}

/* A mode and a test do not end. */
static bool is_end(const struct contact_id *c, const struct contact_id_code *row)
{
    return c->qualifier == CONTACT_ID_RESTORED && !row->closing && !is_mode(row->kind) && !kind_matches("test.*", row->kind);
}

/* Whose code it was, where the last field is a user's. With group 00 the two special codes are told whatever the event. */
static const char *user_of(const struct contact_id *c, const struct contact_id_code *row, const struct phrases *words, struct arena *a)
{
    bool is_user = row && row->who == CONTACT_ID_USER;
    if (c->number == 0 || (!is_user && c->group != GROUP_PANEL))
        return NULL;
    if (c->number == NUMBER_TEMPORARY)
        return words->temporary;
    if (c->number == NUMBER_DURESS)
        return words->duress;
    return is_user ? arena_printf(a, "%s %d", words->user, c->number) : NULL;
}

/* "Armed: " where the code's name only says how; "" elsewhere. */
static const char *mode_in_front(const char *kind, const struct contact_id_code *row, const struct phrases *words)
{
    if (!is_mode_row(row) && strcmp(kind, "mode.armed") != 0)
        return "";
    return strcmp(kind, "mode.armed") == 0      ? words->armed
           : strcmp(kind, "mode.disarmed") == 0 ? words->disarmed
           : strcmp(kind, "mode.home") == 0     ? words->home
                                                : words->status;
}

/* "Burglary, interior restored [haus 18313200003] (checksum wrong)" */
static const char *text_of(const struct contact_id *c, const struct contact_id_code *row, const struct event *ev,
                           const struct phrases *words, struct arena *a)
{
    bool        is_still = c->qualifier != CONTACT_ID_NEW && c->qualifier != CONTACT_ID_RESTORED;
    const char *mode = row ? mode_in_front(ev->kind, row, words) : "";
    const char *after = ev->restored ? words->restored : is_still ? words->still : "";
    const char *name = row ? name_of(row, words) : arena_printf(a, "%s %03d", words->unknown_code, c->code);
    bool        is_wrong = c->sum == CONTACT_ID_SUM_WRONG;
    return !name ? NULL
                 : arena_printf(a, "%s%s%s%s%s %.*s%s%s%s", mode, *mode ? ": " : "", name, *after ? " " : "", after, (int)c->length,
                                c->whole, is_wrong ? " (" : "", is_wrong ? words->wrong_sum : "", is_wrong ? ")" : "");
}

static enum severity severity_of(const struct contact_id *c, const struct contact_id_code *row, const struct event *ev,
                                 const struct phrases *words)
{
    bool is_known = strcmp(ev->kind, "unknown") != 0;
    if (!is_known)
        return c->code < 200 && c->qualifier != CONTACT_ID_RESTORED ? SEVERITY_ALARM : SEVERITY_WARNING;
    enum severity s = kind_severity(ev->kind, ev->restored);
    if (ev->user == words->duress)
        return SEVERITY_ALARM; /* somebody was forced to */
    return s < row->least ? row->least : s;
}

struct event *contact_id_event(const struct contact_id *c, const char *language, struct events *out)
{
    const struct phrases         *words = phrases_of(language);
    const struct contact_id_code *row = contact_id_code(c->code);
    struct event                 *ev = events_add(out, row ? kind_of(c, row) : "unknown");
    if (!ev)
        return NULL;
    ev->restored = row && is_end(c, row);
    ev->code = c->code >= 100 ? c->code : 0;
    ev->user = user_of(c, row, words, out->arena);
    ev->severity = severity_of(c, row, ev, words);
    if (!ev->user && c->number > 0 && (!row || row->who == CONTACT_ID_ZONE))
        ev->zone_number = c->number;
    ev->text = text_of(c, row, ev, words, out->arena);
    return ev->text ? ev : NULL;
}
