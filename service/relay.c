/* relay: the thread: what comes in, what is due, what is sent, what the writer has done. See relay_take.c and relay_send.c. */
#include "service/relay.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/turn.h"
#include "service/health.h"
#include "service/mask.h"
#include "service/relay_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 1000, /* nothing is waited for longer: a test's clock may jump */
    STOP_MS = 10000,
    SAY_AGAIN_MS = 3600 * 1000,
    ALIVE_MS = 30000,
    UNDERSTANDING_MAX = 16 << 20,
    CONNECT_SECONDS = 10,
    HOUR_MS = 3600 * 1000,
};

/* --- understandings ----------------------------------------------------------------------------------------- */

struct understanding *understanding_new(void)
{
    struct understanding *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    arena_init(&u->arena, UNDERSTANDING_MAX);
    u->events.arena = &u->arena;
    return u;
}

void understanding_free(struct understanding **u)
{
    if (*u) {
        arena_done(&(*u)->arena);
        free(*u);
    }
    *u = NULL;
}

/* --- small things that all files of the relay use ----------------------------------------------------------- */

struct outbox_turn relay_turn(const struct relay *r)
{
    return (struct outbox_turn){ .rules = &r->rules, .run_ms = store_running_ms(r->store), .wall_ms = clock_wall_ms() };
}

uint32_t relay_chance(struct relay *r)
{
    r->chance ^= r->chance << 13; /* xorshift: jitter needs no better chance */
    r->chance ^= r->chance >> 17;
    r->chance ^= r->chance << 5;
    return r->chance;
}

struct account_state *relay_account(struct relay *r, const struct account *a)
{
    return &r->accounts[a - r->options.people->accounts];
}

struct station *relay_station(struct relay *r, const struct account *a, const char *address)
{
    for (struct station *s = r->stations; s; s = s->next)
        if (s->account == a && strcmp(s->address, address) == 0)
            return s;
    struct station *s = calloc(1, sizeof *s);
    char           *copy = strdup(address);
    if (!s || !copy) {
        free(s);
        free(copy);
        return NULL;
    }
    s->account = a;
    s->address = copy;
    s->lane = lane_make(a->rate_per_minute, a->burst, store_running_ms(r->store));
    s->next = r->stations;
    r->stations = s;
    return s;
}

void relay_take_tokens(struct relay *r, struct station *s, int64_t run_ms)
{
    (void)bucket_take(&s->lane.bucket, run_ms);
    (void)bucket_take(&relay_account(r, s->account)->bucket, run_ms);
}

void relay_give_tokens(struct relay *r, struct station *s)
{
    bucket_give(&s->lane.bucket);
    bucket_give(&relay_account(r, s->account)->bucket);
}

void relay_look_everywhere(struct relay *r)
{
    for (struct station *s = r->stations; s; s = s->next)
        for (int i = 0; i < SEVERITIES; i++)
            s->lane.is_waiting[i] = true;
}

static void ask_to_look(struct relay *r, bool is_erased_from)
{
    (void)pthread_mutex_lock(&r->lock);
    r->is_look_asked = true;
    r->is_erased_from |= is_erased_from;
    (void)pthread_mutex_unlock(&r->lock);
    courier_wake(r->courier);
}

void relay_look_soon(struct relay *r)
{
    ask_to_look(r, false);
}

void relay_erased(struct relay *r)
{
    ask_to_look(r, true);
}

void relay_open_account(struct relay *r, const struct account *a)
{
    int64_t now = store_running_ms(r->store);
    for (struct station *s = r->stations; s; s = s->next) {
        if (s->account != a)
            continue;
        s->lane.shut_until_ms = 0;
        for (int i = 0; i < SEVERITIES; i++)
            if (s->lane.due_ms[i] != LANE_NEVER && s->lane.due_ms[i] > now)
                s->lane.due_ms[i] = now;
    }
}

