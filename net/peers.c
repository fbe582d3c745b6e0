/* peers: a chained hash table. Only addresses that passed Smtp:AllowFrom come in, and only as many as there are connections. */
#include "net/peers.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256 };

struct peer {
    struct peer *next;
    size_t count;
    unsigned char address[16];
};

struct peers {
    struct peer *buckets[BUCKETS];
};

struct peers *peers_new(void)
{
    return calloc(1, sizeof(struct peers));
}

void peers_free(struct peers **pp)
{
    struct peers *p = TAKE(*pp);
    for (size_t i = 0; p && i < BUCKETS; i++)
        while (p->buckets[i]) {
            struct peer *next = p->buckets[i]->next;
            free(p->buckets[i]);
            p->buckets[i] = next;
        }
    free(p);
}

static size_t bucket_of(const unsigned char address[16])
{
    uint32_t h = 2166136261U; /* FNV-1a */
    for (int i = 0; i < 16; i++)
        h = (h ^ address[i]) * 16777619U;
    return (h ^ (h >> 16)) % BUCKETS;
}

/* The place that points to the address, or to NULL at the end of its chain. */
static struct peer **find(struct peers *p, const unsigned char address[16])
{
    struct peer **at = &p->buckets[bucket_of(address)];
    while (*at && memcmp((*at)->address, address, sizeof(*at)->address) != 0)
        at = &(*at)->next;
    return at;
}

int peers_add(struct peers *p, const unsigned char address[16])
{
    struct peer **at = find(p, address);
    if (!*at && !(*at = calloc(1, sizeof **at)))
        return -1;
    memcpy((*at)->address, address, sizeof(*at)->address);
    (*at)->count++;
    return 0;
}

void peers_remove(struct peers *p, const unsigned char address[16])
{
    struct peer **at = find(p, address);
    struct peer *peer = *at;
    if (!peer || --peer->count > 0)
        return;
    *at = peer->next;
    free(peer);
}

size_t peers_count(const struct peers *p, const unsigned char address[16])
{
    for (const struct peer *peer = p->buckets[bucket_of(address)]; peer; peer = peer->next)
        if (memcmp(peer->address, address, sizeof peer->address) == 0)
            return peer->count;
    return 0;
}

const unsigned char *peers_heaviest(const struct peers *p, size_t *count_out)
{
    const struct peer *heaviest = NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct peer *peer = p->buckets[i]; peer; peer = peer->next)
            if (!heaviest || peer->count > heaviest->count)
                heaviest = peer;
    *count_out = heaviest ? heaviest->count : 0;
    return heaviest ? heaviest->address : NULL;
}
