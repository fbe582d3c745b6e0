/* clock_watch: a look every second; the database is written in libuv's pool. */
#include "service/clock_watch.h"
#include "core/attr.h"
#include "core/clock.h"
#include "core/log.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { BOOT_BYTES = 40 };
static const int64_t day_ms = 86400000;

struct clock_watch {
    uv_loop_t         *loop;
    uv_work_t          work;
    struct store      *store;
    struct clock_doubt doubt;
    char               boot[BOOT_BYTES];
    void              *user;
    void (*corrected)(void *user, const struct clock_stepped *how);
    bool is_working, is_owed; /* a correction that could not be written */
    /* Of the work. */
    enum clock_news      news;
    struct clock_now     now;
    struct clock_stepped how;
    int                  result; /* of the correction: 1 done */
    struct err           failed;
};

/* --- the judgement -------------------------------------------------------------------------------------------------------- */

enum clock_news clock_doubt_look(struct clock_doubt *d, int64_t wall_ms, int64_t mono_ms, bool is_kept)
{
    int64_t base_ms = wall_ms - mono_ms;
    bool    was_there = d->is_there, has_stepped = d->is_begun && llabs(base_ms - d->base_ms) >= CLOCK_STEP_LEAST_MS;
    bool    is_there = !clock_is_set(wall_ms) || (!is_kept && mono_ms < day_ms);
    d->base_ms = base_ms;
    d->is_begun = true;
    if (was_there && has_stepped)
        return CLOCK_STEPPED; /* whether that was all is the next look's question */
    d->is_there = is_there;
    return is_there == was_there ? CLOCK_NO_NEWS : is_there ? CLOCK_DOUBT_BEGINS : CLOCK_DOUBT_ENDS;
}

/* --- the work --------------------------------------------------------------------------------------------------------------- */

static int act(struct clock_watch *w)
{
    switch (w->news) {
    case CLOCK_DOUBT_BEGINS: return clock_doubt_begin(w->store, &w->now, &w->failed);
    case CLOCK_STEPPED: return clock_doubt_correct(w->store, &w->now, &w->how, &w->failed);
    case CLOCK_DOUBT_ENDS: return clock_doubt_end(w->store, &w->failed);
    case CLOCK_NO_NEWS: break;
    }
    return 0;
}

static void say(struct clock_watch *w)
{
    if (w->result < 0)
        log_line(LOG_ERROR, "clock.failed", LOG_S("text", w->failed.text));
    else if (w->news == CLOCK_DOUBT_BEGINS)
        log_line(clock_is_set(w->now.wall_ms) ? LOG_INFO : LOG_WARN, "clock.doubt", LOG_S("text", "the clock may not have been set yet: what is kept now gets its time once it is"));
    else if (w->news == CLOCK_STEPPED && w->result > 0)
        w->corrected(w->user, &w->how);
}

static void on_work(uv_work_t *work)
{
    struct clock_watch *w = work->data;
    w->result = act(w);
}

static void on_worked(uv_work_t *work, int status)
{
    struct clock_watch *w = work->data;
    w->is_working = false;
    if (status != 0)
        return;
    w->is_owed = w->news == CLOCK_STEPPED && w->result < 0;
    say(w);
}

static void read_now(struct clock_watch *w)
{
    w->now = (struct clock_now){ .boot = w->boot, .wall_ms = clock_wall_ms(), .mono_ms = clock_mono_ms() };
}

void clock_watch_tick(struct clock_watch *w)
{
    if (!w || w->is_working)
        return;
    read_now(w);
    w->news = w->is_owed ? CLOCK_STEPPED : clock_doubt_look(&w->doubt, w->now.wall_ms, w->now.mono_ms, clock_is_kept());
    if (w->news != CLOCK_NO_NEWS)
        w->is_working = uv_queue_work(w->loop, &w->work, on_work, on_worked) == 0;
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */

/* "" where it cannot be read. */
static void read_boot(char out[BOOT_BYTES])
{
    int     fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, BOOT_BYTES - 1) : 0;
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, " \n")] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

/* The clock may have been set while nobody ran. */
static void catch_up(struct clock_watch *w)
{
    w->news = CLOCK_STEPPED;
    w->result = act(w);
    say(w);
    w->news = w->doubt.is_there ? CLOCK_DOUBT_BEGINS : CLOCK_DOUBT_ENDS;
    w->result = act(w);
    if (w->doubt.is_there || w->result < 0)
        say(w);
}

struct clock_watch *clock_watch_start(struct uv_loop_s *loop, struct store *s, void *user,
                                      void (*corrected)(void *user, const struct clock_stepped *how))
{
    struct clock_watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->loop = loop;
    w->store = s;
    w->user = user;
    w->corrected = corrected;
    w->work.data = w;
    read_boot(w->boot);
    read_now(w);
    (void)clock_doubt_look(&w->doubt, w->now.wall_ms, w->now.mono_ms, clock_is_kept());
    if (w->doubt.is_there || clock_doubt_is_noted(s))
        catch_up(w);
    return w;
}

void clock_watch_free(struct clock_watch **w)
{
    free(TAKE(*w));
}
