/* repeats: see repeats.h. */
#include "net/repeats.h"
#include "core/attr.h"
#include <stddef.h>
#include <string.h>

static bool is_quiet(const struct repeats *r, const struct repeat *place, int64_t mono_ms)
{
    return place->reason && mono_ms - place->said_ms < (r->quiet_ms > 0 ? r->quiet_ms : REPEATS_QUIET_MS);
}

static struct repeat *find(struct repeats *r, const unsigned char address[16], const char *reason)
{
    for (size_t i = 0; i < COUNT(r->places); i++)
        if (r->places[i].reason && strcmp(r->places[i].reason, reason) == 0 && memcmp(r->places[i].address, address, 16) == 0)
            return &r->places[i];
    return NULL;
}

/* A place nobody has spoken from for so long; NULL: none. */
static struct repeat *find_free(struct repeats *r, int64_t mono_ms)
{
    for (size_t i = 0; i < COUNT(r->places); i++)
        if (!is_quiet(r, &r->places[i], mono_ms))
            return &r->places[i];
    return NULL;
}

bool repeats_say(struct repeats *r, const unsigned char address[16], const char *reason, int64_t mono_ms, uint64_t *repeats_out)
{
    struct repeat *place = find(r, address, reason);
    if (place && is_quiet(r, place, mono_ms)) {
        place->unsaid++;
        return false;
    }
    uint64_t unsaid = place ? place->unsaid : 0;
    if (!place)
        place = find_free(r, mono_ms);
    if (!place) {
        r->unsaid_elsewhere++;
        return false;
    }
    *place = (struct repeat){ .reason = reason, .said_ms = mono_ms };
    memcpy(place->address, address, sizeof place->address);
    *repeats_out = unsaid + TAKE(r->unsaid_elsewhere);
    return true;
}
