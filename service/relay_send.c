/* relay_send: one message's life: composed, its attempt committed, its request sent, the answer judged, the verdict committed. */
#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/metrics.h"
#include "service/health.h"
#include "service/mask.h"
#include "service/pictures.h"
#include "service/relay_inside.h"
#include "service/text.h"
#include "service/verdict.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLIGHT_MAX = 4 << 20,  /* bytes of a message's own memory          */
    SOURCE_MAX = 8 << 20,  /* of the events that were read back for it */
    REQUEST_MAX = 8 << 20, /* of a request being built                 */
    TITLE_MAX = 512,
    TEXT_MAX = 64 * 1024,
    DISK_PAUSE_MS = 1000,
    PICTURES_PAUSE_MS = 250, /* until others have left the memory */
};

/* --- sources and flights ------------------------------------------------------------------------------------ */

struct source *source_new(struct understanding *u)
{
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->users = 1;
    s->u = u;
    arena_init(&s->arena, SOURCE_MAX);
    return s;
}

void source_drop(struct source **s)
{
    if (*s && --(*s)->users == 0) {
        understanding_free(&(*s)->u);
        arena_done(&(*s)->arena);
        free(*s);
    }
    *s = NULL;
}

struct flight *flight_new(struct relay *r, struct station *s, struct source *source, enum severity severity)
{
    struct flight *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    arena_init(&f->arena, FLIGHT_MAX);
    f->legs = arena_alloc(&f->arena, OUTBOX_MEMBERS_MAX * sizeof *f->legs);
    f->events = arena_alloc(&f->arena, OUTBOX_MEMBERS_MAX * sizeof *f->events);
    f->origins = arena_alloc(&f->arena, OUTBOX_MEMBERS_MAX * sizeof *f->origins);
    f->leg_events = arena_alloc(&f->arena, OUTBOX_MEMBERS_MAX * sizeof *f->leg_events);
    if (!f->legs || !f->events || !f->origins || !f->leg_events) {
        arena_done(&f->arena);
        free(f);
        return NULL;
    }
    f->op.relay = r;
    f->station = s;
    f->source = source;
    source->users++;
    f->since_run_ms = store_running_ms(r->store);
    f->row = (struct outbox_message){
        .account = s->account->name,
        .provider = s->account->provider->name,
        .address = s->address,
        .severity = severity,
        .priority = PRIORITY_NONE,
    };
    return f;
}

void flight_free(struct flight *f)
{
    source_drop(&f->source);
    arena_done(&f->arena);
    free(f);
}

int flight_add(struct flight *f, struct outbox_leg leg, const struct event *ev, const struct event_origin *origin)
{
    if (f->leg_count == OUTBOX_MEMBERS_MAX)
        return -1;
    size_t i = 0;
    while (i < f->event_count && f->events[i] != ev && !(ev->id[0] && strcmp(f->events[i]->id, ev->id) == 0))
        i++;
    f->legs[f->leg_count] = leg;
    f->leg_events[f->leg_count++] = i;
    if (i < f->event_count)
        return 0;
    f->events[i] = ev;
    f->origins[i] = origin;
    f->event_count++;
    return 0;
}

/* --- words -------------------------------------------------------------------------------------------------- */

static struct text_style style_of(const struct flight *f)
{
    struct text_style style;
    const struct relay_options *o = &f->op.relay->options;
    text_style_init(&style, f->station->account, f->manner.language ? f->manner.language : o->language, o->site);
    style.overrides = o->people->words;
    style.detail = f->manner.detail;
    if (style.detail != TEXT_FULL) /* the device's own words hold the names that are not wanted */
        style.shows_original = style.is_original = false;
    return style;
}

struct words { /* the members' events in a row, as wording and providers want them */
    struct event        *events;
    struct event_origin *origins;
};

