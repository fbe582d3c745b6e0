/* inspector_hand: waiting and waking; and what leaves for the relay, counted until it is committed. */
#include "core/clock.h"
#include "core/log.h"
#include "core/wait.h"
#include "service/inspector_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAUSE_MS = 250,           /* after a failure that is not the mail's; doubles … */
    PAUSE_MAX_MS = 30 * 1000, /* … up to this                                      */
};

/* --- waiting and waking --------------------------------------------------------------------------------------- */

/* With the lock. Small mails do not wake slow, nor large ones quick: at a thousand mails a second that counts. */
static void wake(struct lane *l)
{
    l->wakes++;
    (void)pthread_cond_signal(&l->woken);
}

void lane_wake(struct lane *l)
{
    (void)pthread_mutex_lock(&l->in->lock);
    wake(l);
    (void)pthread_mutex_unlock(&l->in->lock);
}

void inspector_wake(struct inspector *in, bool is_large)
{
    lane_wake(is_large ? &in->slow : &in->quick);
}

uint64_t lane_wakes(struct lane *l)
{
    (void)pthread_mutex_lock(&l->in->lock);
    uint64_t wakes = l->wakes;
    (void)pthread_mutex_unlock(&l->in->lock);
    return wakes;
}

void lane_wait(struct lane *l, uint64_t seen, int64_t wait_ms)
{
    int64_t until_us = wait_deadline_us(wait_ms);
    (void)pthread_mutex_lock(&l->in->lock);
    while (l->wakes == seen && !l->in->is_stopping && wait_until(&l->woken, &l->in->lock, until_us))
        continue;
    (void)pthread_mutex_unlock(&l->in->lock);
}

int inspector_flying(struct inspector *in, const int *count)
{
    (void)pthread_mutex_lock(&in->lock);
    int n = *count;
    (void)pthread_mutex_unlock(&in->lock);
    return n;
}

void lane_pause(struct lane *l)
{
    l->pause_ms = l->pause_ms == 0 ? PAUSE_MS : l->pause_ms * 2 < PAUSE_MAX_MS ? l->pause_ms * 2 : PAUSE_MAX_MS;
    l->pause_until = clock_mono_ms() + l->pause_ms;
}

/* --- handing over --------------------------------------------------------------------------------------------- */

/* What the relay gives back with "kept": which of the counts it was. */
struct ticket {
    struct inspector *in;
    int              *flying;
    int64_t           seq;
};

/* Relay's or writer's thread. */
static void on_kept(void *user, const struct err *failed)
{
    struct ticket    *t = user;
    struct inspector *in = t->in;
    if (t->flying == &in->slow_flying)
        atomic_store(&in->slow_seq, 0);
    (void)pthread_mutex_lock(&in->lock);
    bool is_quick = t->flying == &in->quick_flying, was_full = in->quick_flying == IN_FLIGHT_MAX - BATCH;
    --*t->flying;
    if (failed && is_quick && (in->rewind_to == 0 || t->seq < in->rewind_to))
        in->rewind_to = t->seq;
    if (failed && t->flying == &in->slow_flying)
        in->has_slow_failed = true;
    if (was_full || (in->rewind_to > 0 && in->quick_flying == 0))
        wake(&in->quick);
    if (!is_quick)
        wake(&in->slow);
    (void)pthread_mutex_unlock(&in->lock);
    free(t);
}

void inspector_hand_over(struct inspector *in, struct understanding *u, enum arrival_state state, int *count)
{
    struct ticket *t = malloc(sizeof *t);
    if (!t) { /* it still waits in the store */
        understanding_free(&u);
        return;
    }
    *t = (struct ticket){ .in = in, .flying = count, .seq = u->arrival_seq };
    u->state = state;
    u->kept = on_kept;
    u->user = t;
    if (count == &in->slow_flying)
        atomic_store(&in->slow_seq, u->arrival_seq);
    (void)pthread_mutex_lock(&in->lock);
    ++*count;
    (void)pthread_mutex_unlock(&in->lock);
    if (in->options.mark)
        in->options.mark(u);
    if (in->options.devices)
        devices_learn(in->options.devices, &u->envelope, u->received_ms, &u->events);
    relay_take(in->relay, u);
}

/* Whether nobody was told of it so far; then it counts as told. */
static bool is_first_time(struct inspector *in, const char *rule)
{
    char *kept = strdup(rule);
    (void)pthread_mutex_lock(&in->lock);
    bool is_new = kept && in->rules_told_count < RULES_TOLD_MAX;
    for (size_t i = 0; i < in->rules_told_count && is_new; i++)
        is_new = strcmp(in->rules_told[i], rule) != 0;
    if (is_new)
        in->rules_told[in->rules_told_count++] = kept;
    (void)pthread_mutex_unlock(&in->lock);
    if (!is_new)
        free(kept);
    return is_new;
}

void inspector_tell_rule(struct inspector *in, const char *rule)
{
    char key[128], text[240];
    if (!is_first_time(in, rule))
        return;
    (void)snprintf(key, sizeof key, "rule %.64s", rule);
    (void)snprintf(text, sizeof text, "Parsers:Rules: rule %.64s takes too long with a mail; such mails are read without it", rule);
    log_line(LOG_WARN, "rule.slow", LOG_S("rule", rule));
    relay_system(in->relay, "system.settings", false, key, text);
}

/* When it was kept, by the monotonic clock, as far as the wall clock can say. */
static int64_t kept_mono_ms(const struct arrival_row *row)
{
    enum { BELIEVED_MS = 3600 * 1000 };
    int64_t age = clock_wall_ms() - row->received_ms;
    return age >= 0 && age < BELIEVED_MS ? clock_mono_ms() - age : 0;
}

struct understanding *understanding_of(const struct arrival_row *row)
{
    struct understanding           *u = understanding_new();
    CLEANUP(json_free) struct json *envelope = json_parse(row->envelope, strlen(row->envelope), NULL);
    if (!u || envelope_read(envelope, &u->arena, &u->envelope) < 0) {
        understanding_free(&u);
        return NULL;
    }
    u->arrival_seq = row->seq;
    memcpy(u->arrival_id, row->id, sizeof u->arrival_id);
    u->received_ms = row->received_ms;
    u->kept_mono_ms = kept_mono_ms(row);
    u->parser = u->subject = "";
    return u;
}

struct understanding *understanding_unreadable(const struct inspector *in, const struct arrival_row *row)
{
    const struct inspector_options *o = &in->options;
    struct understanding           *u = understanding_of(row);
    struct event                   *ev = u ? events_add(&u->events, "unreadable") : NULL;
    if (!ev) {
        understanding_free(&u);
        return NULL;
    }
    struct device_known known = { .kind = "" };
    if (o->devices)
        devices_recognise(o->devices, &u->envelope, &known);
    ev->device_id = known.id[0] ? arena_str(&u->arena, known.id)
                                : envelope_device(&u->envelope, o->alarm_user, o->status_user, &u->arena);
    ev->device_id = ev->device_name = ev->device_id ? ev->device_id : "";
    ev->text = arena_printf(&u->arena, "%lld kB", (long long)(row->bytes + 999) / 1000);
    if (envelope_is_for(&u->envelope, o->alarm_user) || strcmp(known.kind, "panel") == 0)
        ev->severity = SEVERITY_ALARM;
    return u;
}