void relay_log_ended(const struct outbox_end_list *ended, const struct flight *f, int64_t run_ms)
{
    char        masked[MASK_MAX];
    const char *address = f ? mask_address(masked, f->row.address) : NULL;
    for (size_t i = 0; i < ended->count; i++) {
        const struct outbox_ended *one = &ended->items[i];
        metrics_add(METRIC_DELIVERIES, f ? f->row.account : "none", delivery_state_name(one->state), 1);
        log_line(one->state == DELIVERY_SENT ? LOG_INFO : LOG_ERROR, "delivery.ended", LOG_S("id", one->id),
                 LOG_S("recipient", one->recipient), LOG_S("state", delivery_state_name(one->state)),
                 LOG_S("account", f ? f->row.account : NULL), LOG_S("address", address),
                 LOG_S("message", f ? f->row.id : NULL), LOG_I("attempts", f ? f->row.attempts : 0),
                 LOG_I("ms", run_ms - one->created_run_ms),
                 LOG_S("detail", f ? f->outcome.detail : "given up: every way took too long"));
    }
}

/* With the lock. Who puts the first thing in wakes the thread; the others need not: a wake-up is two system calls. */
static bool is_inbox_empty(const struct relay *r)
{
    return !r->first && !r->finished;
}

/* --- operations --------------------------------------------------------------------------------------------- */

/* Writer's thread: back into the inbox. */
static void op_done(struct store_op *op, const struct err *failed)
{
    struct relay_op *o = (struct relay_op *)op;
    struct relay    *r = o->relay;
    o->next = NULL;
    o->has_failed = failed != NULL;
    if (failed)
        o->failed = *failed;
    (void)pthread_mutex_lock(&r->lock);
    bool was_empty = is_inbox_empty(r);
    if (r->last_finished)
        r->last_finished->next = o;
    else
        r->finished = o;
    r->last_finished = o;
    (void)pthread_mutex_unlock(&r->lock);
    if (was_empty)
        courier_wake(r->courier);
}

void relay_submit(struct relay *r, struct relay_op *o)
{
    o->relay = r;
    o->op.done = op_done;
    r->ops_open++;
    store_submit(r->store, &o->op);
}

/* --- the inbox ---------------------------------------------------------------------------------------------- */

void relay_take(struct relay *r, struct understanding *u)
{
    u->next = NULL;
    (void)pthread_mutex_lock(&r->lock);
    bool was_empty = is_inbox_empty(r);
    if (r->last)
        r->last->next = u;
    else
        r->first = u;
    r->last = u;
    (void)pthread_mutex_unlock(&r->lock);
    if (was_empty)
        courier_wake(r->courier);
}

void relay_take_later(struct relay *r, struct understanding *u)
{
    u->next = r->later;
    r->later = u;
}

struct inbox {
    struct understanding *understandings;
    struct relay_op      *finished;
    bool                  is_stopping, is_look_asked, is_erased_from;
};

static struct inbox empty_inbox(struct relay *r)
{
    (void)pthread_mutex_lock(&r->lock);
    struct inbox in = { r->first, r->finished, r->is_stopping, r->is_look_asked, r->is_erased_from };
    r->first = r->last = NULL;
    r->finished = r->last_finished = NULL;
    r->is_look_asked = r->is_erased_from = false;
    (void)pthread_mutex_unlock(&r->lock);
    return in;
}

static void read_inbox(struct relay *r)
{
    struct inbox in = empty_inbox(r);
    r->is_ending = in.is_stopping;
    if (in.is_look_asked)
        relay_look_everywhere(r);
    if (in.is_erased_from)
        relay_forget_erased(r);
    for (struct relay_op *o = in.finished, *next; o; o = next) {
        next = o->next;
        r->ops_open--;
        r->has_changed = true;
        o->after(o, o->has_failed ? &o->failed : NULL);
    }
    for (struct understanding *u = in.understandings, *next; u; u = next) {
        next = u->next;
        relay_plan(r, u);
    }
}

/* --- what is due -------------------------------------------------------------------------------------------- */

/* Deliveries whose next way begins, or that are given up; or the work of a lane that is no longer in the settings. */
struct sweep {
    struct relay_op        o;
    struct outbox_turn     turn;
    char                  *account, *address; /* the lane; NULL: what is due */
    bool                   has_more;
    struct outbox_end_list ended;
};