static int line_up(const struct flight *f, struct arena *scratch, struct words *out)
{
    out->events = arena_alloc(scratch, (f->event_count + 1) * sizeof *out->events);
    out->origins = arena_alloc(scratch, (f->event_count + 1) * sizeof *out->origins);
    if (!out->events || !out->origins)
        return -1;
    for (size_t i = 0; i < f->event_count; i++) {
        out->events[i] = *f->events[i];
        out->origins[i] = *f->origins[i];
    }
    return 0;
}

/* The text is the committed one for good; only after UNKNOWN it says that it may come twice. NULL: no room. */
static const char *text_of(const struct flight *f, struct arena *scratch)
{
    if (!f->row.maybe_twice)
        return f->row.text;
    CLEANUP(buf_done) struct buf text;
    struct text_style            style = style_of(f);
    buf_init(&text, TEXT_MAX);
    text_mark_twice(&style, f->row.text, f->row.severity, &text);
    return arena_str(scratch, buf_str(&text));
}

/* The message as providers see it; all from scratch. -1: no room. */
static int fill_message(const struct flight *f, struct arena *scratch, struct message *out)
{
    struct words words;
    const char  *text = text_of(f, scratch);
    if (!text || line_up(f, scratch, &words) < 0)
        return -1;
    *out = (struct message){
        .id = f->row.id,
        .address = f->station->moved_to[0] ? f->station->moved_to : f->row.address,
        .title = f->row.title,
        .text = text,
        .severity = f->row.severity,
        .events = words.events,
        .origins = words.origins,
        .event_count = f->event_count,
        .priority = f->row.priority,
        .public_url = f->manner.is_without_pictures ? NULL : f->op.relay->options.public_url,
        .link_key = f->op.relay->options.link_key,
        .now_ms = clock_wall_ms(),
    };
    return 0;
}

/* The pictures that belong to it; with the text, or, if that goes before them, without it. */
static void choose_pictures(const struct flight *f, struct pictures *out)
{
    pictures_choose(f->station->account, f->events, f->origins, f->manner.is_without_pictures ? 0 : f->event_count, out);
}

/* They are too many to hold up the text: it goes alone, they follow as the next message. */
static bool goes_before_pictures(const struct flight *f)
{
    struct pictures p;
    choose_pictures(f, &p);
    return !f->is_pictures && !f->is_bare && p.bytes > PICTURES_WITH_TEXT_MAX;
}

int flight_fit(struct flight *f)
{
    CLEANUP(arena_done) struct arena scratch;
    struct words                     words;
    struct text_style                style = style_of(f);
    arena_init(&scratch, FLIGHT_MAX);
    if (line_up(f, &scratch, &words) < 0)
        return -1;
    size_t most = text_fold_max(&style, words.events, words.origins, f->event_count);
    if (most >= f->event_count)
        return 0;
    size_t legs = 0;
    while (legs < f->leg_count && f->leg_events[legs] < most)
        legs++;
    f->leg_count = legs;
    f->event_count = most;
    return 0;
}

int flight_compose(struct flight *f, const char *title, int priority)
{
    CLEANUP(arena_done) struct arena scratch;
    CLEANUP(buf_done) struct buf     head, text;
    struct words                     words;
    struct text_style                style = style_of(f);
    arena_init(&scratch, FLIGHT_MAX);
    buf_init(&head, TITLE_MAX);
    buf_init(&text, TEXT_MAX);
    if (line_up(f, &scratch, &words) < 0)
        return -1;
    const struct text_input in = {
        .events = words.events,
        .origins = words.origins,
        .count = f->event_count,
        .is_late = store_running_ms(f->op.relay->store) - f->since_run_ms > TEXT_LATE_MS,
        .last = f->is_pictures ? NULL : f->station->last_text, /* a caption says what its text said */
    };
    text_compose(&style, &in, &head, &text);
    f->row.text = text.failed ? NULL : arena_copy(&f->arena, buf_str(&text), text.len);
    f->row.title = arena_str(&f->arena, title ? title : buf_str(&head));
    f->row.priority = priority;
    f->is_new = true;
    (void)id_make(f->row.id, clock_wall_ms());
    if (!f->row.text || !f->row.title)
        return -1;
    if (f->is_pictures)
        return 0;
    free(f->station->last_text);
    f->station->last_text = strdup(f->row.text);
    return 0;
}

