/* logins: see logins.h.   begin ─▶ waiting ─▶ in the pool ─▶ (a wrong one: its timer) ─▶ answered */
#include "net/logins.h"
#include "core/clock.h"
#include "core/log.h"
#include "net/guesses.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { AT_ONCE = 2, PEER_TEXT = 46 };

struct logins {
    uv_loop_t *loop;
    struct smtp_users users;
    struct guesses guesses;
    struct login *first, **last; /* waiting, in the order they came */
    size_t in_pool, count;       /* count: all that point here      */
    bool is_left;                /* free with the last of them      */
};

struct login {
    uv_work_t work;
    uv_timer_t wait;
    struct logins *all;
    struct login_owner owner; /* answered NULL: it has gone */
    struct smtp_credentials credentials;
    unsigned char address[16];
    char peer[PEER_TEXT];
    enum smtp_login answer;
    enum { LOGIN_WAITING, LOGIN_IN_POOL, LOGIN_ANSWERING } place;
    struct login *next;
};

struct logins *logins_new(struct uv_loop_s *loop, const struct smtp_users *users)
{
    struct logins *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->loop = loop;
    l->users = *users;
    l->last = &l->first;
    return l;
}

static void free_if_last(struct logins *l)
{
    if (l->is_left && l->count == 0)
        free(l);
}

void logins_free(struct logins **lp)
{
    struct logins *l = TAKE(*lp);
    if (!l)
        return;
    l->is_left = true;
    free_if_last(l);
}

/* --- the end of one ------------------------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t *handle)
{
    struct login *one = handle->data;
    struct logins *l = one->all;
    smtp_credentials_forget(&one->credentials);
    free(one);
    l->count--;
    free_if_last(l);
}

static void end(struct login *one)
{
    struct login_owner owner = one->owner;
    enum smtp_login answer = one->answer;
    uv_close((uv_handle_t *)&one->wait, on_closed);
    if (owner.answered)
        owner.answered(owner.user, answer);
}

static void on_waited(uv_timer_t *timer)
{
    end(timer->data);
}

/* A flood of guesses is a few lines: the first, the second, the fourth … */
static void say_wrong(const struct login *one, unsigned wrong, int64_t wait_ms)
{
    if ((wrong & (wrong - 1)) == 0)
        log_line(LOG_WARN, "login.wrong", LOG_S("peer", one->peer), LOG_S("user", one->credentials.user), LOG_I("wrong", wrong),
                 LOG_I("wait_ms", wait_ms), LOG_S("setting", "Smtp:Users"));
}

static void end_wrong(struct login *one)
{
    int64_t wait_ms;
    unsigned wrong = guesses_add(&one->all->guesses, one->address, clock_mono_ms(), &wait_ms);
    say_wrong(one, wrong, wait_ms);
    if (!one->owner.answered || uv_timer_start(&one->wait, on_waited, (uint64_t)wait_ms, 0) < 0)
        end(one);
}

/* --- the pool ------------------------------------------------------------------------------------------------------- */

static void start_some(struct logins *l);

/* Pool's thread. */
static void run(uv_work_t *work)
{
    struct login *one = work->data;
    one->answer = smtp_users_check(&one->all->users, &one->credentials);
}

static void after_run(uv_work_t *work, int status)
{
    struct login *one = work->data;
    struct logins *l = one->all;
    (void)status;
    one->place = LOGIN_ANSWERING;
    l->in_pool--;
    start_some(l); /* before `one` may be the last that holds it */
    if (one->answer == SMTP_LOGIN_WRONG)
        end_wrong(one);
    else
        end(one);
}

static void unlink_waiting(struct logins *l, struct login *one)
{
    struct login **at = &l->first;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    if (l->last == &one->next)
        l->last = at;
}

static struct login *choose(struct logins *l)
{
    struct login *best = l->first;
    int64_t now = clock_mono_ms();
    unsigned fewest = guesses_count(&l->guesses, best->address, now);
    for (struct login *one = best->next; one && fewest > 0; one = one->next) {
        unsigned wrong = guesses_count(&l->guesses, one->address, now);
        if (wrong < fewest) {
            best = one;
            fewest = wrong;
        }
    }
    return best;
}

static void start_some(struct logins *l)
{
    while (l->in_pool < AT_ONCE && l->first) {
        struct login *one = choose(l);
        unlink_waiting(l, one);
        one->place = LOGIN_IN_POOL;
        one->work.data = one;
        l->in_pool++;
        if (uv_queue_work(l->loop, &one->work, run, after_run) < 0)
            abort(); /* only a wrong argument makes it fail */
    }
}

/* --- the connection's side ------------------------------------------------------------------------------------------ */

static char *copy_of(const char *text, bool *has_failed)
{
    char *copy = text ? strdup(text) : NULL;
    *has_failed = *has_failed || (text && !copy);
    return copy;
}

static int copy_credentials(struct smtp_credentials *to, const struct smtp_credentials *from)
{
    bool has_failed = false;
    to->user = copy_of(from->user, &has_failed);
    to->password = copy_of(from->password, &has_failed);
    to->challenge = copy_of(from->challenge, &has_failed);
    to->digest = copy_of(from->digest, &has_failed);
    if (has_failed)
        smtp_credentials_forget(to);
    return has_failed ? -1 : 0;
}

struct login *login_begin(struct logins *l, const struct login_owner *owner, const unsigned char address[16], const char *peer,
                          const struct smtp_credentials *c)
{
    struct login *one = calloc(1, sizeof *one);
    if (!one || copy_credentials(&one->credentials, c) < 0) {
        free(one);
        return NULL;
    }
    one->all = l;
    one->owner = *owner;
    memcpy(one->address, address, sizeof one->address);
    (void)snprintf(one->peer, sizeof one->peer, "%s", peer);
    (void)uv_timer_init(l->loop, &one->wait);
    one->wait.data = one;
    l->count++;
    *l->last = one;
    l->last = &one->next;
    start_some(l);
    return one;
}

void login_leave(struct login **onep)
{
    struct login *one = TAKE(*onep);
    if (!one)
        return;
    one->owner = (struct login_owner){ 0 };
    if (one->place == LOGIN_IN_POOL)
        return; /* after_run ends it */
    if (one->place == LOGIN_WAITING)
        unlink_waiting(one->all, one);
    end(one);
}
