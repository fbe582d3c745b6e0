/* devices: the registry: who every mail and every conversation is from. In memory, so that a mail is recognised in microseconds;
 * what changes is written within a second. What the settings say of a device wins over the owner's word (PATCH), that over
 * what it says of itself. Any thread, but where said. */
#pragma once
#include "service/device_settings.h"
#include "store/store.h"

struct devices;
struct transcript;

struct devices_options { /* must outlive the registry */
    const struct device_settings *settings;
    const char *alarm_user, *status_user;
    int64_t     drift_max_ms; /* a clock further off is told; 0: one day */
    void       *user;
    /* A clock went beyond the bound, or came back; key names device and turn. Inspector's thread. May be NULL. */
    void (*clock)(void *user, const char *key, bool is_right, const char *text);
    /* Whether a gateway hides who speaks from this address (then nobody is recognised by it). May be NULL. */
    bool (*is_hidden)(void *user, const char *address);
};
int devices_open(struct store *s, const struct devices_options *o, struct devices **out, struct err *e) MUST_CHECK;
/* Writes what has changed, if anything; each second, one thread. */
void devices_tick(struct devices *d);
/* Nobody asks any more: writes the rest. Before store_close. */
void devices_close(struct devices **d);

/* Who sent it, as far as we know before it is read. The strings are copies. */
struct device_known {
    char        id[DEVICE_TEXT_MAX + 1], name[DEVICE_TEXT_MAX + 1];
    const char *kind;                 /* by the settings, else by what it has sent; "" */
    const char *language, *time_zone; /* "" = the site's                               */
};
void devices_recognise(struct devices *d, const struct envelope *env, struct device_known *out);

/* What its mail said of it: the events get the name that people see (in their arena), and what is new is remembered. Events of
 * our own (a drill) are left alone. */
void devices_learn(struct devices *d, const struct envelope *env, int64_t received_ms, struct events *events);

/* Its last error: a mail that nobody could read. */
void devices_complain(struct devices *d, const struct envelope *env, int64_t wall_ms, const char *text);
/* A conversation has ended: kept for its device, with what was refused. */
void devices_spoke(struct devices *d, const struct transcript *t);

/* The owner's name for it ("" takes it back); waits for the disk. -1: ERR_NOT_FOUND, ERR_STATE (the settings name it), ERR_INPUT
 * (no name), or not kept. */
int devices_rename(struct devices *d, const char *id, const char *name, struct err *e) MUST_CHECK;

/* Of whoever speaks from this address: the profile that the settings name ("" = none), and whether it is a panel. */
const char *devices_profile(struct devices *d, const char *address);
bool        devices_is_panel(struct devices *d, const char *address);