/* --- the verdict -------------------------------------------------------------------------------------------- */

static void verdict_after(struct relay_op *op, const struct err *failed)
{
    struct flight  *f = (struct flight *)op;
    struct relay   *r = op->relay;
    struct station *s = f->station;
    FAULT("relay.verdict_kept");
    if (failed) { /* what we know must be kept: again, until the disk takes it */
        log_line(LOG_ERROR, "verdict.not_kept", LOG_S("message", f->row.id), LOG_S("text", failed->text));
        if (!r->is_ending) {
            f->next_unkept = r->unkept;
            r->unkept = f;
            return;
        }
    }
    relay_log_ended(&f->ended, f, f->turn.run_ms);
    if (f->verdict.pictures_follow)
        s->lane.is_waiting[f->row.severity] = true;
    if (f->verdict.state == MESSAGE_FAILED || f->verdict.state == MESSAGE_UNKNOWN || f->verdict.is_next_way_now)
        relay_look_everywhere(r);
    if (f->verdict.state == MESSAGE_WAITING && !failed) {
        s->open[f->row.severity] = f;
        s->lane.due_ms[f->row.severity] = f->due_ms;
        s->lane.is_busy = false;
        return;
    }
    if (f->verdict.state != MESSAGE_SENT)
        s->lane.is_busy = false;
    flight_free(f);
}

static int verdict_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct flight *f = (struct flight *)op;
    f->ended.count = 0;
    if (tx_message_verdict(tx, &f->turn, &f->verdict, &f->ended, e) < 0)
        return -1;
    FAULT("relay.verdict_written");
    return 0;
}

void flight_keep_verdict(struct flight *f)
{
    f->turn = relay_turn(f->op.relay);
    f->op.op = (struct store_op){ .rank = STORE_LATER, .apply = verdict_apply };
    f->op.after = verdict_after;
    relay_submit(f->op.relay, &f->op);
}

/* An account that refuses us or cannot be reached is an operator's business; one yes, and all its lanes go on at once. */
static void note_account(struct relay *r, const struct flight *f, const struct outcome *o, const struct decision *d)
{
    const struct account *a = f->station->account;
    struct account_state *state = relay_account(r, a);
    bool is_well = o->verdict == VERDICT_SENT || (o->verdict == VERDICT_REJECTED && o->fault != FAULT_ACCOUNT);
    if (f->is_heard && o->verdict == VERDICT_RETRY) /* "not now" says nothing about the account */
        return;
    __atomic_store_n(&state->is_shut, d->shuts_account || (state->is_shut && !is_well), __ATOMIC_RELAXED);
    if (!is_well && (d->shuts_account || !state->is_ailing))
        health_set(HEALTH_ACCOUNT, a->name, o->detail[0] ? o->detail : verdict_name(o->verdict));
    if (is_well && state->is_ailing) {
        health_set(HEALTH_ACCOUNT, a->name, NULL);
        relay_open_account(r, a);
    }
    state->is_ailing = !is_well;
}

static void say_verdict(const struct flight *f, const struct outcome *o)
{
    char address[MASK_MAX];
    log_line(o->verdict == VERDICT_SENT ? LOG_DEBUG : LOG_WARN, "message.verdict", LOG_S("id", f->row.id),
             LOG_S("account", f->row.account), LOG_S("address", mask_address(address, f->row.address)),
             LOG_S("verdict", verdict_name(o->verdict)), LOG_I("attempt", f->row.attempts),
             LOG_I("ms", clock_mono_ms() - f->started_ms), LOG_S("detail", o->detail));
}

