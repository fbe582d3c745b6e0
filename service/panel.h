/* panel: the sensor list of a Lupusec XT1, as its web page gives it (GET /action/sensorListGet): JavaScript in a comment wrapper, not
 * JSON. Pure: text in, sensors out. Source: docs/devices/lupusec.md. */
#pragma once
#include "core/arena.h"
#include "core/buf.h"

struct sensor {
    int         number; /* 0 = not told */
    const char *type, *name, *condition, *battery, *tamper, *bypass; /* never NULL; as the panel words them */
};

/* Strings in the arena. ERR_INPUT: it is no such list; ERR_NOMEM. */
int panel_read(const char *text, size_t n, struct arena *a, struct sensor **sensors_out, size_t *count_out, struct err *e) MUST_CHECK;

bool sensor_has_low_battery(const struct sensor *s); /* battery and tamper are empty while all is well */
bool sensor_is_tampered(const struct sensor *s);

/* The list as a Markdown table. */
void panel_table(const struct sensor *sensors, size_t count, const char *language, struct buf *out);