static void sweep_free(struct sweep *w)
{
    free(w->account);
    free(w->address);
    free(w);
}

static int sweep_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct sweep *w = (struct sweep *)op;
    w->ended.count = 0;
    int more = w->account ? tx_lane_dissolve(tx, &w->turn, w->account, w->address, &w->ended, e)
                          : tx_deliveries_due(tx, &w->turn, &w->ended, e);
    if (more < 0)
        return -1;
    FAULT("relay.due_written");
    w->has_more = more > 0;
    return 0;
}

static void submit_sweep(struct relay *r, struct sweep *w)
{
    w->turn = relay_turn(r);
    relay_submit(r, &w->o);
}

static void sweep_after(struct relay_op *o, const struct err *failed)
{
    struct sweep *w = (struct sweep *)o;
    struct relay *r = o->relay;
    if (failed)
        log_line(LOG_ERROR, "outbox.not_kept", LOG_S("text", failed->text));
    else
        relay_log_ended(&w->ended, NULL, w->turn.run_ms);
    relay_look_everywhere(r);
    if (!failed && w->has_more && !r->is_ending) {
        submit_sweep(r, w);
        return;
    }
    r->is_due_asked = r->is_due_asked && w->account;
    sweep_free(w);
}

static void start_sweep(struct relay *r, const char *account, const char *address)
{
    struct sweep *w = calloc(1, sizeof *w);
    if (!w)
        return;
    w->o = (struct relay_op){ .op = { .rank = STORE_EVENT, .apply = sweep_apply }, .after = sweep_after };
    if (account) {
        w->account = strdup(account);
        w->address = strdup(address);
    }
    if (account && (!w->account || !w->address)) {
        sweep_free(w);
        return;
    }
    r->is_due_asked = r->is_due_asked || !account;
    submit_sweep(r, w);
}

static void look_for_due(struct relay *r)
{
    struct err e;
    if (r->is_due_asked)
        return;
    if (outbox_next_due(r->reader, &r->next_due_run_ms, &e) < 0) {
        log_line(LOG_ERROR, "outbox.unread", LOG_S("text", e.text));
        r->next_due_run_ms = 0; /* again in a second */
        return;
    }
    if (r->next_due_run_ms <= store_running_ms(r->store))
        start_sweep(r, NULL, NULL);
}

/* --- gauges ------------------------------------------------------------------------------------------------- */

static void show_pending(void *user, const char *account, int64_t count, int64_t oldest_run_ms)
{
    struct relay *r = user;
    int64_t       oldest_ms = store_running_ms(r->store) - oldest_run_ms;
    metrics_set(METRIC_OUTBOX_PENDING, account, NULL, (double)count);
    metrics_set(METRIC_OUTBOX_OLDEST, account, NULL, (double)oldest_ms / 1000);
    relay_see_pending(r, account, count, oldest_ms);
}

static void show_gauges(struct relay *r)
{
    for (size_t i = 0; i < r->options.people->account_count; i++) {
        metrics_set(METRIC_OUTBOX_PENDING, r->options.people->accounts[i].name, NULL, 0);
        metrics_set(METRIC_OUTBOX_OLDEST, r->options.people->accounts[i].name, NULL, 0);
        relay_see_pending(r, r->options.people->accounts[i].name, 0, 0);
    }
    struct err e;
    if (outbox_pending(r->reader, show_pending, r, &e) < 0)
        log_line(LOG_ERROR, "outbox.unread", LOG_S("text", e.text));
}

/* At nought from the start: Prometheus sees no increase where a series begins with its first failure, and tells nobody of it. */
static void begin_counters(const struct people *people)
{
    for (int state = DELIVERY_SENT; state <= DELIVERY_FAILED; state++) {
        for (size_t i = 0; i < people->account_count; i++)
            metrics_add(METRIC_DELIVERIES, people->accounts[i].name, delivery_state_name((enum delivery_state)state), 0);
        metrics_add(METRIC_DELIVERIES, "none", delivery_state_name((enum delivery_state)state), 0);
    }
}

/* --- every second ------------------------------------------------------------------------------------------- */

