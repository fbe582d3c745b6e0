/* device_settings: the block Devices: by what a device is recognised, and how it is treated. Immutable after start.
 *
 *   "Devices": { "front": { "Name": "Front door", "Kind": "camera", "Profile": "reolink", "TimeZone": "Europe/Vienna",
 *                           "Language": "de", "Recipients": [ "anna" ], "Match": { "Login": "cam1", "Address": "192.168.1.5" } } }
 *
 * Each key of Match is one text or a list; they are alternatives. Without Match the device is who by its login, recipient, sender
 * or address has this id (envelope_device). A user of Smtp:Users that names a Device is a Login of it. */
#pragma once
#include "core/envelope.h"
#include "net/cidr.h"
#include "service/people.h"

enum { DEVICE_TEXT_MAX = 64 }; /* bytes of an id or a name */

/* In the order in which they are asked; the address comes last. */
enum device_key { DEVICE_LOGIN, DEVICE_RECIPIENT, DEVICE_SENDER, DEVICE_HELO, DEVICE_KEYS };

struct device_patterns {
    const char *const *items;
    size_t             count;
};

struct device_setting {
    const char *id;
    const char *name, *kind, *profile, *time_zone, *language; /* "" = not set; kind: "panel", "camera", "recorder" */
    struct device_patterns match[DEVICE_KEYS];
    struct cidr_list       addresses;
};
struct device_settings {
    const struct device_setting *items; /* in the order of the block */
    size_t                       count;
    const char *const           *zones; /* all that they name, each once; NULL ends */
};

/* What is wrong is added to m and left out; the rest works. Who is told of which device goes into people. -1 only when the arena
 * is full. */
int device_settings_read(const struct conf *root, struct people *people, struct arena *a, struct mistakes *m,
                         struct device_settings *out) MUST_CHECK;

/* By the first kind of key that fits any device, in the order of enum device_key and then the address; of one kind the first
 * device in the block. has_address false: env->peer is not the device's own (a gateway hid it). NULL: none. */
const struct device_setting *device_settings_match(const struct device_settings *d, const struct envelope *env, bool has_address);
/* The one with this id, without regard to case; NULL: none. */
const struct device_setting *device_settings_find(const struct device_settings *d, const char *id);
/* The first whose Match:Address holds this one and that has what is asked for. */
const struct device_setting *device_settings_at(const struct device_settings *d, const char *address,
                                                bool (*is_wanted)(const struct device_setting *));
