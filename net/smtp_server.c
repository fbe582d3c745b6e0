/* smtp_server: listeners, the list of connections, what becomes of their mails, and the end of it all. */
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "net/smtp_server_inside.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SPOOL_MOST = 1024 * 1024, /* of one mail in memory: a mail with pictures is one job of the pool */
    SPOOL_LEAST = 128 * 1024, /* … when many send at once                                           */
    SPOOL_ALL = 64 * 1024 * 1024,
    CHECK_MOST_MS = 1000, /* how often deadlines are looked at */
    CHECK_LEAST_MS = 10,
    TELL_EVERY_MS = 3600 * 1000,
    /* Parting for a moment: callers wait meanwhile, so nobody is listened to for long who says nothing. */
    LONG_MAIL_MS = 1000,     /* a mail that has been coming so long may take long yet  */
    PAUSE_MS = 250,          /* of silence after a mail: there is no other             */
    FIRST_WORD_MS = 1000,    /* of silence before the first one                        */
    PART_MS = 500,           /* after that each mail is the last of its conversation … */
    PART_FRESH_MS = 2000,    /* … and who has sent none has had its time               */
};

const char *const smtp_socket_names[DOORS] = { [DOOR_MAIN] = "postern.smtp", [DOOR_TLS] = "postern.smtp-tls", [DOOR_LEGACY] = "postern.smtp-legacy" };

static const unsigned char nobody[16]; /* repeats that are nobody's in particular */

/* --- the list of connections --------------------------------------------------------------------------------------- */

static void maybe_stopped(struct smtp_server *s);
static void on_check(uv_timer_t *timer);

static void count_changed(struct smtp_server *s)
{
    size_t share = s->count > 0 ? SPOOL_ALL / s->count : SPOOL_MOST;
    s->shared.spool_bytes = share > SPOOL_MOST ? SPOOL_MOST : share < SPOOL_LEAST ? SPOOL_LEAST : share;
    metrics_set(METRIC_SMTP_CONNECTIONS, NULL, NULL, (double)s->count);
    store_hint_conversation(s->store, (int)s->count - (int)s->hinted);
    s->hinted = s->count;
}

static int64_t check_every_ms(const struct smtp_server *s)
{
    const struct smtp_options *o = &s->options;
    int64_t shortest = o->command_ms < o->data_ms ? o->command_ms : o->data_ms;
    shortest = o->session_ms < shortest ? o->session_ms : shortest;
    shortest = (o->tls_ms > 0 && o->tls_ms < shortest ? o->tls_ms : shortest) / 4;
    return shortest > CHECK_MOST_MS ? CHECK_MOST_MS : shortest < CHECK_LEAST_MS ? CHECK_LEAST_MS : shortest;
}

static void add(struct smtp_server *s, struct smtp_conn *c)
{
    *smtp_conn_link(c) = (struct smtp_conn_link){ .next = s->first };
    if (s->first)
        smtp_conn_link(s->first)->previous = c;
    s->first = c;
    if (s->count++ == 0)
        (void)uv_timer_start(&s->check, on_check, (uint64_t)check_every_ms(s), (uint64_t)check_every_ms(s));
    count_changed(s);
}

static void on_closed(void *user, struct smtp_conn *c)
{
    struct smtp_server *s = user;
    struct smtp_conn_link *link = smtp_conn_link(c);
    if (link->next)
        smtp_conn_link(link->next)->previous = link->previous;
    if (link->previous)
        smtp_conn_link(link->previous)->next = link->next;
    else
        s->first = link->next;
    peers_remove(s->peers, smtp_conn_address(c));
    if (--s->count == 0 && s->stop_by_ms == 0)
        (void)uv_timer_stop(&s->check); /* nobody here: the machine may sleep */
    count_changed(s);
}

static void on_accepted(void *user, int fd, const struct sockaddr *peer)
{
    struct door *door = user;
    struct smtp_server *s = door->server;
    unsigned char address[16];
    if (!cidr_address(peer, address)) {
        (void)close(fd);
        return;
    }
    enum stranger verdict = smtp_welcome(door, peer, address);
    if (verdict != WELCOME) {
        smtp_turn_away(s, fd, address, verdict);
        return;
    }
    if (peers_add(s->peers, address) < 0) {
        smtp_turn_away(s, fd, address, TOO_MANY);
        return;
    }
    struct smtp_conn *c = smtp_conn_open(&s->shared, &door->way, fd, address);
    if (!c) {
        char text[CIDR_TEXT];
        peers_remove(s->peers, address);
        smtp_say_refused(s, address, cidr_text(address, text), "memory", NULL, NULL);
        return;
    }
    add(s, c);
    smtp_conn_begin(c);
}

