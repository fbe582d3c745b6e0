/* phone: E.164 has up to 15 digits, country first. */
#include "providers/phone.h"
#include <stdbool.h>
#include <string.h>

enum { DIGITS_MIN = 7, DIGITS_MAX = 15, SENDER_NAME_MAX = 11, SENDER_DIGITS_MAX = 16 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The digits after + or 00 into out; -1 if it is no such number. */
static int read_digits(const char *address, char out[DIGITS_MAX + 1])
{
    while (*address == ' ')
        address++;
    if (*address == '+')
        address++;
    else if (strncmp(address, "00", 2) == 0)
        address += 2;
    else
        return -1;
    size_t n = 0;
    for (; *address; address++) {
        if (strchr(" -()/.", *address))
            continue;
        if (!is_digit(*address) || n == DIGITS_MAX)
            return -1;
        out[n++] = *address;
    }
    out[n] = '\0';
    return n >= DIGITS_MIN && out[0] != '0' ? 0 : -1;
}

int phone_check(const char *address, struct err *e)
{
    char digits[DIGITS_MAX + 1];
    if (read_digits(address, digits) == 0)
        return 0;
    if (address[0] == '0' && address[1] != '0')
        return err_set(e, ERR_INPUT, "'%.20s' lacks its country: write +49… (or another country's) instead of the first 0", address);
    return err_set(e, ERR_INPUT, "'%.20s' is no telephone number of the form +49… or 0049…", address);
}

const char *phone_canonical(const char *address, struct arena *a)
{
    char digits[DIGITS_MAX + 1];
    return read_digits(address, digits) == 0 ? arena_printf(a, "+%s", digits) : arena_str(a, address);
}

int phone_check_sender(const char *from, struct err *e)
{
    size_t digits = 0, letters = 0, first = from[0] == '+' ? 1 : 0;
    for (const char *s = from + first; *s; s++) {
        if (!is_digit(*s) && !is_letter(*s))
            return err_set(e, ERR_INPUT, "From '%.30s' may hold letters A to Z and digits only, no blanks", from);
        digits += is_digit(*s);
        letters += is_letter(*s);
    }
    if (letters == 0 && digits > 0 && digits <= SENDER_DIGITS_MAX)
        return 0;
    if (first == 0 && letters > 0 && letters + digits <= SENDER_NAME_MAX)
        return 0;
    return err_set(e, ERR_INPUT, "From '%.30s' is neither a name of up to %d letters and digits nor a number", from, SENDER_NAME_MAX);
}
