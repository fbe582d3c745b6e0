/* peers: how many connections each address has open. One thread. */
#pragma once
#include "core/attr.h"
#include <stddef.h>

struct peers;

struct peers *peers_new(void); /* NULL: out of memory */
void peers_free(struct peers **p);

int peers_add(struct peers *p, const unsigned char address[16]) MUST_CHECK; /* -1: out of memory */
void peers_remove(struct peers *p, const unsigned char address[16]);
size_t peers_count(const struct peers *p, const unsigned char address[16]);
/* The address with the most; NULL while there is none. Valid until the next change. */
const unsigned char *peers_heaviest(const struct peers *p, size_t *count_out);
