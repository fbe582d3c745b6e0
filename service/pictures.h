/* pictures: which pictures go with a message, and their bytes, decoded from the arrivals (law 3). What a message shows follows from
 * its members and its account alone, so every attempt shows the same. */
#pragma once
#include "providers/provider.h"
#include "store/store.h"

enum { PICTURES_MAX = 10 };
/* More than this in all: the text goes first, the pictures follow as the next message. */
static const int64_t PICTURES_WITH_TEXT_MAX = 1000 * 1000;
/* Of all messages of pictures that are on their way; a single one may have as much. */
static const int64_t PICTURES_IN_FLIGHT_MAX = 20 * 1000 * 1000;

struct pictures {
    struct picture {
        const char *arrival; /* id */
        const struct media *media;
    } items[PICTURES_MAX];
    size_t count;
    int64_t bytes;
};
/* One event: its pictures; several: the first of each. Only what the account takes. Points into events and origins. */
void pictures_choose(const struct account *a, const struct event *const *events, const struct event_origin *const *origins,
                     size_t event_count, struct pictures *out);

struct pictures_loaded {
    struct message_media items[PICTURES_MAX];
    void *blocks[PICTURES_MAX];
    size_t count;
};
/* What can still be read; a picture that cannot is left out, and said in the log. */
void pictures_load(struct store_reader *r, const struct pictures *p, struct pictures_loaded *out);
void pictures_drop(struct pictures_loaded *l); /* also the CLEANUP handler */
