/* plain: takes what no other parser knows, so that nothing is lost by being misunderstood (law 2). */
#include "parsers/summary.h"

static int score(const struct mail *m)
{
    (void)m;
    return 1;
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    struct event *ev = events_add(out, "unknown");
    const char   *text = mail_summary(m, out->arena);
    if (!ev || !text)
        return err_set(e, ERR_NOMEM, "no room for the event");
    ev->text = text;
    if (envelope_is_for(m->envelope, m->site->alarm_user))
        ev->severity = SEVERITY_ALARM; /* who sends there means an alarm, in whatever words */
    return 0;
}

const struct parser parser_plain = { "plain", score, parse };
