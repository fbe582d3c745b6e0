/* inspector_promise: what is not read within 10 s of its 250 is told as unreadable. Marks say which arrival was the last at which
 * time; when a mark is 10 s old, what is still only kept up to there is overdue. Monotonic time only. */
#include "core/clock.h"
#include "core/log.h"
#include "service/inspector_inside.h"

enum { LOOK_MS = 1000 };

static void set_mark(struct inspector *in, int64_t now)
{
    int64_t      seq = store_last_arrival(in->store);
    struct mark *last = &in->marks[(in->oldest + in->mark_count + MARKS - 1) % MARKS];
    if (in->mark_count > 0 && (last->seq == seq || now - last->mono_ms < in->options.unreadable_ms / (MARKS / 2)))
        return;
    if (in->mark_count == MARKS)
        return; /* it is set when the oldest is due, a moment later */
    in->marks[(in->oldest + in->mark_count++) % MARKS] = (struct mark){ now, seq };
}

/* Up to which arrival the time is over; 0: none. */
static int64_t due_up_to(struct inspector *in, int64_t now)
{
    int64_t up_to = in->promised;
    while (in->mark_count > 0 && in->marks[in->oldest].mono_ms + in->options.unreadable_ms <= now) {
        up_to = in->marks[in->oldest].seq;
        if (in->mark_count == 1)
            break; /* the last one stays: it says what was seen */
        in->oldest = (in->oldest + 1) % MARKS;
        in->mark_count--;
    }
    return up_to;
}

/* Read already, and on its way to the disk. */
static bool is_on_its_way(struct inspector *in, const struct arrival_row *row)
{
    if (!row->is_large && row->tries == 0)
        return row->seq <= in->quick.after && inspector_flying(in, &in->quick_flying) > 0;
    return atomic_load(&in->slow_seq) == row->seq;
}

/* Tells what is overdue; true when nothing of it is left. */
static bool tell_overdue(struct inspector *in, int64_t up_to)
{
    struct arrival_row         rows[BATCH];
    struct err                 e;
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, BATCH_ARENA);
    int  n = store_overdue_arrivals(in->quick.reader, up_to, rows, BATCH, &a, &e);
    bool is_all = n >= 0 && n < BATCH;
    for (int i = 0; i < n; i++) {
        struct understanding *u = is_on_its_way(in, &rows[i]) ? NULL : understanding_unreadable(in, &rows[i]);
        is_all = is_all && u;
        if (!u)
            continue;
        log_line(LOG_WARN, "inspector.late", LOG_S("arrival", rows[i].id), LOG_I("bytes", rows[i].bytes));
        inspector_hand_over(in, u, ARRIVAL_TOLD, &in->told_flying);
    }
    return is_all;
}

void inspector_keep_promise(struct inspector *in)
{
    int64_t now = clock_mono_ms();
    set_mark(in, now);
    int64_t up_to = due_up_to(in, now);
    if (up_to > in->promised && inspector_flying(in, &in->told_flying) == 0 && tell_overdue(in, up_to))
        in->promised = up_to;
}

int64_t inspector_promise_wait_ms(const struct inspector *in)
{
    int64_t step = in->options.unreadable_ms / (MARKS / 2);
    bool    is_pending = in->mark_count > 1 || in->marks[in->oldest].seq > in->promised;
    return is_pending && step < LOOK_MS ? step : LOOK_MS;
}