static void try_again(struct relay *r)
{
    for (struct flight *f = TAKE(r->unkept), *next; f; f = next) {
        next = f->next_unkept;
        flight_keep_verdict(f);
    }
    for (struct understanding *u = TAKE(r->later), *next; u; u = next) {
        next = u->next;
        relay_take(r, u);
    }
}

static void look(struct relay *r)
{
    int64_t now = clock_mono_ms();
    if (now < r->next_look_ms)
        return;
    r->next_look_ms = now + LOOK_MS;
    try_again(r);
    relay_see_buckets(r);
    if (!r->has_changed && store_running_ms(r->store) < r->next_due_run_ms)
        return;
    r->has_changed = false;
    look_for_due(r);
    show_gauges(r);
}

/* --- the thread --------------------------------------------------------------------------------------------- */

static const struct account *find_account(const struct people *p, const char *name)
{
    for (size_t i = 0; i < p->account_count; i++)
        if (strcmp(p->accounts[i].name, name) == 0)
            return &p->accounts[i];
    return NULL;
}

static void meet_lane(void *user, const char *account, const char *address)
{
    struct relay         *r = user;
    const struct account *a = find_account(r->options.people, account);
    if (a)
        (void)relay_station(r, a, address);
    else
        start_sweep(r, account, address);
}

/* All that the settings name, so that a way which begins finds its lane. */
static void make_stations(struct relay *r)
{
    const struct people *p = r->options.people;
    for (size_t i = 0; i < p->recipient_count; i++)
        for (size_t k = 0; k < p->recipients[i].way_count; k++)
            (void)relay_station(r, p->recipients[i].ways[k].account, p->recipients[i].ways[k].address);
}

static void take_up_last_run(struct relay *r)
{
    struct err e = { .text = "" };
    make_stations(r);
    int result = outbox_lanes(r->reader, meet_lane, r, &e);
    if (result == 0)
        result = relay_remember(r, &e);
    if (result == 0)
        result = relay_remember_accounts(r, &e);
    for (struct station *s = r->stations; s && result == 0; s = s->next)
        result = station_take_up(s, r, &e);
    if (result < 0) {
        log_line(LOG_ERROR, "outbox.unread", LOG_S("text", e.text));
        health_set(HEALTH_RELAY, NULL, e.text);
    }
    relay_look_everywhere(r);
    r->has_changed = true;
}

/* Round and round: where many share the pace of one account, who went without comes first the next time. */
static int64_t serve(struct relay *r)
{
    int64_t         now = store_running_ms(r->store), wait = LOOK_MS;
    struct station *begin = r->turn ? r->turn : r->stations, *s = begin;
    r->turn = NULL;
    for (size_t i = 0; i < r->options.people->account_count; i++)
        r->accounts[i].waiting = -1;
    while (s && !r->is_ending) {
        int64_t wake;
        if (station_serve(s, r, now, &wake) == STATION_WENT_WITHOUT && !r->turn)
            r->turn = s;
        if (wake != LANE_NEVER && wake - now < wait)
            wait = wake - now;
        s = s->next ? s->next : r->stations;
        if (s == begin)
            break;
    }
    return wait < 0 ? 0 : wait;
}

/* Until nothing is on its way, and until nothing of ours is with the writer; requests are given STOP_MS. */
static bool is_over(const struct relay *r, int64_t stop_ms)
{
    if (!r->is_ending)
        return false;
    return r->ops_open == 0 && (courier_count(r->courier) == 0 || clock_steady_ms() >= stop_ms);
}

static void *relay_main(void *user)
{
    struct relay *r = user;
    int64_t       stop_ms = INT64_MAX;
    (void)pthread_setname_np(pthread_self(), "relay");
    turn_take(TURN_TELLER);
    take_up_last_run(r);
    for (;;) {
        __atomic_store_n(&r->heartbeat_ms, clock_steady_ms(), __ATOMIC_RELAXED);
        read_inbox(r);
        if (r->is_ending && stop_ms == INT64_MAX)
            stop_ms = clock_steady_ms() + STOP_MS;
        if (is_over(r, stop_ms))
            return NULL;
        int64_t wait = serve(r);
        if (!r->is_ending)
            look(r);
        courier_run(r->courier, r->is_ending && wait > 100 ? 100 : wait);
    }
}