/* A picture that the far side cannot read must not cost the text: what was refused with pictures is tried once without. */
static bool refuse_pictures(struct flight *f, const struct outcome *o, struct outcome *again)
{
    struct pictures p;
    choose_pictures(f, &p);
    bool is_refused = o->verdict == VERDICT_REJECTED && o->fault == FAULT_MESSAGE;
    if (!is_refused || f->is_bare || f->is_pictures || p.count == 0 || p.bytes > PICTURES_WITH_TEXT_MAX)
        return false;
    f->is_bare = true;
    *again = *o;
    again->verdict = VERDICT_RETRY;
    again->fault = FAULT_NONE;
    again->wait_ms = 0;
    return true;
}

static void end_attempt(struct flight *f, const struct outcome *heard)
{
    struct outcome        bare;
    const struct outcome *o = refuse_pictures(f, heard, &bare) ? &bare : heard;
    struct relay         *r = f->op.relay;
    struct station       *s = f->station;
    const struct account *a = s->account;
    struct decision       d = verdict_decide(a, o, f->row.severity, f->row.attempts, f->row.maybe_twice, relay_chance(r));
    FAULT("relay.answered");
    f->outcome = *o;
    say_verdict(f, o);
    note_account(r, f, o, &d);
    relay_report(r, f, o);
    relay_see_end(r, a, f->row.seq, o);
    if (o->moved_to[0] && strcmp(s->moved_to, o->moved_to) != 0) {
        (void)snprintf(s->moved_to, sizeof s->moved_to, "%s", o->moved_to);
        relay_note_move(r, s);
    }
    int64_t now = store_running_ms(r->store);
    bool    is_asked = d.shuts_lane || d.shuts_account;
    f->due_ms = now + d.wait_ms;
    if (is_asked)
        s->lane.shut_until_ms = f->due_ms;
    f->row.maybe_twice = d.maybe_twice;
    f->verdict = (struct outbox_verdict){
        .message = f->row.seq,
        .state = d.state,
        .maybe_twice = d.maybe_twice,
        .verdict = verdict_name(o->verdict),
        .detail = f->outcome.detail,
        .due_run_ms = is_asked ? f->due_ms : 0, /* a new start need not wait for our own back-off */
        .pictures_follow = d.state == MESSAGE_SENT && goes_before_pictures(f),
        .is_next_way_now = d.is_next_way_now,
    };
    if (d.state == MESSAGE_SENT) {
        metrics_observe(METRIC_DELIVERY_SECONDS, (double)(now - f->since_run_ms) / 1000);
        s->lane.is_busy = false; /* the next need not wait for this one's bookkeeping */
    }
    flight_keep_verdict(f);
}

/* --- the request -------------------------------------------------------------------------------------------- */

static void on_end(void *user, const struct courier_answer *end)
{
    struct flight        *f = user;
    const struct account *a = f->station->account;
    struct outcome        o = { .verdict = VERDICT_UNKNOWN, .wait_ms = -1 };
    f->station->flying = NULL;
    f->op.relay->picture_bytes -= f->picture_bytes;
    f->picture_bytes = 0;
    f->is_heard = end->is_complete;
    if (!end->is_complete) {
        outcome_set(&o, a, end->is_untouched ? VERDICT_RETRY : VERDICT_UNKNOWN, FAULT_NONE, "%s", end->why);
        end_attempt(f, &o);
        return;
    }
    CLEANUP(arena_done) struct arena scratch;
    arena_init(&scratch, REQUEST_MAX);
    struct message m;
    if (fill_message(f, &scratch, &m) == 0)
        a->provider->judge(a, &m, &end->reply, &o);
    else
        (void)snprintf(o.detail, sizeof o.detail, "out of memory while reading the answer");
    end_attempt(f, &o);
}