static void on_paused(void *user, const struct err *e)
{
    struct smtp_server *s = ((struct door *)user)->server;
    uint64_t repeats;
    if (repeats_say(&s->repeats, nobody, "paused", clock_mono_ms(), &repeats))
        log_line(LOG_WARN, "smtp.paused", LOG_S("error", e->text), LOG_I("open", s->count), LOG_I("repeats", repeats));
}

static bool has_nothing_to_say(const struct smtp_server *s, const struct smtp_conn *c, int64_t now)
{
    bool has_sent = smtp_conn_has_sent(c);
    return now - smtp_conn_last_ms(c) >= (has_sent ? PAUSE_MS : FIRST_WORD_MS) || now - s->part_ms >= (has_sent ? PART_MS : PART_FRESH_MS);
}

/* Those that may go, for a moment. */
static void part(struct smtp_server *s, int64_t now)
{
    s->shared.is_stopping = now - s->part_ms >= PART_MS;
    for (struct smtp_conn *c = s->first, *next; c; c = next) {
        next = smtp_conn_link(c)->next;
        if (smtp_conn_is_idle(c) && has_nothing_to_say(s, c, now))
            (void)smtp_conn_end(c, SMTP_END_STOPPING);
    }
}

static void on_check(uv_timer_t *timer)
{
    struct smtp_server *s = timer->data;
    int64_t now = clock_mono_ms();
    if (s->part_ms != 0)
        part(s, now);
    for (struct smtp_conn *c = s->first, *next; c; c = next) {
        next = smtp_conn_link(c)->next;
        if (s->stop_by_ms != 0 && now >= s->stop_by_ms && smtp_conn_end(c, SMTP_END_STOPPING))
            smtp_conn_drop(c);
        else
            smtp_conn_check(c, now);
    }
    if (s->stop_by_ms != 0)
        maybe_stopped(s);
}

static const struct smtp_profile *profile_of(void *user, const unsigned char address[16])
{
    const struct smtp_options *o = &((struct smtp_server *)user)->options;
    return o->profile_of && !gateways_hide(&o->gateways, address) ? o->profile_of(o->user, address) : NULL;
}

/* --- whose mail may be taken ---------------------------------------------------------------------------------------- */

static const struct smtp_refusal *ask(void *user, const unsigned char address[16], uint64_t size)
{
    struct smtp_server *s = user;
    const struct smtp_options *o = &s->options;
    bool is_panel = o->is_panel && !smtp_is_hidden(s, address) && o->is_panel(o->user, address);
    bool is_free = is_panel || smtp_is_hidden(s, address);
    return smtp_gate_ask(&s->gate, address, !is_free, size);
}

static const struct smtp_refusal *watch(void *user, int64_t bytes)
{
    return smtp_gate_watch(&((struct smtp_server *)user)->gate, bytes);
}

/* --- what becomes of mails ------------------------------------------------------------------------------------------ */

static void on_ended(void *user, const struct arrival *a, const char *peer, const char *from, size_t to_count, int64_t took_ms,
                     const struct err *failed)
{
    struct smtp_server *s = user;
    if (failed) {
        metrics_add(METRIC_ARRIVALS, "smtp", "failed", 1);
        uint64_t repeats;
        if (repeats_say(&s->repeats, nobody, "failed", clock_mono_ms(), &repeats))
            log_line(LOG_ERROR, "mail.failed", LOG_S("peer", peer), LOG_S("from", from), LOG_I("bytes", a->bytes),
                     LOG_S("error", failed->text), LOG_I("repeats", repeats));
        return;
    }
    metrics_add(METRIC_ARRIVALS, "smtp", "kept", 1);
    log_line(LOG_INFO, "mail.kept", LOG_S("peer", peer), LOG_S("from", from), LOG_I("to", to_count), LOG_I("bytes", a->bytes),
             LOG_S("id", a->id), LOG_I("ms", took_ms));
    s->options.kept(s->options.user, a);
}

static bool has_mail(const struct envelope *env)
{
    return env->from[0] || env->to_count > 0;
}

static void on_refused(void *user, const unsigned char address[16], const char *peer, const struct smtp_refusal *r)
{
    struct smtp_server *s = user;
    if (strcmp(r->reason, "size") == 0)
        metrics_add(METRIC_ARRIVALS, "smtp", "refused", 1);
    smtp_say_refused(s, address, peer, r->reason, r->setting, r->reply);
    if (has_mail(r->envelope))
        s->options.refused(s->options.user, peer, r);
    else if (strcmp(r->reason, "timeout") != 0) /* that a link lies idle is nobody's trouble */
        smtp_tell_refused(s, address, peer, *r);
}

