/* cidr: every address as 16 bytes, so that one comparison serves both families. */
#include "net/cidr.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96 };

static const unsigned char mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void map_ipv4(unsigned char out[16], const void *four)
{
    memcpy(out, mapped_prefix, sizeof mapped_prefix);
    memcpy(out + sizeof mapped_prefix, four, 4);
}

/* How many bits in front of what the text calls its first: 96 for IPv4, 0 for IPv6; -1: no address. */
static int parse_address(const char *text, unsigned char out[16])
{
    unsigned char four[4];
    if (inet_pton(AF_INET, text, four) == 1) {
        map_ipv4(out, four);
        return MAPPED_BITS;
    }
    return inet_pton(AF_INET6, text, out) == 1 ? 0 : -1;
}

/* -1: not a number from 0 to max. */
static int parse_bits(const char *text, int max)
{
    size_t n = strlen(text);
    if (n == 0 || n > 3 || text[strspn(text, "0123456789")])
        return -1;
    long bits = strtol(text, NULL, 10);
    return bits <= max ? (int)bits : -1;
}

/* Host bits are of no account: 192.168.1.7/24 is 192.168.1.0/24. */
static void clear_host_bits(struct cidr *c)
{
    for (int bit = c->bits; bit < ADDRESS_BITS; bit++)
        c->bytes[bit / 8] &= (unsigned char)~(0x80U >> (bit % 8));
}

int cidr_parse(const char *text, struct cidr *out, struct err *e)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    if (n >= sizeof address)
        return err_set(e, ERR_INPUT, "\"%s\" is no IP address or network", text);
    memcpy(address, text, n);
    address[n] = '\0';

    struct cidr c;
    int before = parse_address(address, c.bytes);
    if (before < 0)
        return err_set(e, ERR_INPUT, "\"%s\" is no IP address or network", text);
    int bits = slash ? parse_bits(slash + 1, ADDRESS_BITS - before) : ADDRESS_BITS - before;
    if (bits < 0)
        return err_set(e, ERR_INPUT, "\"%s\": the number behind / must be 0 to %d", text, ADDRESS_BITS - before);
    c.bits = before + bits;
    clear_host_bits(&c);
    *out = c;
    return 0;
}

bool cidr_address(const struct sockaddr *address, unsigned char out[16])
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        map_ipv4(out, &in.sin_addr);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    memcpy(out, &in6.sin6_addr, 16);
    return true;
}

const char *cidr_text(const unsigned char bytes[16], char out[CIDR_TEXT])
{
    bool is_ipv4 = memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0;
    if (!inet_ntop(is_ipv4 ? AF_INET : AF_INET6, is_ipv4 ? bytes + sizeof mapped_prefix : bytes, out, CIDR_TEXT))
        out[0] = '\0';
    return out;
}

bool cidr_is_inside(const struct cidr *c, const unsigned char address[16])
{
    size_t whole = (size_t)c->bits / 8;
    if (memcmp(c->bytes, address, whole) != 0)
        return false;
    unsigned rest = (unsigned)c->bits % 8;
    return rest == 0 || ((c->bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static bool is_listed(const struct cidr_list *list, const unsigned char address[16])
{
    for (size_t i = 0; i < list->count; i++)
        if (cidr_is_inside(&list->items[i], address))
            return true;
    return false;
}

bool cidr_contains(const struct cidr_list *list, const struct sockaddr *address)
{
    unsigned char bytes[16];
    return cidr_address(address, bytes) && is_listed(list, bytes);
}

bool cidr_contains_text(const struct cidr_list *list, const char *address)
{
    unsigned char bytes[16];
    return list->count > 0 && parse_address(address, bytes) >= 0 && is_listed(list, bytes);
}