/* What of its pictures can still be read. */
static void load_pictures(const struct flight *f, struct pictures_loaded *out)
{
    struct pictures p;
    *out = (struct pictures_loaded){ .count = 0 };
    if (f->is_bare || goes_before_pictures(f))
        return;
    choose_pictures(f, &p);
    pictures_load(f->op.relay->reader, &p, out);
}

/* 0 on its way; -1: it could not be built, or (ERR_BUSY) not be begun. */
static int build_and_send(struct flight *f, struct arena *scratch, struct request *request, struct err *e)
{
    const struct account *a = f->station->account;
    struct relay         *r = f->op.relay;
    struct message        m;
    CLEANUP(pictures_drop) struct pictures_loaded pictures;
    load_pictures(f, &pictures);
    if (f->is_pictures && pictures.count == 0)
        return err_set(e, ERR_NOT_FOUND, "its pictures are gone");
    if (fill_message(f, scratch, &m) < 0)
        return err_set(e, ERR_NOMEM, "out of memory");
    m.media = pictures.items;
    m.media_count = pictures.count;
    if (a->provider->build(a, &m, scratch, request, e) < 0)
        return -1;
    for (size_t i = 0; i < pictures.count; i++)
        f->picture_bytes += (int64_t)pictures.items[i].length;
    if (courier_send(r->courier, request, on_end, f, e) < 0) {
        f->picture_bytes = 0;
        return err_set(e, ERR_BUSY, "the request could not be set up");
    }
    r->picture_bytes += f->picture_bytes;
    f->station->flying = f;
    return 0;
}

/* What could not even be built was surely not sent; the same message would fail again, so it is the message's fault. */
static void send_remote(struct flight *f)
{
    struct request                   request = { .method = "POST" };
    struct err                       e = { .text = "out of memory" };
    struct outcome                   o;
    CLEANUP(arena_done) struct arena scratch;
    arena_init(&scratch, REQUEST_MAX);
    int sent = build_and_send(f, &scratch, &request, &e);
    request_done(&request);
    if (sent == 0)
        return;
    bool is_built = e.code == ERR_BUSY;
    outcome_set(&o, f->station->account, is_built ? VERDICT_RETRY : VERDICT_REJECTED, is_built ? FAULT_NONE : FAULT_MESSAGE, "%s", e.text);
    end_attempt(f, &o);
}

static void send_local(struct flight *f)
{
    struct outcome o = { .verdict = VERDICT_SENT, .wait_ms = -1, .detail = "written to the log" };
    log_line(LOG_INFO, "message", LOG_S("id", f->row.id), LOG_S("severity", severity_name(f->row.severity)),
             LOG_S("text", f->row.text));
    end_attempt(f, &o);
}

void flight_begin(struct flight *f)
{
    f->is_new = false;
    f->is_heard = false;
    f->started_ms = clock_mono_ms();
    FAULT("relay.attempt_kept");
    if (f->station->account->provider->is_local)
        send_local(f);
    else
        send_remote(f);
}

/* --- attempts ----------------------------------------------------------------------------------------------- */

static int attempt_apply(struct store_tx *tx, struct store_op *op, struct err *e)
{
    struct flight *f = (struct flight *)op;
    f->is_made = false;
    int made = f->is_new ? tx_message_add(tx, &f->turn, &f->row, f->legs, f->leg_count, e)
                         : tx_message_again(tx, &f->turn, f->row.seq, e);
    if (made < 0)
        return -1;
    f->is_made = made > 0;
    FAULT("relay.attempt_written");
    return 0;
}

