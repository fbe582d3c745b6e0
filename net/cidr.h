/* cidr: "192.168.0.0/16", "fd00::/8", "10.1.2.3": is an address inside? IPv4-mapped IPv6 counts as IPv4. No DNS. */
#pragma once
#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>

struct sockaddr;
struct cidr {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    int           bits;      /* of 128 */
};
struct cidr_list {
    const struct cidr *items;
    size_t             count;
};
int  cidr_parse(const char *text, struct cidr *out, struct err *e) MUST_CHECK;
bool cidr_contains(const struct cidr_list *list, const struct sockaddr *address);
