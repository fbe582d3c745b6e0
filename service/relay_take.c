/* relay_take: what was understood becomes, in one transaction: the arrival's new state, its events, who is owed them, and for
 * lanes that are free the message with its first attempt. So from the end of a mail to the provider there are two syncs. */
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/metrics.h"
#include "service/health.h"
#include "service/relay_inside.h"
#include "service/route.h"
#include "store/quotes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One delivery to be: an event, a recipient, and the free lane's message that carries it (or NULL: it waits). */
struct owed {
    size_t             event; /* index */
    struct station    *station;
    struct flight     *flight;
    struct outbox_debt row;
    int                leg; /* index in the flight */
};

struct take {
    struct relay_op     o;
    struct source      *source;
    struct outbox_turn  turn;
    struct owed        *owed;
    size_t              owed_count, owed_cap;
    struct flight      *flights[ROUTE_TOLD_MAX];
    size_t              flight_count;
    int64_t             seqs[EVENTS_MAX];
    bool                is_new[EVENTS_MAX];
    int64_t             same[EVENTS_MAX][ACT_MEMBERS_MAX]; /* events that told the same act before; 0 ends them */
    bool                is_told; /* apply() made deliveries */
};

static void take_free(struct take *t)
{
    source_drop(&t->source);
    free(t->owed);
    free(t);
}

/* --- planning (relay's thread) ------------------------------------------------------------------------------ */

/* Of the whole account. Who waits for one already, and is as severe, comes first. */
static bool has_token(struct relay *r, const struct station *s, enum severity severity, int64_t run_ms)
{
    struct account_state *account = relay_account(r, s->account);
    return account->waiting < (int)severity && bucket_has(&account->bucket, run_ms);
}

/* The message of this take that goes through the station, for events of this severity; begun where the lane is free. */
static struct flight *flight_for(struct relay *r, struct take *t, struct station *s, enum severity severity, const struct manner *manner)
{
    for (size_t i = 0; i < t->flight_count; i++)
        if (t->flights[i]->station == s)
            return t->flights[i]->row.severity == severity && t->flights[i]->leg_count < OUTBOX_MEMBERS_MAX &&
                           manner_equals(&t->flights[i]->manner, manner)
                       ? t->flights[i]
                       : NULL;
    if (r->is_ending || t->flight_count == COUNT(t->flights) || !lane_is_free(&s->lane, severity, t->turn.run_ms) ||
        !has_token(r, s, severity, t->turn.run_ms))
        return NULL;
    struct flight *f = flight_new(r, s, t->source, severity);
    if (!f)
        return NULL;
    f->manner = *manner;
    if (t->source->u->kept_mono_ms > 0)
        f->since_run_ms -= clock_mono_ms() - t->source->u->kept_mono_ms;
    s->lane.is_busy = true;
    relay_take_tokens(r, s, t->turn.run_ms);
    t->flights[t->flight_count++] = f;
    return f;
}

static struct owed *add_owed(struct take *t)
{
    if (t->owed_count == t->owed_cap) {
        size_t       cap = t->owed_cap ? t->owed_cap * 2 : 8;
        struct owed *grown = realloc(t->owed, cap * sizeof *grown);
        if (!grown)
            return NULL;
        t->owed = grown;
        t->owed_cap = cap;
    }
    return &t->owed[t->owed_count++];
}

/* The first way that is not to be left out; -1: there is none. */
static int first_way(const struct understanding *u, const struct recipient *who)
{
    for (size_t i = 0; i < who->way_count; i++)
        if (who->ways[i].account != u->except || (u->except_address && strcmp(who->ways[i].address, u->except_address) != 0))
            return (int)i;
    return -1;
}

bool relay_may_go(const struct understanding *u, const struct recipient *who)
{
    return first_way(u, who) >= 0;
}

static int plan_one(struct relay *r, struct take *t, size_t event, const struct told *told)
{
    const struct event *ev = &t->source->u->events.items[event];
    int                 first = first_way(t->source->u, told->recipient);
    if (first < 0)
        return 0;
    const struct way *way = &told->recipient->ways[first];
    struct station   *s = relay_station(r, way->account, way->address);
    struct owed        *one = s ? add_owed(t) : NULL;
    if (!one)
        return -1;
    *one = (struct owed){
        .event = event,
        .station = s,
        .flight = relay_is_out(relay_account(r, way->account)) ? NULL : flight_for(r, t, s, ev->severity, &told->recipient->manner),
        .row = { .recipient = told->recipient->name, .severity = ev->severity, .title = told->title, .priority = told->priority,
                 .way = first },
    };
    (void)id_make(one->row.id, t->turn.wall_ms);
    if (!one->flight)
        return 0;
    one->leg = (int)one->flight->leg_count;
    if (flight_add(one->flight, (struct outbox_leg){ 0 }, ev, &t->source->origin) < 0)
        one->flight = NULL;
    return 0;
}

static bool is_any_reached(const struct understanding *u, const struct told *told, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (relay_may_go(u, told[i].recipient))
            return true;
    return false;
}

