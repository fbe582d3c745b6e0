/* table: the only place that knows all parsers, and how they are asked. */
#include "parsers/rules.h"
#include "parsers/when.h"
#include <string.h>

#define PARSERS(X)       \
    X(parser_lupusec)    \
    X(parser_contact_id) \
    X(parser_axis)       \
    X(parser_dahua)      \
    X(parser_foscam)     \
    X(parser_hikvision)  \
    X(parser_imported)   \
    X(parser_makers)     \
    X(parser_motioneye)  \
    X(parser_reolink)    \
    X(parser_camera)     \
    X(parser_plain)

#define DECLARE(p) extern const struct parser p; /* NOLINT(bugprone-macro-parentheses) */
PARSERS(DECLARE)
#define ADDRESS(p) &p,
const struct parser *const parsers[] = { PARSERS(ADDRESS) NULL };

/* The best of those not yet tried, earlier in the table on equal score; marks it as tried. NULL: all were. */
static const struct parser *next_best(const struct mail *m, unsigned *tried)
{
    const struct parser *best = NULL;
    int                  best_score = 0;
    unsigned             best_bit = 0;
    for (unsigned i = 0; parsers[i]; i++) {
        int score = *tried >> i & 1U ? 0 : parsers[i]->score(m);
        if (score > best_score) {
            best = parsers[i];
            best_score = score;
            best_bit = 1U << i;
        }
    }
    *tried |= best_bit;
    return best;
}

/* What nobody understands of a panel may be an alarm. */
static void be_careful(const struct mail *m, struct event *ev)
{
    if (m->device && strcmp(m->device->kind, "panel") == 0 && strcmp(ev->kind, "unknown") == 0)
        ev->severity = SEVERITY_ALARM;
}

/* What parsers leave open: who sent it, when by its own clock, what it shows. -1: out of memory. */
static int complete(const struct mail *m, struct events *out, const char *device)
{
    for (size_t i = 0; i < out->count; i++) {
        struct event *ev = &out->items[i];
        if (ev->device_id[0] == '\0')
            ev->device_id = device;
        if (ev->device_name[0] == '\0')
            ev->device_name = m->device && m->device->name[0] ? m->device->name : ev->device_id;
        be_careful(m, ev);
        if (!ev->device_time && ev->happened_ms == 0 && when_tell_date(ev, m, out->arena) < 0)
            return -1;
        if (!ev->media && i == 0) {
            ev->media = m->media;
            ev->media_count = m->media_count;
        }
    }
    return 0;
}

static const char *device_of(const struct mail *m, struct arena *a)
{
    return m->device ? m->device->id : envelope_device(m->envelope, m->site->alarm_user, m->site->status_user, a);
}

/* What the owner's rules say of it, else what the best parser says that can read it. -1: out of memory. */
static int read_events(const struct mail *m, struct events *out, struct err *e)
{
    size_t               before = out->count;
    unsigned             tried = 0;
    const struct parser *p;
    int                  by_rule = m->site->rules ? rules_apply(m->site->rules, m, out, e) : 0;
    if (by_rule != 0)
        return by_rule < 0 ? -1 : 0;
    while ((p = next_best(m, &tried))) {
        out->count = before;
        if (p->parse(m, out, e) < 0 || out->count == before)
            continue;
        out->parser = p->name;
        return 0;
    }
    return -1;
}

int parsers_read(const struct mail *m, struct events *out, struct err *e)
{
    if (read_events(m, out, e) == 0 &&
        complete(m, out, device_of(m, out->arena)) == 0)
        return 0;
    return err_set(e, ERR_NOMEM, "no room for an event");
}