static void on_aborted(void *user, const unsigned char address[16], const char *peer, int64_t bytes, const char *why)
{
    struct smtp_server *s = user;
    uint64_t repeats;
    metrics_add(METRIC_ARRIVALS, "smtp", "aborted", 1);
    if (repeats_say(&s->repeats, address, why, clock_mono_ms(), &repeats))
        log_line(LOG_WARN, "mail.aborted", LOG_S("peer", peer), LOG_I("bytes", bytes), LOG_S("why", why),
                 LOG_I("repeats", repeats));
}

static void on_tls_failed(void *user, const unsigned char address[16], const char *peer, const struct tls_failure *why)
{
    struct smtp_server *s = user;
    uint64_t repeats;
    metrics_add(METRIC_SMTP_TLS_FAILED, why->reason, NULL, 1);
    if (repeats_say(&s->repeats, address, why->reason, clock_mono_ms(), &repeats))
        log_line(LOG_INFO, "smtp.tls_failed", LOG_S("peer", peer), LOG_S("reason", why->reason), LOG_S("text", why->text),
                 LOG_S("setting", why->setting), LOG_I("repeats", repeats));
}

static void on_spoke(void *user, const struct transcript *t)
{
    const struct smtp_options *o = &((struct smtp_server *)user)->options;
    if (o->spoke)
        o->spoke(o->user, t);
}

/* --- life -------------------------------------------------------------------------------------------------------------- */

static void share(struct smtp_server *s, struct uv_loop_s *loop, struct store *store)
{
    const struct smtp_options *o = &s->options;
    s->store = store;
    s->told.quiet_ms = TELL_EVERY_MS;
    s->gate = (struct smtp_gate){ .store = store, .intakes = s->intakes, .limits = o->gate };
    s->shared = (struct smtp_conn_shared){
        .loop = loop,
        .intakes = s->intakes,
        .limits = o->limits,
        .auth = o->auth,
        .logins = s->logins,
        .hostname = s->hostname,
        .small_bytes = store_small_max(store),
        .command_ms = o->command_ms,
        .data_ms = o->data_ms,
        .session_ms = o->session_ms,
        .tls_ms = o->tls_ms,
        .plain = &s->plain,
        .tls_failed = on_tls_failed,
        .input = s->input,
        .input_bytes = sizeof s->input,
        .user = s,
        .profile_of = profile_of,
        .message_ms = o->message_ms,
        .bytes_per_second = o->bytes_per_second,
        .ask = ask,
        .watch = watch,
        .refused = on_refused,
        .aborted = on_aborted,
        .spoke = on_spoke,
        .closed = on_closed,
    };
    count_changed(s);
}

static void on_handle_closed(void *user)
{
    struct smtp_server *s = user;
    if (--s->open_handles == 0 && s->stopped)
        s->stopped(s->stopped_user);
}

static int open_door(struct smtp_server *s, struct uv_loop_s *loop, int door, int port, struct err *e)
{
    const struct listener_options listener = {
        .address = s->options.address,
        .port = port,
        .name = smtp_socket_names[door],
        .user = &s->doors[door],
        .accepted = on_accepted,
        .paused = on_paused,
    };
    s->doors[door].server = s;
    if (listener_open(loop, &listener, &s->doors[door].listener, e) < 0)
        return -1;
    s->open_handles++;
    return 0;
}

/* One that cannot be opened keeps no mail from the others. */
static void open_side_doors(struct smtp_server *s, struct uv_loop_s *loop)
{
    const struct {
        int door, port;
        const char *setting;
    } wanted[] = { { DOOR_TLS, s->options.tls_port, "Smtp:TlsPort" }, { DOOR_LEGACY, s->options.legacy_port, "Smtp:Legacy:Port" } };
    struct err e;
    s->doors[DOOR_TLS].way.manner = SMTP_BY_TLS;
    s->doors[DOOR_LEGACY].way.manner = SMTP_BY_EITHER;
    for (size_t i = 0; i < COUNT(wanted); i++)
        if (wanted[i].port > 0 && open_door(s, loop, wanted[i].door, wanted[i].port, &e) < 0)
            log_line(LOG_ERROR, "smtp.closed", LOG_S("setting", wanted[i].setting), LOG_S("text", e.text));
}