static void attempt_after(struct relay_op *op, const struct err *failed)
{
    struct flight  *f = (struct flight *)op;
    struct lane    *lane = &f->station->lane;
    if (!failed && f->is_made) {
        f->row.attempts += !f->is_new;
        flight_begin(f);
        return;
    }
    lane->is_busy = false;
    if (failed) {
        log_line(LOG_ERROR, "attempt.not_kept", LOG_S("message", f->row.id), LOG_S("text", failed->text));
        lane->shut_until_ms = f->turn.run_ms + DISK_PAUSE_MS;
    }
    if (f->is_new)
        lane->is_waiting[f->row.severity] = true; /* its legs wait as before, or some of them do */
    if (f->is_new || !failed) {
        flight_free(f); /* nobody is owed it any more, or it never came to be */
        return;
    }
    f->station->open[f->row.severity] = f;
    lane->due_ms[f->row.severity] = f->turn.run_ms + DISK_PAUSE_MS;
}

/* Messages of pictures wait for room in memory; those with a text never do. */
static bool has_no_room(const struct flight *f)
{
    struct pictures p;
    choose_pictures(f, &p);
    int64_t taken = f->op.relay->picture_bytes;
    return f->is_pictures && taken > 0 && taken + p.bytes > PICTURES_IN_FLIGHT_MAX;
}

static void attempt(struct flight *f)
{
    if (has_no_room(f)) {
        f->station->open[f->row.severity] = f;
        f->station->lane.due_ms[f->row.severity] = store_running_ms(f->op.relay->store) + PICTURES_PAUSE_MS;
        return;
    }
    f->station->lane.is_busy = true;
    f->turn = relay_turn(f->op.relay);
    relay_take_tokens(f->op.relay, f->station, f->turn.run_ms);
    f->op.op = (struct store_op){ .rank = STORE_EVENT, .apply = attempt_apply };
    f->op.after = attempt_after;
    relay_submit(f->op.relay, &f->op);
}

/* Who is no longer in the settings is told like anybody. */
static struct manner manner_of(const struct relay *r, const struct outbox_member *m)
{
    const struct recipient *who = people_find(r->options.people, m->recipient);
    return who ? who->manner : (struct manner){ .language = NULL };
}

/* How many of them, from the first on, are told in the same manner. */
static int count_alike(const struct relay *r, const struct outbox_member *members, int count)
{
    const struct manner first = manner_of(r, &members[0]);
    int                 n = 1;
    for (; n < count; n++) {
        struct manner other = manner_of(r, &members[n]);
        if (!manner_equals(&first, &other))
            break;
    }
    return n;
}

static int add_members(struct flight *f, struct outbox_member *members, size_t count)
{
    f->is_pictures = count > 0 && members[0].is_pictures;
    f->manner = count > 0 ? manner_of(f->op.relay, &members[0]) : f->manner;
    for (size_t i = 0; i < count; i++) {
        struct outbox_member *m = &members[i];
        m->origin.site = f->op.relay->options.site;
        if (m->created_run_ms < f->since_run_ms)
            f->since_run_ms = m->created_run_ms;
        if (flight_add(f, m->leg, &m->event, &m->origin) < 0)
            return -1;
    }
    return 0;
}

/* The first title and priority that any member's route names. */
static int compose_members(struct flight *f, const struct outbox_member *members, size_t count)
{
    const char *title = NULL;
    int         priority = PRIORITY_NONE;
    for (size_t i = 0; i < count; i++) {
        title = title ? title : members[i].title;
        priority = priority != PRIORITY_NONE ? priority : members[i].priority;
    }
    return flight_compose(f, title, priority);
}

