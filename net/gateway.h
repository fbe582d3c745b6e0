/* gateway: the addresses behind which a container hides who really sends. Docker's userland proxy makes every peer look like the
 * container's default gateway: rules and limits that go by address say nothing about such a peer. */
#pragma once
#include "net/cidr.h"
#include <stdbool.h>
#include <stddef.h>

enum { GATEWAYS_MAX = 8 };

struct gateways {
    unsigned char address[GATEWAYS_MAX][16]; /* as cidr_address gives them */
    size_t count;
};

/* The default gateways in the text of /proc/net/route and of /proc/net/ipv6_route, added to out. */
void gateways_read_ipv4(struct gateways *out, const char *text);
void gateways_read_ipv6(struct gateways *out, const char *text);
/* This container's own; none outside of a container. */
void gateways_find(struct gateways *out);
bool gateways_hide(const struct gateways *g, const unsigned char address[16]);
bool gateways_hide_text(const struct gateways *g, const char *address); /* as cidr_text writes it */