static int plan_event(struct relay *r, struct take *t, size_t event)
{
    struct understanding *u = t->source->u;
    struct event         *ev = &u->events.items[event];
    ev->severity = route_severity(ev, &u->envelope, r->options.alarm_user);
    if (u->is_untold)
        return 0;
    bool        is_for_all = u->except || (u->parser && strcmp(u->parser, "drill") == 0);
    struct told told[ROUTE_TOLD_MAX];
    size_t      count = route_event(r->options.people, ev, &u->envelope, is_for_all, u->only_recipient, told);
    if (u->except && count > 0 && !is_any_reached(u, told, count)) /* only they who cannot be told: then all the others */
        count = route_everybody(r->options.people, told);
    for (size_t i = 0; i < count; i++)
        if (plan_one(r, t, event, &told[i]) < 0)
            return -1;
    return 0;
}

/* Its text, with the title and priority of the first of its deliveries whose route names any. */
static int compose(struct take *t, struct flight *f)
{
    const char *title = NULL;
    int         priority = PRIORITY_NONE;
    if (flight_fit(f) < 0)
        return -1;
    for (size_t i = 0; i < t->owed_count; i++) {
        if (t->owed[i].flight != f)
            continue;
        if ((size_t)t->owed[i].leg >= f->leg_count) {
            t->owed[i].flight = NULL; /* it did not fit: it waits */
            continue;
        }
        title = title ? title : t->owed[i].row.title;
        priority = priority != PRIORITY_NONE ? priority : t->owed[i].row.priority;
    }
    return flight_compose(f, title, priority);
}

/* Most severe first, so that a free lane takes the gravest of an arrival's events. */
static void sort_by_severity(const struct events *events, size_t order[EVENTS_MAX])
{
    size_t n = 0;
    for (int s = SEVERITIES - 1; s >= 0; s--)
        for (size_t i = 0; i < events->count && i < EVENTS_MAX; i++)
            if ((int)events->items[i].severity == s)
                order[n++] = i;
}

/* --- the transaction (writer's thread) ---------------------------------------------------------------------- */

/* Whether its events are news: the arrival was not told before (then they are only corrected). 1, 0, -1. Late: nothing is to be written,
 * since it was read in the meantime, or erased, or what it quotes was. */
static int is_news(struct store_tx *tx, const struct understanding *u, bool *is_late_out, struct err *e)
{
    *is_late_out = false;
    if (u->quotes) {
        int may = tx_may_quote(tx, u->quotes, e);
        *is_late_out = may == 0;
        return may < 0 ? -1 : 1;
    }
    if (u->arrival_seq == 0)
        return 1;
    enum arrival_state before = ARRIVAL_KEPT;
    int                found = tx_arrival_state_now(tx, u->arrival_seq, &before, e);
    if (found < 0)
        return -1;
    *is_late_out = found == 0 || (before >= ARRIVAL_UNDERSTOOD && u->state == ARRIVAL_TOLD);
    return before == ARRIVAL_KEPT;
}

static int keep_debts(struct store_tx *tx, struct take *t, struct err *e)
{
    for (size_t i = 0; i < t->owed_count; i++) {
        struct owed *one = &t->owed[i];
        if (!t->is_new[one->event])
            continue;
        int covered = relay_is_covered(tx, t->same[one->event], one->row.recipient, one->row.severity, e);
        if (covered < 0)
            return -1;
        if (covered > 0)
            continue;
        one->row.event = t->seqs[one->event];
        if (tx_delivery_add(tx, &t->turn, &one->row, e) < 0)
            return -1;
        if (one->flight)
            one->flight->legs[one->leg].delivery = one->row.delivery;
    }
    return 0;
}

static bool is_whole(const struct flight *f)
{
    for (size_t i = 0; i < f->leg_count; i++)
        if (f->legs[i].delivery == 0)
            return false;
    return true;
}

static int keep_attempts(struct store_tx *tx, struct take *t, struct err *e)
{
    for (size_t i = 0; i < t->flight_count; i++) {
        struct flight *f = t->flights[i];
        int            made = is_whole(f) ? tx_message_add(tx, &t->turn, &f->row, f->legs, f->leg_count, e) : 0;
        if (made < 0)
            return -1;
        f->is_made = made > 0;
    }
    return 0;
}

static void forget_earlier_try(struct take *t)
{
    t->is_told = false;
    for (size_t i = 0; i < t->flight_count; i++) {
        t->flights[i]->is_made = false;
        for (size_t k = 0; k < t->flights[i]->leg_count; k++)
            t->flights[i]->legs[k].delivery = 0;
    }
    memset(t->is_new, 0, sizeof t->is_new);
    memset(t->same, 0, sizeof t->same);
    relay_unlink(t->source->u);
}

static int note_device(struct store_tx *tx, const struct understanding *u, struct err *e)
{
    const char *device = u->arrival_seq && u->events.count > 0 ? u->events.items[0].device_id : "";
    return device && device[0] ? tx_device_seen(tx, device, u->envelope.peer, u->received_ms, e) : 0;
}

