/* relay_acts: links events of the same act (acts.h) as they are kept. All of it runs inside the transaction that keeps them, so that
 * an event it finds is one that is there: the memory may know one whose transaction was undone, the database does not. */
#include "service/relay_inside.h"
#include "store/links.h"
#include <string.h>

enum { ENVELOPES_MAX = 4 << 20 }; /* of the events that a start remembers */

static bool read_act(const struct relay *r, const struct event *ev, struct act_source *from, struct act *out)
{
    from->alarm_user = r->options.alarm_user ? r->options.alarm_user : "";
    from->status_user = r->options.status_user ? r->options.status_user : "";
    return act_of(ev, from, out);
}

/* --- what the last run told ----------------------------------------------------------------------------------- */

struct loading {
    struct relay *relay;
    struct arena  arena;
};

/* One that cannot be read is not found again: then somebody is told twice. */
static int load_act(void *user, const struct link_row *row)
{
    struct loading *l = user;
    struct err      e;
    struct act      act;
    struct envelope envelope;
    CLEANUP(json_free) struct json *object = row->envelope ? json_parse(row->envelope, strlen(row->envelope), &e) : NULL;
    if (!object || envelope_read(object, &l->arena, &envelope) < 0)
        return 0;
    struct act_source from = { .envelope = &envelope, .parser = row->parser, .arrival = row->arrival, .received_ms = row->received_ms };
    if (read_act(l->relay, &row->event, &from, &act)) {
        act.seq = row->seq;
        act.first = row->same_as;
        acts_add(&l->relay->acts, &act);
    }
    return 0;
}

static int load_once(struct store_tx *tx, struct relay *r, struct err *e)
{
    if (r->acts.is_loaded)
        return 0;
    struct loading l = { .relay = r };
    arena_init(&l.arena, ENVELOPES_MAX);
    r->acts = (struct acts){ .added = 0 };
    int failed = tx_recent_events(tx, ACTS_MAX, load_act, &l, e);
    arena_done(&l.arena);
    r->acts.is_loaded = failed == 0;
    return failed;
}

/* --- linking -------------------------------------------------------------------------------------------------- */

static int link_one(struct store_tx *tx, struct relay *r, const struct source *source, struct event *ev, int64_t seq,
                    int64_t same_out[ACT_MEMBERS_MAX], struct err *e)
{
    const struct understanding *u = source->u;
    struct act_source from = {
        .envelope = &u->envelope, .parser = source->origin.parser, .arrival = u->arrival_seq, .received_ms = u->received_ms
    };
    struct act act;
    if (!read_act(r, ev, &from, &act))
        return 0;
    const struct act *first = acts_find(&r->acts, &act, r->options.same_act_seconds * 1000);
    int               linked = first ? tx_event_link(tx, seq, first->seq, first->id, e) : 0;
    if (linked < 0)
        return -1;
    act.seq = seq;
    if (linked > 0) {
        act.first = first->seq;
        memcpy(ev->same_as, first->id, sizeof ev->same_as);
        (void)acts_members(&r->acts, first, same_out);
    }
    acts_add(&r->acts, &act);
    return 0;
}

void relay_unlink(struct understanding *u)
{
    for (size_t i = 0; i < u->events.count; i++)
        u->events.items[i].same_as[0] = '\0';
}

int relay_link(struct store_tx *tx, struct relay *r, struct source *source, const int64_t *seqs, const bool *is_new,
               int64_t (*same_out)[ACT_MEMBERS_MAX], struct err *e)
{
    struct understanding *u = source->u;
    if (r->options.same_act_seconds <= 0 || u->arrival_seq == 0 || u->only_recipient)
        return 0;
    if (load_once(tx, r, e) < 0)
        return -1;
    acts_forget(&r->acts, u->arrival_seq); /* of an earlier try, or just loaded */
    for (size_t i = 0; i < u->events.count; i++)
        if (is_new[i] && link_one(tx, r, source, &u->events.items[i], seqs[i], same_out[i], e) < 0)
            return -1;
    return 0;
}

int relay_is_covered(struct store_tx *tx, const int64_t same[ACT_MEMBERS_MAX], const char *recipient, enum severity severity,
                     struct err *e)
{
    int told = 0;
    for (size_t i = 0; i < ACT_MEMBERS_MAX && same[i] != 0 && told == 0; i++)
        told = tx_is_told(tx, same[i], recipient, severity, e);
    return told;
}
