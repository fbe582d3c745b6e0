/* id: chance comes from the kernel, in one read for many ids. */
#include "core/id.h"
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER; /* guards pool and pool_used */
static unsigned char   pool[2560];
static size_t          pool_used = sizeof pool;

static void take_random(unsigned char out[10])
{
    (void)pthread_mutex_lock(&pool_lock);
    if (pool_used + 10 > sizeof pool) {
        size_t have = 0;
        while (have < sizeof pool) {
            ssize_t n = getrandom(pool + have, sizeof pool - have, 0);
            if (n > 0)
                have += (size_t)n;
        }
        pool_used = 0;
    }
    memcpy(out, pool + pool_used, 10);
    pool_used += 10;
    (void)pthread_mutex_unlock(&pool_lock);
}

const char *id_from(char out[ID_TEXT], int64_t wall_ms, const unsigned char bits[10])
{
    uint64_t ms = wall_ms < 0 ? 0 : (uint64_t)wall_ms & 0xFFFFFFFFFFFFU;
    for (int i = 9; i >= 0; i--, ms >>= 5)
        out[i] = alphabet[ms & 31];
    unsigned gathered = 0;
    int      held = 0, next = 10;
    for (size_t i = 0; i < 10; i++) {
        gathered = gathered << 8 | bits[i];
        held += 8;
        while (held >= 5) {
            held -= 5;
            out[next++] = alphabet[(gathered >> held) & 31];
        }
    }
    out[26] = '\0';
    return out;
}

const char *id_make(char out[ID_TEXT], int64_t wall_ms)
{
    unsigned char random[10];
    take_random(random);
    return id_from(out, wall_ms, random);
}

bool id_is_valid(const char *text)
{
    return strlen(text) == 26 && strspn(text, alphabet) == 26 && text[0] <= '7';
}