static int take_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct take          *t = (struct take *)op;
    struct understanding *u = t->source->u;
    bool                  is_late;
    forget_earlier_try(t);
    int news = is_news(tx, u, &is_late, e);
    if (news < 0)
        return -1;
    if (is_late)
        return 0;
    if (tx_events(tx, u->arrival_seq, &t->source->origin, &u->events, t->seqs, t->is_new, e) < 0)
        return -1;
    if (u->quotes && tx_quote(tx, t->seqs[0], u->quotes, e) < 0)
        return -1;
    FAULT("relay.events_written");
    if (u->arrival_seq && tx_arrival_state(tx, u->arrival_seq, u->state, u->parser, u->subject, e) < 0)
        return -1;
    if (note_device(tx, u, e) < 0)
        return -1;
    t->is_told = news > 0;
    if (!t->is_told)
        return 0;
    FAULT("relay.arrival_understood");
    if (relay_link(tx, t->o.relay, t->source, t->seqs, t->is_new, t->same, e) < 0 || keep_debts(tx, t, e) < 0)
        return -1;
    FAULT("relay.debts_written");
    return keep_attempts(tx, t, e);
}

/* --- afterwards (relay's thread) ---------------------------------------------------------------------------- */

static void say_event(const struct understanding *u, const struct event *ev)
{
    metrics_add(METRIC_EVENTS, ev->kind, severity_name(ev->severity), 1);
    log_line(LOG_INFO, "event.made", LOG_S("id", ev->id), LOG_S("kind", ev->kind), LOG_S("severity", severity_name(ev->severity)),
             LOG_S("device", ev->device_id && ev->device_id[0] ? ev->device_id : NULL),
             { .key = "zone", .number = ev->zone_number, .text = NULL, .is_text = ev->zone_number < 0 },
             LOG_S("same_as", ev->same_as[0] ? ev->same_as : NULL),
             LOG_S("arrival", u->arrival_id[0] ? u->arrival_id : NULL));
}

static void say_events(const struct take *t)
{
    const struct understanding *u = t->source->u;
    for (size_t i = 0; i < u->events.count; i++)
        if (t->is_new[i])
            say_event(u, &u->events.items[i]);
    if (u->arrival_seq && u->events.count > 0)
        metrics_set(METRIC_DEVICE_LAST_SEEN, u->events.items[0].device_id, NULL, (double)u->received_ms / 1000);
}

static void begin_flights(struct take *t, bool is_kept)
{
    for (size_t i = 0; i < t->flight_count; i++) {
        struct flight *f = t->flights[i];
        if (is_kept && f->is_made) {
            flight_begin(f);
            continue;
        }
        f->station->lane.is_busy = false;
        relay_give_tokens(t->o.relay, f->station);
        flight_free(f);
    }
}

static void wake_lanes(struct take *t)
{
    for (size_t i = 0; i < t->owed_count; i++) {
        struct owed *one = &t->owed[i];
        if (!one->flight || !one->flight->is_made)
            one->station->lane.is_waiting[one->row.severity] = true;
        if (relay_is_out(relay_account(t->o.relay, one->station->account)))
            relay_look_everywhere(t->o.relay); /* the next way has begun */
    }
}

static void take_after(struct relay_op *o, const struct err *failed)
{
    struct take          *t = (struct take *)o;
    struct understanding *u = t->source->u;
    FAULT("relay.events_kept");
    if (failed)
        log_line(LOG_ERROR, "event.not_kept", LOG_S("arrival", u->arrival_id), LOG_S("text", failed->text));
    else
        say_events(t);
    if (!failed && t->is_told)
        wake_lanes(t);
    begin_flights(t, !failed);
    if (u->kept)
        u->kept(u->user, failed);
    if (failed && u->arrival_seq == 0)
        relay_take_later(o->relay, TAKE(t->source->u)); /* nobody else would bring it again */
    take_free(t);
}

void relay_plan(struct relay *r, struct understanding *u)
{
    struct take   *t = calloc(1, sizeof *t);
    struct source *source = t ? source_new(u) : NULL;
    if (!source) {
        free(t);
        if (u->kept)
            u->kept(u->user, &(struct err){ .code = ERR_NOMEM, .text = "out of memory" });
        understanding_free(&u);
        return;
    }
    t->source = source;
    t->o = (struct relay_op){ .op = { .rank = STORE_EVENT, .apply = take_apply }, .after = take_after };
    t->turn = relay_turn(r);
    t->source->origin = (struct event_origin){
        .site = r->options.site,
        .arrival = u->arrival_seq ? u->arrival_id : NULL,
        .parser = u->parser ? u->parser : "postern",
        .received_ms = u->received_ms,
    };
    size_t order[EVENTS_MAX];
    sort_by_severity(&u->events, order);
    bool has_room = true;
    for (size_t i = 0; i < u->events.count && i < EVENTS_MAX; i++)
        has_room = plan_event(r, t, order[i]) == 0 && has_room;
    for (size_t i = 0; i < t->flight_count; i++)
        has_room = compose(t, t->flights[i]) == 0 && has_room;
    if (!has_room) {
        take_after(&t->o, &(struct err){ .code = ERR_NOMEM, .text = "out of memory" });
        return;
    }
    relay_submit(r, &t->o);
}
