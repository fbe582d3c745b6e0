/* wrong: a leaky bucket for each address. */
#include "api/wrong.h"
#include "core/attr.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

enum { HALF = 8 };

static void address_of(const char *peer, unsigned char out[16])
{
    struct in6_addr v6;
    memset(out, 0, 16);
    if (inet_pton(AF_INET6, peer, &v6) == 1)
        memcpy(out, &v6, IN6_IS_ADDR_V4MAPPED(&v6) ? 16 : HALF);
    else if (inet_pton(AF_INET, peer, out + 12) == 1)
        out[10] = out[11] = 0xff;
}

static const struct wrong_place *find(const struct wrong *w, const unsigned char address[16])
{
    for (size_t i = 0; i < COUNT(w->places); i++)
        if (w->places[i].paid_ms != 0 && memcmp(w->places[i].address, address, 16) == 0)
            return &w->places[i];
    return NULL;
}

int wrong_wait_seconds(const struct wrong *w, const char *peer, int64_t mono_ms)
{
    unsigned char address[16];
    address_of(peer, address);
    const struct wrong_place *one = find(w, address);
    int64_t                   over = one ? one->paid_ms - mono_ms - (int64_t)(WRONG_AT_ONCE - 1) * WRONG_EVERY_MS : 0;
    return over > 0 ? (int)((over + 999) / 1000) : 0;
}

/* Its place, else the one that is worked off first. */
static struct wrong_place *place_for(struct wrong *w, const unsigned char address[16])
{
    const struct wrong_place *one = find(w, address);
    size_t                    first = 0;
    if (one)
        return &w->places[one - w->places];
    for (size_t i = 1; i < COUNT(w->places); i++)
        if (w->places[i].paid_ms < w->places[first].paid_ms)
            first = i;
    w->places[first] = (struct wrong_place){ .paid_ms = 0 };
    memcpy(w->places[first].address, address, 16);
    return &w->places[first];
}

void wrong_add(struct wrong *w, const char *peer, int64_t mono_ms)
{
    unsigned char address[16];
    address_of(peer, address);
    struct wrong_place *one = place_for(w, address);
    one->paid_ms = (one->paid_ms > mono_ms ? one->paid_ms : mono_ms) + WRONG_EVERY_MS;
}