/* A message of what waits on disk. 1 begun, 0 nothing waits, -1. */
static int gather(struct station *s, struct relay *r, enum severity severity, struct err *e)
{
    CLEANUP(source_drop) struct source *source = source_new(NULL);
    struct outbox_member *members = source ? arena_alloc(&source->arena, OUTBOX_MEMBERS_MAX * sizeof *members) : NULL;
    if (!members)
        return err_set(e, ERR_NOMEM, "out of memory");
    int count = outbox_waiting(r->reader, s->account->name, s->address, severity, members, OUTBOX_MEMBERS_MAX, &source->arena, e);
    if (count <= 0)
        return count;
    bool is_full = count == OUTBOX_MEMBERS_MAX;
    if (members[0].is_pictures && count > PICTURES_MAX) {
        count = PICTURES_MAX; /* a picture each: the others follow */
        is_full = true;
    }
    int alike = count_alike(r, members, count);
    is_full = is_full || alike < count;
    count = alike;
    struct flight *f = flight_new(r, s, source, severity);
    if (!f)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (add_members(f, members, (size_t)count) < 0 || flight_fit(f) < 0 || compose_members(f, members, f->leg_count) < 0) {
        flight_free(f);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    s->lane.is_waiting[severity] = is_full || f->leg_count < (size_t)count;
    attempt(f);
    return 1;
}

static void begin_new(struct station *s, struct relay *r, enum severity severity, int64_t now_ms)
{
    struct err e;
    int        begun = gather(s, r, severity, &e);
    if (begun == 0)
        s->lane.is_waiting[severity] = false;
    if (begun >= 0)
        return;
    log_line(LOG_ERROR, "outbox.unread", LOG_S("account", s->account->name), LOG_S("text", e.text));
    s->lane.shut_until_ms = now_ms + DISK_PAUSE_MS;
}

enum station_turn station_serve(struct station *s, struct relay *r, int64_t now_ms, int64_t *wake_ms)
{
    struct account_state *account = relay_account(r, s->account);
    *wake_ms = LANE_NEVER;
    if (__atomic_load_n(&account->is_paused, __ATOMIC_RELAXED))
        return STATION_SERVED;
    for (;;) {
        enum severity  severity;
        enum lane_step step = lane_choose(&s->lane, now_ms, &severity, wake_ms);
        if (step == LANE_REST)
            return STATION_SERVED;
        if (!bucket_has(&account->bucket, now_ms)) {
            *wake_ms = bucket_ready_ms(&account->bucket, now_ms);
            account->waiting = account->waiting > (int)severity ? account->waiting : (int)severity;
            return STATION_WENT_WITHOUT;
        }
        if (step == LANE_NEW) {
            begin_new(s, r, severity, now_ms);
            continue;
        }
        s->lane.due_ms[severity] = LANE_NEVER;
        attempt(TAKE(s->open[severity]));
    }
}

/* --- what the last run left --------------------------------------------------------------------------------- */

/* Its attempt was committed, nobody knows whether its request left. */
static void end_interrupted(struct flight *f)
{
    struct outcome o = { .verdict = VERDICT_UNKNOWN, .wait_ms = -1, .detail = "the gateway ended before the answer came" };
    f->station->lane.is_busy = true;
    f->started_ms = clock_mono_ms();
    end_attempt(f, &o);
}

static int take_up(struct station *s, struct relay *r, enum severity severity, struct err *e)
{
    CLEANUP(source_drop) struct source *source = source_new(NULL);
    struct outbox_member *members = source ? arena_alloc(&source->arena, OUTBOX_MEMBERS_MAX * sizeof *members) : NULL;
    struct flight        *f = members ? flight_new(r, s, source, severity) : NULL;
    if (!f)
        return err_set(e, ERR_NOMEM, "out of memory");
    size_t count = 0;
    int    found = outbox_open_message(r->reader, s->account->name, s->address, severity, &f->row, members, OUTBOX_MEMBERS_MAX,
                                       &count, &source->arena, e);
    if (found <= 0 || add_members(f, members, count) < 0) {
        flight_free(f);
        return found < 0 ? -1 : 0;
    }
    if (f->row.state == MESSAGE_SENDING) {
        end_interrupted(f);
        return 0;
    }
    s->open[severity] = f;
    s->lane.due_ms[severity] = f->row.due_run_ms;
    return 0;
}

int station_take_up(struct station *s, struct relay *r, struct err *e)
{
    for (int severity = 0; severity < SEVERITIES; severity++)
        if (take_up(s, r, (enum severity)severity, e) < 0)
            return -1;
    return 0;
}
