/* contact_id_mail: Contact-ID messages in a mail: anywhere in a line when in brackets, without them alone on a line; in the text, or
 * where it has none in the subject. Facts: docs/devices/contact-id.md, samples: tests/data/contact-id/. */
#include "parsers/contact_id.h"
#include "parsers/parser.h"
#include <string.h>

enum { LINES_MAX = 500 };

/* How sure a message is one. A panel's own words (lupusec: 95) name the zone and come before. */
enum { ALONE = 75, IN_BRACKETS = 93 };

typedef int found(void *user, const struct contact_id *c);

/* All messages of a line: how many, or -1 when the caller has enough. */
static int each_of_line(const char *s, size_t n, found *call, void *user)
{
    struct contact_id c;
    int               hits = 0;
    while (n > 0 && (unsigned char)s[n - 1] <= ' ')
        n--;
    for (size_t i = strspn(s, " \t"); i < n;) {
        bool   may_begin = hits == 0 || s[i] == '[' || s[i] == '<';
        size_t taken = may_begin ? contact_id_read(s + i, n - i, &c) : 0;
        if (taken > 0 && call(user, &c) < 0)
            return -1;
        hits += taken > 0;
        i += taken > 0 ? taken : 1;
        if (taken == 0)
            i += strcspn(s + i, "[<\n");
    }
    return hits;
}

static int each(const struct mail *m, found *call, void *user)
{
    const char *const sources[] = { m->text, m->subject };
    int               hits = 0;
    for (size_t i = 0; i < COUNT(sources) && hits == 0; i++) {
        const char *s = sources[i];
        for (int lines = 0; *s && lines < LINES_MAX; lines++) {
            size_t n = strcspn(s, "\n");
            int    more = each_of_line(s, n, call, user);
            if (more < 0)
                return -1;
            hits += more;
            s += n + (s[n] == '\n');
        }
    }
    return hits;
}

static int keep_best(void *user, const struct contact_id *c)
{
    int *best = user, points = c->is_in_brackets || c->sum == CONTACT_ID_SUM_RIGHT ? IN_BRACKETS : ALONE;
    *best = points > *best ? points : *best;
    return 0;
}

static int score(const struct mail *m)
{
    int best = 0;
    (void)each(m, keep_best, &best);
    return best;
}

struct telling {
    const char    *language;
    bool           is_for_alarm;
    struct events *out;
};

/* A full list of events ends the mail, not the reading: what stands above is told. */
static int tell(void *user, const struct contact_id *c)
{
    struct telling *t = user;
    struct event   *ev = contact_id_event(c, t->language, t->out);
    if (ev && t->is_for_alarm && strcmp(ev->kind, "unknown") == 0)
        ev->severity = SEVERITY_ALARM; /* who sends there means an alarm, by whatever code */
    return ev ? 0 : -1;
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    const char    *own = m->device ? m->device->language : "";
    struct telling t = {
        .language = own[0] ? own : m->site->language, .is_for_alarm = envelope_is_for(m->envelope, m->site->alarm_user), .out = out
    };
    (void)each(m, tell, &t);
    return out->count > 0 ? 0 : err_set(e, ERR_INPUT, "no Contact-ID message");
}

const struct parser parser_contact_id = { "contact-id", score, parse };
