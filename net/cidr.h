/* cidr: "192.168.0.0/16", "fd00::/8", "10.1.2.3": is an address inside? IPv4-mapped IPv6 counts as IPv4. No DNS. */
#pragma once
#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>

struct sockaddr;
struct cidr {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    int bits;                /* of 128 */
};
struct cidr_list {
    const struct cidr *items;
    size_t count;
};
int cidr_parse(const char *text, struct cidr *out, struct err *e) MUST_CHECK;
bool cidr_is_inside(const struct cidr *network, const unsigned char address[16]);
bool cidr_contains(const struct cidr_list *list, const struct sockaddr *address);
bool cidr_contains_text(const struct cidr_list *list, const char *address); /* as cidr_text writes it; no address is nowhere */

/* An address as the 16 bytes above, without port; false: neither IPv4 nor IPv6. */
bool cidr_address(const struct sockaddr *address, unsigned char out[16]);
enum { CIDR_TEXT = 46 };                                                   /* INET6_ADDRSTRLEN */
const char *cidr_text(const unsigned char bytes[16], char out[CIDR_TEXT]); /* "192.168.1.7", never "::ffff:…" */
