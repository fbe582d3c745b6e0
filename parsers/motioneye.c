/* motioneye: the one mail of motionEye, a template of its program:
 *   Motion has been detected by camera "<camera>/<host>" at <YYYY-MM-DD HH:MM:SS> (<zone>).
 * Facts: docs/devices/motioneye.md, samples: tests/data/motioneye/. */
#include "parsers/lexicon.h"
#include "parsers/zone.h"
#include <string.h>

static const char in_subject[] = "motionEye: motion detected by \"";
static const char in_text[] = "Motion has been detected by camera \"";

/* Where what stands between the quotes begins; NULL: not there. */
static const char *find(const char *text, const char *before)
{
    const char *at = strstr(text, before);
    return at ? at + strlen(before) : NULL;
}

static int score(const struct mail *m)
{
    return find(m->subject, in_subject) || find(m->text, in_text) ? 90 : 0;
}

/* The last c in the line at s, before `before` where that is not NULL; NULL: none. Names may hold quotes and slashes themselves. */
static const char *last_in_line(const char *s, char c, const char *before)
{
    const char *end = s + strcspn(s, "\n");
    return memrchr(s, c, (size_t)((before && before < end ? before : end) - s));
}

/* Up to the slash before the host, in the subject up to the last quote. NULL: no room. */
static const char *camera_name(const struct mail *m, struct arena *a)
{
    const char *text = find(m->text, in_text), *at = text ? text : find(m->subject, in_subject);
    const char *end = text ? strstr(text, "\" at ") : last_in_line(at, '"', NULL);
    end = text && end ? last_in_line(at, '/', end) : end;
    return arena_copy(a, at, end && end > at ? (size_t)(end - at) : strcspn(at, "\"\n"));
}

/* Its host's zone, where this machine knows it; else the device's own or the site's. */
static const struct zone *zone_of(const struct mail *m, const char *at, struct arena *a)
{
    const char *open = strchr(at, '('), *close = open ? strchr(open, ')') : NULL;
    const char *name = close ? arena_copy(a, open + 1, (size_t)(close - open) - 1) : NULL;
    const struct zone *zone = name ? zone_find(name) : NULL;
    return zone || !m->device ? zone : m->device->zone;
}

static int tell_time(const struct mail *m, struct event *ev, struct arena *a)
{
    const char *text = find(m->text, in_text), *at = text ? strstr(text, "\" at ") : NULL;
    struct when when;
    if (!at || when_read(at + 5, WHEN_DAY_FIRST, &when) == 0)
        return 0;
    struct parser_device device = { .id = "", .name = "", .kind = "", .language = "", .zone = zone_of(m, at, a) };
    struct mail          zoned = *m;
    zoned.device = &device;
    return when_tell(ev, &zoned, &when, a);
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    char folded[LEXICON_FOLDED];
    lexicon_fold(m, folded);
    struct event *ev = lexicon_event(m, "camera.motion", folded, out, e);
    const char   *name = camera_name(m, out->arena);
    if (!ev || !name || tell_time(m, ev, out->arena) < 0)
        return err_set(e, ERR_NOMEM, "no room for the event");
    ev->device_name = name;
    return 0;
}

const struct parser parser_motioneye = { "motioneye", score, parse };