bool relay_is_alive(const struct relay *r)
{
    return clock_steady_ms() - __atomic_load_n(&r->heartbeat_ms, __ATOMIC_RELAXED) < ALIVE_MS;
}

/* --- start and stop ----------------------------------------------------------------------------------------- */

/* Writer's thread as well: reads what never changes, and one flag. */
static bool find_way(const void *user, const char *recipient, int way, struct outbox_way *out)
{
    const struct relay  *r = user;
    const struct people *p = r->options.people;
    for (size_t i = 0; i < p->recipient_count; i++) {
        const struct recipient *one = &p->recipients[i];
        if (strcmp(one->name, recipient) != 0)
            continue;
        if (way < 0 || (size_t)way >= one->way_count)
            return false;
        const struct account *a = one->ways[way].account;
        *out = (struct outbox_way){
            .account = a->name,
            .address = one->ways[way].address,
            .is_shut = relay_is_out(&r->accounts[a - p->accounts]),
        };
        return true;
    }
    return false;
}

static struct outbox_rules rules_of(const struct relay *r)
{
    struct outbox_rules rules = { .way = find_way, .user = r };
    for (int i = 0; i < SEVERITIES; i++) {
        rules.give_up_ms[i] = r->options.give_up_hours[i] * HOUR_MS;
        rules.next_way_ms[i] = r->options.next_way_seconds[i] * 1000;
    }
    return rules;
}

static void free_flights(struct relay *r)
{
    for (struct station *s = r->stations; s; s = s->next) {
        for (int i = 0; i < SEVERITIES; i++)
            if (s->open[i])
                flight_free(s->open[i]);
        if (s->flying)
            flight_free(s->flying);
    }
    for (struct flight *f = r->unkept, *next; f; f = next) {
        next = f->next_unkept;
        flight_free(f);
    }
}

static void relay_free(struct relay *r)
{
    free_flights(r);
    courier_close(&r->courier);
    for (struct station *s = r->stations, *next; s; s = next) {
        next = s->next;
        free((char *)(uintptr_t)s->address);
        free(s->last_text);
        free(s);
    }
    for (struct understanding *u = r->later, *next; u; u = next) {
        next = u->next;
        understanding_free(&u);
    }
    store_reader_close(&r->reader);
    (void)pthread_mutex_destroy(&r->lock);
    free(r->accounts);
    free(r);
}

static int prepare(struct relay *r, struct err *e)
{
    struct courier_limits limits = {
        .reply_max = r->options.reply_max > 0 ? r->options.reply_max : 64 * 1024,
        .request_seconds = r->options.request_seconds > 0 ? r->options.request_seconds : 30,
        .connect_seconds = CONNECT_SECONDS,
    };
    size_t count = r->options.people->account_count;
    r->accounts = calloc(count + 1, sizeof *r->accounts);
    if (!r->accounts)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const struct account *a = &r->options.people->accounts[i];
        r->accounts[i].account = a;
        r->accounts[i].waiting = -1;
        r->accounts[i].bucket = bucket_make(a->per_second * 60, 1, store_running_ms(r->store)); /* evenly: no second holds more */
    }
    if (courier_open(&limits, &r->courier, e) < 0)
        return -1;
    return store_reader_open(r->store, &r->reader, e);
}

int relay_start(struct store *s, const struct relay_options *o, struct relay **out, struct err *e)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "out of memory");
    r->store = s;
    r->options = *o;
    r->rules = rules_of(r);
    r->chance = (uint32_t)clock_steady_ms() | 1;
    r->heartbeat_ms = clock_steady_ms();
    (void)pthread_mutex_init(&r->lock, NULL);
    begin_counters(o->people);
    if (prepare(r, e) < 0) {
        relay_free(r);
        return -1;
    }
    int code = pthread_create(&r->thread, NULL, relay_main, r);
    if (code != 0) {
        relay_free(r);
        return err_set(e, ERR_NOMEM, "the relay's thread does not start: %s", strerror(code));
    }
    *out = r;
    return 0;
}

