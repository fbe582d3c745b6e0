/* panel_poll: one GET, blocking, on a thread of libuv's pool; what it says goes to the relay as events of our own. */
#include "service/panel_poll.h"
#include "core/clock.h"
#include "core/log.h"
#include "service/panel.h"
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum { ANSWER_MAX = 512 * 1024, SECONDS = 20, TABLE_MAX = 64 * 1024 };

struct panel_poll {
    uv_loop_t    *loop;
    uv_work_t     work;
    struct relay *relay;
    const char   *address, *user, *password, *language, *table_recipient;
    int           day; /* of the year, at the last tick; -1: none yet */
    bool          is_running;
    atomic_bool   is_stopping;
};

static const char *usable(const struct settings *s, const char *path)
{
    const char *text = conf_text(conf_at(s->root, path), "");
    return strchr(text, '<') ? "" : text;
}

struct panel_poll *panel_poll_new(struct uv_loop_s *loop, const struct settings *s, struct relay *r)
{
    const char *address = usable(s, "Service:CentralStation:Address");
    if (!address[0] || !r)
        return NULL;
    struct panel_poll *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct panel_poll){
        .loop = loop, .relay = r, .address = address, .language = s->site_language, .day = -1,
        .user = usable(s, "Service:CentralStation:Username"), .password = usable(s, "Service:CentralStation:Password"),
    };
    for (size_t i = 0; i < s->people.recipient_count; i++)
        if (strcmp(s->people.recipients[i].name, "lupuserv-gotify-Sensors") == 0)
            p->table_recipient = s->people.recipients[i].name;
    p->work.data = p;
    return p;
}

void panel_poll_free(struct panel_poll **p)
{
    free(*p);
    *p = NULL;
}

void panel_poll_stop(struct panel_poll *p)
{
    if (p)
        atomic_store(&p->is_stopping, true);
}

/* --- asking ---------------------------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    return buf_add(user, bytes, size * count, NULL) == 0 ? size * count : 0;
}

/* libcurl asks about once a second whether to go on. */
static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    struct panel_poll *p = user;
    return atomic_load(&p->is_stopping);
}

static int fetch(struct panel_poll *p, struct buf *answer, struct err *e)
{
    CLEANUP(buf_done) struct buf url;
    buf_init(&url, 1024);
    size_t n = strlen(p->address);
    while (n > 0 && p->address[n - 1] == '/')
        n--;
    buf_put(&url, p->address, n);
    buf_puts(&url, "/action/sensorListGet");
    CURL *c = curl_easy_init();
    if (!c || url.failed) {
        curl_easy_cleanup(c);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    (void)curl_easy_setopt(c, CURLOPT_URL, buf_str(&url));
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)SECONDS);
    (void)curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    (void)curl_easy_setopt(c, CURLOPT_USERNAME, p->user);
    (void)curl_easy_setopt(c, CURLOPT_PASSWORD, p->password);
    (void)curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, p);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(c);
    curl_easy_cleanup(c);
    return code == CURLE_OK ? 0 : err_set(e, ERR_IO, "ask the panel: %s", curl_easy_strerror(code));
}

/* --- telling --------------------------------------------------------------------------------------------------- */

static struct understanding *new_events(void)
{
    struct understanding *u = understanding_new();
    if (!u)
        return NULL;
    u->received_ms = clock_wall_ms();
    u->parser = "panel";
    u->envelope = (struct envelope){ .listener = "panel", .peer = "", .helo = "", .login = "", .from = "" };
    u->state = ARRIVAL_UNDERSTOOD;
    return u;
}

static void add_event(struct understanding *u, const char *kind, const struct sensor *s, const char *words)
{
    struct event *ev = events_add(&u->events, kind);
    if (!ev)
        return;
    ev->device_id = ev->device_name = "panel";
    ev->zone_number = s->number > 0 ? s->number : ZONE_NONE;
    ev->zone_name = arena_str(&u->arena, s->name);
    ev->text = arena_printf(&u->arena, "%s: %s", s->name, words);
}

static void tell_trouble(struct panel_poll *p, const struct sensor *sensors, size_t count)
{
    struct understanding *u = new_events();
    for (size_t i = 0; u && i < count; i++) {
        if (sensor_has_low_battery(&sensors[i]))
            add_event(u, "trouble.battery", &sensors[i], sensors[i].battery);
        if (sensor_is_tampered(&sensors[i]))
            add_event(u, "trouble.tamper", &sensors[i], sensors[i].tamper);
    }
    if (u && u->events.count > 0)
        relay_take(p->relay, TAKE(u));
    understanding_free(&u);
}

static void tell_table(struct panel_poll *p, const struct sensor *sensors, size_t count)
{
    struct understanding *u = p->table_recipient ? new_events() : NULL;
    if (!u)
        return;
    CLEANUP(buf_done) struct buf table;
    buf_init(&table, TABLE_MAX);
    panel_table(sensors, count, p->language, &table);
    struct event *ev = events_add(&u->events, "system.sensors");
    if (ev) {
        ev->text = arena_str(&u->arena, buf_str(&table));
        u->only_recipient = p->table_recipient;
        relay_take(p->relay, TAKE(u));
    }
    understanding_free(&u);
}

/* --- the poll -------------------------------------------------------------------------------------------------- */

static void run(uv_work_t *work)
{
    struct panel_poll *p = work->data;
    CLEANUP(buf_done) struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    CLEANUP(arena_done) struct arena arena;
    arena_init(&arena, ANSWER_MAX * 2);
    struct sensor *sensors = NULL;
    size_t         count = 0;
    struct err     e;
    if (fetch(p, &answer, &e) < 0 || panel_read(buf_str(&answer), answer.len, &arena, &sensors, &count, &e) < 0) {
        log_line(LOG_WARN, "panel.failed", LOG_S("text", e.text));
        return;
    }
    log_line(LOG_INFO, "panel.polled", LOG_I("sensors", count));
    tell_trouble(p, sensors, count);
    tell_table(p, sensors, count);
}

static void after(uv_work_t *work, int status)
{
    (void)status;
    ((struct panel_poll *)work->data)->is_running = false;
}

void panel_poll_tick(struct panel_poll *p, int64_t wall_ms)
{
    if (!p)
        return;
    struct tm now;
    clock_local(wall_ms, &now);
    bool is_new_day = p->day >= 0 && now.tm_yday != p->day;
    p->day = now.tm_yday;
    if (is_new_day && !p->is_running && !atomic_load(&p->is_stopping))
        p->is_running = uv_queue_work(p->loop, &p->work, run, after) == 0;
}

bool panel_poll_is_running(const struct panel_poll *p)
{
    return p && p->is_running;
}