static int start(struct smtp_server *s, struct uv_loop_s *loop, struct store *store, struct err *e)
{
    const struct smtp_options *o = &s->options;
    const struct intakes_options intakes = { .user = s, .ended = on_ended };
    s->hostname = strdup(o->hostname);
    s->peers = peers_new();
    s->logins = logins_new(loop, &s->options.users);
    if (!s->hostname || !s->peers || !s->logins)
        return err_set(e, ERR_NOMEM, "out of memory");
    buf_init(&s->plain, (size_t)SERVER_INPUT_BYTES * 2); /* a record that was begun before may end in this input */
    if (open_door(s, loop, DOOR_MAIN, o->port, e) < 0 || intakes_open(loop, store, &intakes, &s->intakes, e) < 0)
        return -1;
    open_side_doors(s, loop);
    return 0;
}

static void free_memory(struct smtp_server *s)
{
    for (size_t i = 0; i < DOORS; i++)
        tls_context_drop(&s->doors[i].way.tls);
    buf_done(&s->plain);
    peers_free(&s->peers);
    logins_free(&s->logins);
    free(s->hostname);
    free(s);
}

static void on_failed_start_closed(void *user)
{
    free_memory(user);
}

int smtp_server_start(struct uv_loop_s *loop, struct store *store, const struct smtp_options *o, struct smtp_server **out,
                      struct err *e)
{
    struct smtp_server *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_NOMEM, "out of memory");
    s->options = *o;
    if (start(s, loop, store, e) < 0) {
        if (s->doors[DOOR_MAIN].listener)
            listener_close(&s->doors[DOOR_MAIN].listener, on_failed_start_closed, s);
        else
            free_memory(s);
        return -1;
    }
    (void)uv_timer_init(loop, &s->check);
    s->check.data = s;
    s->open_handles += 2;
    share(s, loop, store);
    *out = s;
    return 0;
}

static int port_of(const struct door *door)
{
    return door->listener ? listener_port(door->listener) : 0;
}

int smtp_server_port(const struct smtp_server *s)
{
    return port_of(&s->doors[DOOR_MAIN]);
}

int smtp_server_tls_port(const struct smtp_server *s)
{
    return port_of(&s->doors[DOOR_TLS]);
}

int smtp_server_legacy_port(const struct smtp_server *s)
{
    return port_of(&s->doors[DOOR_LEGACY]);
}

void smtp_server_use_tls(struct smtp_server *s, struct tls_context *modern, struct tls_context *legacy)
{
    for (int i = 0; i < DOORS; i++) {
        tls_context_drop(&s->doors[i].way.tls);
        s->doors[i].way.tls = tls_context_keep(i == DOOR_LEGACY ? legacy : modern);
    }
}

static void on_check_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void maybe_stopped(struct smtp_server *s)
{
    if (s->count > 0 || !s->intakes || intakes_count(s->intakes) > 0)
        return;
    intakes_close(&s->intakes, on_handle_closed, s);
    uv_close((uv_handle_t *)&s->check, on_check_closed);
}

static void begin_stop(struct smtp_server *s, int64_t grace_ms, void (*stopped)(void *user), void *user)
{
    s->stopped = stopped;
    s->stopped_user = user;
    s->stop_by_ms = clock_mono_ms() + grace_ms;
    for (size_t i = 0; i < DOORS; i++)
        if (s->doors[i].listener)
            listener_close(&s->doors[i].listener, on_handle_closed, s);
    (void)uv_timer_start(&s->check, on_check, 0, CHECK_LEAST_MS);
}

void smtp_server_stop(struct smtp_server *s, int64_t grace_ms, void (*stopped)(void *user), void *user)
{
    s->shared.is_stopping = true;
    begin_stop(s, grace_ms, stopped, user);
    for (struct smtp_conn *c = s->first, *next; c; c = next) {
        next = smtp_conn_link(c)->next;
        if (smtp_conn_is_idle(c))
            (void)smtp_conn_end(c, SMTP_END_STOPPING);
    }
}

void smtp_server_part(struct smtp_server *s, int64_t grace_ms, void (*stopped)(void *user), void *user)
{
    s->part_ms = clock_mono_ms();
    begin_stop(s, grace_ms, stopped, user);
}

bool smtp_server_is_calm(const struct smtp_server *s)
{
    int64_t now = clock_mono_ms();
    for (struct smtp_conn *c = s->first; c; c = smtp_conn_link(c)->next)
        if (smtp_conn_busy_ms(c, now) > LONG_MAIL_MS)
            return false;
    return true;
}

int smtp_server_keep(const struct smtp_server *s, unsigned which, struct err *e)
{
    for (size_t i = 0; i < DOORS; i++)
        if ((which & 1U << i) && s->doors[i].listener && listener_keep(s->doors[i].listener, e) < 0)
            return -1;
    return 0;
}

void smtp_server_free(struct smtp_server **sp)
{
    struct smtp_server *s = TAKE(*sp);
    if (s)
        free_memory(s);
}
