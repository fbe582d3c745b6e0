/* smtp_path: see smtp_path.h. */
#include "net/smtp_path.h"
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t";

static char *skip_blanks(char *p)
{
    return p + strspn(p, blanks);
}

static void trim_end(char *start)
{
    size_t n = strlen(start);
    while (n > 0 && strchr(blanks, start[n - 1]))
        n--;
    start[n] = '\0';
}

/* Behind "FROM:", in any case and with blanks before the colon, or without one where a bracket follows; NULL: it is not
 * there. */
static char *skip_keyword(char *arg, const char *keyword)
{
    size_t n = strlen(keyword);
    if (strncasecmp(arg, keyword, n) != 0)
        return NULL;
    char *colon = skip_blanks(arg + n);
    return *colon == ':' ? skip_blanks(colon + 1) : *colon == '<' ? colon : NULL;
}

/* The first of `ends` outside a quoted local part; else the end of the text. */
static char *find_end(char *p, const char *ends)
{
    bool is_quoted = false;
    for (; *p; p++) {
        if (*p == '\\' && is_quoted && p[1])
            p++;
        else if (*p == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && strchr(ends, *p))
            return p;
    }
    return p;
}

/* Where the address ends: at the bracket, or, where a device opened one and forgot to close it or uses none, at the first
 * blank. */
static char *find_address_end(char *address, bool has_bracket)
{
    char *bracket = has_bracket ? find_end(address, ">") : address;
    return has_bracket && *bracket ? bracket : find_end(address, blanks);
}

/* Cuts at p, returns what follows it. */
static char *cut(char *p)
{
    if (!*p)
        return p;
    *p = '\0';
    return p + 1;
}

/* "@relay1,@relay2:user@house" means user@house (RFC 5321 appendix C). */
static char *skip_source_route(char *address)
{
    char *colon = address[0] == '@' ? strchr(address, ':') : NULL;
    return colon ? colon + 1 : address;
}

/* 'user@house' or "user@house", as some cameras write it between the brackets. */
static char *strip_quotes(char *address)
{
    size_t n = strlen(address);
    if (n < 2 || !strchr("'\"", address[0]) || address[n - 1] != address[0] || !strchr(address, '@'))
        return address;
    address[n - 1] = '\0';
    return address + 1;
}

/* "user@house.", the root's dot: the same house. */
static void strip_trailing_dots(char *address)
{
    size_t n = strlen(address);
    while (n > 1 && address[n - 1] == '.' && strchr(address, '@'))
        address[--n] = '\0';
}

static bool is_clean(const char *address)
{
    for (const char *p = address; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    return strlen(address) <= SMTP_PATH_MAX;
}

int smtp_path_read(char *arg, const char *keyword, struct smtp_path *out)
{
    char *path = skip_keyword(arg, keyword);
    if (!path)
        return -1;
    char *bracket = path + strcspn(path, "<="); /* a "<" behind "=" belongs to a parameter */
    bool has_bracket = *bracket == '<';
    char *address = has_bracket ? skip_blanks(bracket + 1) : path;
    char *rest = cut(find_address_end(address, has_bracket));
    trim_end(address);
    rest = skip_blanks(rest);
    trim_end(rest);
    address = strip_quotes(skip_source_route(address));
    strip_trailing_dots(address);
    if (!is_clean(address))
        return -1;
    *out = (struct smtp_path){ .address = address, .parameters = rest };
    return 0;
}

int smtp_parameter_next(char **rest, const char **name_out, const char **value_out)
{
    char *name = skip_blanks(*rest);
    if (!*name)
        return 0;
    *rest = cut(name + strcspn(name, blanks));
    *value_out = cut(name + strcspn(name, "="));
    *name_out = name;
    return 1;
}
