/* devices_inside: what the registry's three files share; nobody else includes it.
 *   devices.c        entries: who is recognised, what a mail says of its device
 *   devices_heard.c  conversations that have ended
 *   devices_write.c  what was known at the start, what is written, the owner's name */
#pragma once
#include "service/devices.h"
#include <pthread.h>

enum {
    DEVICES_MAX = 2000, /* beyond that nobody is remembered: a stranger may call himself anything */
    ADDRESS_BYTES = 48,
    ERROR_BYTES = 200,
    PENDING_MAX = 128,        /* conversations that wait to be written */
};

struct entry {
    uint32_t hash; /* of the id */
    char     id[DEVICE_TEXT_MAX + 1], self_name[DEVICE_TEXT_MAX + 1], owner_name[DEVICE_TEXT_MAX + 1];
    const struct device_setting *setting; /* NULL: not in the settings            */
    const char *learned_kind;             /* "", "panel", "camera": ours          */
    char        address[ADDRESS_BYTES];
    int64_t     seen_ms;
    bool        is_clock_off;
    char        last_error[ERROR_BYTES + 1]; /* "" = none since the start */
    int64_t     last_error_ms;
    bool        is_changed; /* its row is to be written */
};

struct conversation {
    char    id[DEVICE_TEXT_MAX + 1], peer[ADDRESS_BYTES];
    int64_t at_ms;
    char   *body;
};

struct devices {
    struct devices_options o;
    struct store          *store;
    pthread_mutex_t        lock; /* guards the rest, and what entries hold */
    pthread_cond_t         written;
    struct entry          *entries[DEVICES_MAX];
    size_t                 count;
    struct conversation    pending[PENDING_MAX]; /* oldest first */
    size_t                 pending_count;
    bool                   is_writing;
    int64_t                written_ms; /* when the last operation was begun; monotonic */
};

/* --- devices_write.c ------------------------------------------------------------------------------------------- */

/* Not again within a second: of what a device says all the time most is then never written. Without the lock. */
void devices_write_soon(struct devices *d);

/* --- devices.c, with the lock but where said ------------------------------------------------------------------- */

struct entry *entry_find(const struct devices *d, const char *id);
struct entry *entry_make(struct devices *d, const char *id); /* NULL: the table is full, or memory */
void          entry_set_text(char *out, size_t max, const char *text); /* whole characters only; out has room for max and a NUL */
bool          entry_is_named_by_settings(const struct entry *one);
const char   *entry_name(const struct entry *one); /* as people see it */
const char   *entry_kind(const struct entry *one);
void          entry_note_error(struct entry *one, int64_t wall_ms, const char *text);
/* Who was last heard from there, of those that are wanted. */
const struct entry *entry_last_at(const struct devices *d, const char *address, bool (*is_wanted)(const struct entry *));
bool devices_hide(const struct devices *d, const char *address); /* without the lock, too */
/* The id that stands for this envelope: of the settings, else drawn from it. Without the lock, too. */
void devices_draw_id(const struct devices *d, const struct envelope *env, char out[DEVICE_TEXT_MAX + 1]);