void relay_stop(struct relay **r)
{
    if (!*r)
        return;
    (void)pthread_mutex_lock(&(*r)->lock);
    (*r)->is_stopping = true;
    (void)pthread_mutex_unlock(&(*r)->lock);
    courier_wake((*r)->courier);
    (void)pthread_join((*r)->thread, NULL);
    relay_free(*r);
    *r = NULL;
}

/* --- events of our own -------------------------------------------------------------------------------------- */

/* The place of this key, or one that is free: the one told longest ago makes room. */
static struct own_event *find_own(struct relay *r, const char *key)
{
    struct own_event *oldest = &r->said[0];
    for (size_t i = 0; i < OWN_EVENTS; i++) {
        struct own_event *one = &r->said[i];
        if (one->key[0] && strncmp(one->key, key, sizeof one->key - 1) == 0)
            return one;
        if (!one->key[0] ? oldest->key[0] : (oldest->key[0] && one->mono_ms < oldest->mono_ms))
            oldest = one;
    }
    oldest->key[0] = '\0';
    return oldest;
}

enum say { SAY_NOTHING, SAY_KEEP, SAY_TELL };

/* Told at most once an hour per key; in between kept, as long as there are not too many. */
static enum say how_to_say(struct relay *r, const char *key)
{
    int64_t now = clock_mono_ms();
    (void)pthread_mutex_lock(&r->lock);
    struct own_event *one = find_own(r, key);
    enum say          how = !one->key[0] || now - one->mono_ms >= SAY_AGAIN_MS ? SAY_TELL
                            : one->kept < OWN_KEPT_MAX                         ? SAY_KEEP
                                                                               : SAY_NOTHING;
    if (how == SAY_TELL) {
        one->mono_ms = now;
        one->kept = 0;
        (void)snprintf(one->key, sizeof one->key, "%s", key);
    }
    one->kept++;
    (void)pthread_mutex_unlock(&r->lock);
    return how;
}

bool relay_may_say(struct relay *r, const char *key)
{
    return how_to_say(r, key) == SAY_TELL;
}

struct understanding *relay_own_event(const char *kind, bool restored, const char *text)
{
    struct understanding *u = understanding_new();
    if (!u)
        return NULL;
    const char   *kept_kind = arena_str(&u->arena, kind), *kept_text = arena_str(&u->arena, text);
    struct event *ev = kept_kind && kept_text ? events_add(&u->events, kept_kind) : NULL;
    if (!ev) {
        understanding_free(&u);
        return NULL;
    }
    ev->restored = restored;
    ev->severity = kind_severity(kind, restored);
    ev->text = kept_text;
    u->parser = "postern";
    u->received_ms = clock_wall_ms();
    u->kept_mono_ms = clock_mono_ms();
    u->envelope = (struct envelope){ .listener = "", .peer = "", .helo = "", .login = "", .from = "" };
    return u;
}

void relay_system(struct relay *r, const char *kind, bool restored, const char *key, const char *text)
{
    enum say              how = key ? how_to_say(r, key) : SAY_TELL;
    struct understanding *u = how != SAY_NOTHING ? relay_own_event(kind, restored, text) : NULL;
    if (!u)
        return;
    u->is_untold = how == SAY_KEEP;
    relay_take(r, u);
}

/* --- sending again ------------------------------------------------------------------------------------------ */

struct retry {
    struct store_op    op;
    struct outbox_turn turn;
    const char        *id;
    int                found;
};

static int retry_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct retry *t = (struct retry *)op;
    t->found = tx_delivery_retry(tx, &t->turn, t->id, e);
    return t->found < 0 ? -1 : 0;
}

int relay_retry(struct relay *r, const char *delivery_id, struct err *e)
{
    struct retry t = { .op = { .rank = STORE_EVENT, .apply = retry_apply }, .turn = relay_turn(r), .id = delivery_id };
    if (store_do(r->store, &t.op, e) < 0)
        return -1;
    relay_look_soon(r);
    return t.found;
}
