/* rates: see rates.h. Looked up only where the limit is set, so a walk over the places is cheap enough. */
#include "net/rates.h"
#include <string.h>

enum { MINUTE_MS = 60 * 1000, MAIL = MINUTE_MS };

static int64_t left_at(const struct rate *place, int64_t per_minute, int64_t mono_ms)
{
    int64_t passed = mono_ms - place->at_ms, full = per_minute * MAIL;
    if (passed >= MINUTE_MS)
        return full;
    int64_t left = place->left + (passed > 0 ? passed : 0) * per_minute;
    return left < full ? left : full;
}

static struct rate *find(struct rates *r, const unsigned char address[16])
{
    for (size_t i = 0; i < r->count; i++)
        if (memcmp(r->places[i].address, address, sizeof r->places[i].address) == 0)
            return &r->places[i];
    return NULL;
}

/* A place never used, or of the address that has sent least. */
static struct rate *free_place(struct rates *r, int64_t per_minute, int64_t mono_ms)
{
    if (r->count < RATES_PLACES)
        return &r->places[r->count++];
    struct rate *least = &r->places[0];
    for (size_t i = 1; i < r->count; i++)
        if (left_at(&r->places[i], per_minute, mono_ms) > left_at(least, per_minute, mono_ms))
            least = &r->places[i];
    return least;
}

bool rates_take(struct rates *r, const unsigned char address[16], int64_t per_minute, int64_t mono_ms)
{
    struct rate *place = find(r, address);
    if (!place) {
        place = free_place(r, per_minute, mono_ms);
        memcpy(place->address, address, sizeof place->address);
        place->left = per_minute * MAIL;
        place->at_ms = mono_ms;
    }
    place->left = left_at(place, per_minute, mono_ms);
    place->at_ms = mono_ms;
    if (place->left < MAIL)
        return false;
    place->left -= MAIL;
    return true;
}
