/* drill: the mail out, the mark on its way in, and the wait for what became of it.
 *
 * The nonce is of the process, not of one drill: a drill's mail that is read late must still say TEST. What each of the last
 * drills asked for stands in `asked`; the mail's sender carries its number. */
#include "service/drill.h"
#include "core/clock.h"
#include "core/event.h"
#include "store/query.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    WAIT_MS = 30 * 1000,
    SMTP_SECONDS = 10,
    POLL_MS = 25,
    ASKED_KEPT = 16,
    NAME_BYTES = 96,
    LOGIN_BYTES = 48,
    MAIL_BYTES = 2048,
};

struct asked {
    unsigned number;
    char     recipient[NAME_BYTES], kind[NAME_BYTES]; /* recipient "": by the routes */
    int64_t  arrival_seq;                             /* 0: not read yet */
    char     arrival[ID_TEXT];
};

static struct {
    pthread_mutex_t lock; /* guards all below */
    char            login[LOGIN_BYTES];
    unsigned        last;
    bool            is_running;
    struct asked    asked[ASKED_KEPT];
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct drill {
    struct store        *store;
    const struct people *people;
    char                 url[128];
    atomic_bool          is_stopping;
};

static const char password[] = "drill"; /* the secret is the login */

/* --- life --------------------------------------------------------------------------------------------------------- */

static int draw_login(struct err *e)
{
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(e, ERR_IO, "getrandom: %m");
    CLEANUP(buf_done) struct buf login;
    buf_init(&login, LOGIN_BYTES - 1);
    buf_puts(&login, "drill-");
    for (size_t i = 0; i < sizeof random; i++)
        buf_printf(&login, "%02x", random[i]);
    (void)pthread_mutex_lock(&all.lock);
    if (!all.login[0])
        (void)snprintf(all.login, sizeof all.login, "%s", buf_str(&login));
    (void)pthread_mutex_unlock(&all.lock);
    return 0;
}

int drill_user(struct smtp_user *out, struct err *e)
{
    if (draw_login(e) < 0)
        return -1;
    *out = (struct smtp_user){ .name = all.login, .secret = password };
    return 0;
}

static const char *host_to_ask(const char *bound)
{
    bool is_everywhere = bound[0] == '\0' || strcmp(bound, "0.0.0.0") == 0;
    return is_everywhere ? "127.0.0.1" : strcmp(bound, "::") == 0 ? "::1" : bound;
}

int drill_new(struct store *s, const char *smtp_address, int smtp_port, const struct people *people, struct drill **out,
              struct err *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_IO, "libcurl did not start");
    struct drill *d = calloc(1, sizeof *d);
    if (!d)
        return err_set(e, ERR_NOMEM, "out of memory");
    d->store = s;
    d->people = people;
    const char *host = host_to_ask(smtp_address);
    (void)snprintf(d->url, sizeof d->url, strchr(host, ':') ? "smtp://[%s]:%d/postern" : "smtp://%s:%d/postern", host, smtp_port);
    atomic_init(&d->is_stopping, false);
    if (draw_login(e) < 0) {
        free(d);
        return -1;
    }
    *out = d;
    return 0;
}

void drill_stop(struct drill *d)
{
    if (d)
        atomic_store(&d->is_stopping, true);
}

void drill_free(struct drill **d)
{
    free(*d);
    *d = NULL;
}

/* --- what was asked ------------------------------------------------------------------------------------------------ */

static bool is_recipient(const struct people *people, const char *name)
{
    for (size_t i = 0; i < people->recipient_count; i++)
        if (strcmp(people->recipients[i].name, name) == 0)
            return true;
    return false;
}

static int check(const struct drill *d, const char *recipient, const char *kind, struct err *e)
{
    if (recipient && (strlen(recipient) >= NAME_BYTES || !is_recipient(d->people, recipient)))
        return err_set(e, ERR_INPUT, "to: there is no recipient \"%.60s\"", recipient);
    if (kind && (strlen(kind) >= NAME_BYTES || !kind_is_known(kind)))
        return err_set(e, ERR_INPUT, "kind: there is no kind \"%.60s\"", kind);
    return 0;
}

/* The caller's copy in *out. */
static int begin(const char *recipient, const char *kind, struct asked *out, char login_out[LOGIN_BYTES], struct err *e)
{
    (void)pthread_mutex_lock(&all.lock);
    bool is_busy = all.is_running;
    if (!is_busy) {
        all.is_running = true;
        struct asked *a = &all.asked[++all.last % ASKED_KEPT];
        *a = (struct asked){ .number = all.last };
        (void)snprintf(a->recipient, sizeof a->recipient, "%s", recipient ? recipient : "");
        (void)snprintf(a->kind, sizeof a->kind, "%s", kind ? kind : "test.manual");
        *out = *a;
        memcpy(login_out, all.login, LOGIN_BYTES);
    }
    (void)pthread_mutex_unlock(&all.lock);
    return is_busy ? err_set(e, ERR_STATE, "another test runs; one at a time") : 0;
}

static void end(void)
{
    (void)pthread_mutex_lock(&all.lock);
    all.is_running = false;
    (void)pthread_mutex_unlock(&all.lock);
}

/* Whether the inspector has read it; then *a knows its arrival. */
static bool is_read(struct asked *a)
{
    (void)pthread_mutex_lock(&all.lock);
    const struct asked *kept = &all.asked[a->number % ASKED_KEPT];
    a->arrival_seq = kept->arrival_seq;
    memcpy(a->arrival, kept->arrival, sizeof a->arrival);
    (void)pthread_mutex_unlock(&all.lock);
    return a->arrival_seq != 0;
}

/* --- the mark ------------------------------------------------------------------------------------------------------ */

/* What the drill whose mail this is asked for; false: it is no drill's. */
static bool recognise(const struct understanding *u, struct asked *out)
{
    const char *login = u->envelope.login;
    if (!login || strncmp(login, "drill-", 6) != 0)
        return false;
    unsigned number = 0;
    (void)sscanf(u->envelope.from ? u->envelope.from : "", "test-%9u@", &number);
    (void)pthread_mutex_lock(&all.lock);
    bool is_ours = all.login[0] && strcmp(all.login, login) == 0;
    struct asked *a = &all.asked[number % ASKED_KEPT];
    if (is_ours && number > 0 && a->number == number) {
        a->arrival_seq = u->arrival_seq;
        memcpy(a->arrival, u->arrival_id, sizeof a->arrival);
        *out = *a;
    } else {
        *out = (struct asked){ .kind = "test.manual" };
    }
    (void)pthread_mutex_unlock(&all.lock);
    return is_ours;
}

bool drill_is_login(const char *login)
{
    (void)pthread_mutex_lock(&all.lock);
    bool is_ours = all.login[0] && strcmp(all.login, login) == 0;
    (void)pthread_mutex_unlock(&all.lock);
    return is_ours;
}

void drill_mark(struct understanding *u)
{
    struct asked a;
    if (!recognise(u, &a))
        return;
    u->events = (struct events){ .arena = &u->arena, .parser = "drill" };
    u->parser = "drill";
    if (a.recipient[0])
        u->only_recipient = arena_str(&u->arena, a.recipient);
    const char   *kind = arena_str(&u->arena, a.kind);
    struct event *ev = events_add(&u->events, kind ? kind : "test.manual");
    if (!ev)
        return; /* an understanding without events is told as nothing: the drill says that it timed out */
    ev->device_id = "postern";
    ev->device_name = "Postern";
    ev->text = "TEST: drill, not a real alarm";
}

/* --- the mail ------------------------------------------------------------------------------------------------------ */

static void write_mail(struct buf *out, const struct asked *a)
{
    char      date[64];
    time_t    now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;
    (void)gmtime_r(&now, &tm);
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    buf_printf(out, "From: Postern <test-%u@postern.invalid>\r\nTo: <test@postern.invalid>\r\nDate: %s\r\n", a->number, date);
    buf_printf(out, "Subject: TEST %s\r\nX-Postern-Test-Kind: %s\r\n", a->kind, a->kind);
    buf_puts(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    buf_printf(out, "TEST %s for %s: a drill, not a real alarm.\r\n", a->kind, a->recipient[0] ? a->recipient : "everybody it concerns");
}

static size_t on_read(char *out, size_t size, size_t n, void *user)
{
    struct buf *mail = user;
    size_t      take = size * n < mail->len ? size * n : mail->len;
    memcpy(out, buf_str(mail), take);
    buf_consume(mail, take);
    return take;
}

static void easy_done(CURL **c)
{
    curl_easy_cleanup(*c);
}

static void slist_done(struct curl_slist **l)
{
    curl_slist_free_all(*l);
}

static int send_mail(const struct drill *d, const struct asked *a, const char *login, struct err *e)
{
    CLEANUP(easy_done) CURL *c = curl_easy_init();
    CLEANUP(slist_done) struct curl_slist *to = curl_slist_append(NULL, "<test@postern.invalid>");
    CLEANUP(buf_done) struct buf mail;
    buf_init(&mail, MAIL_BYTES);
    write_mail(&mail, a);
    if (!c || !to || mail.failed)
        return err_set(e, ERR_NOMEM, "out of memory");
    char from[64], said[CURL_ERROR_SIZE] = "";
    (void)snprintf(from, sizeof from, "<test-%u@postern.invalid>", a->number);
    (void)curl_easy_setopt(c, CURLOPT_URL, d->url);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp");
    (void)curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)SMTP_SECONDS);
    (void)curl_easy_setopt(c, CURLOPT_USERNAME, login);
    (void)curl_easy_setopt(c, CURLOPT_PASSWORD, password);
    (void)curl_easy_setopt(c, CURLOPT_MAIL_FROM, from);
    (void)curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
    (void)curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(c, CURLOPT_READDATA, &mail);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, said);
    CURLcode rc = curl_easy_perform(c);
    if (rc != CURLE_OK)
        return err_set(e, ERR_IO, "our own listener (%s) did not take the test mail: %s", d->url,
                       said[0] ? said : curl_easy_strerror(rc));
    return 0;
}

/* --- what became of it --------------------------------------------------------------------------------------------- */

struct result {
    struct json_out *w; /* NULL: only look */
    int64_t          received_ms, now_ms;
    int              events, owed, open;
};

static bool on_event(void *user, const struct event_row *row)
{
    struct result *o = user;
    o->events++;
    o->received_ms = row->received_ms;
    return true;
}

static void write_result(struct json_out *w, const struct delivery_row *row, int64_t ms)
{
    json_object(w, NULL);
    json_s(w, "recipient", row->recipient);
    json_s(w, "state", delivery_state_name(row->state));
    json_i(w, "ms", ms > 0 ? ms : 0);
    if (row->message.id) {
        json_s(w, "account", row->message.account);
        json_s(w, "address", row->message.address);
        json_s_opt(w, "detail", row->message.detail);
    }
    json_end(w);
}

static bool on_delivery(void *user, const struct delivery_row *row)
{
    struct result *o = user;
    o->owed++;
    o->open += row->state == DELIVERY_WAITING || row->state == DELIVERY_SENDING;
    if (o->w)
        write_result(o->w, row, (row->sent_ms ? row->sent_ms : o->now_ms) - o->received_ms);
    return true;
}

static int look(struct store_reader *r, const struct asked *a, struct result *o, struct err *e)
{
    struct event_filter    events = { .zone = ZONE_NONE, .severity = -1, .arrival_seq = a->arrival_seq };
    struct delivery_filter deliveries = { .state = -1, .arrival_seq = a->arrival_seq };
    struct page            page = { .limit = QUERY_PAGE_MAX };
    o->now_ms = clock_wall_ms();
    if (query_events(r, &events, &page, on_event, o, e) < 0)
        return -1;
    return query_deliveries(r, &deliveries, &page, on_delivery, o, e);
}

static void pause_a_little(void)
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * 1000000L }, NULL);
}

static bool may_wait(const struct drill *d, int64_t deadline_ms)
{
    if (atomic_load(&d->is_stopping) || clock_mono_ms() >= deadline_ms)
        return false;
    pause_a_little();
    return true;
}

/* Until nothing is owed any more, or the time is up: *is_complete_out says which. */
static int wait_for_it(const struct drill *d, struct store_reader *r, struct asked *a, int64_t deadline_ms, bool *is_complete_out,
                       struct err *e)
{
    while (!is_read(a))
        if (!may_wait(d, deadline_ms))
            return err_set(e, ERR_TIMEOUT, "the test mail was kept, but nobody read it within %d s", WAIT_MS / 1000);
    for (;;) {
        struct result o = { 0 };
        if (look(r, a, &o, e) < 0)
            return -1;
        *is_complete_out = o.events > 0 && o.open == 0;
        if (*is_complete_out || !may_wait(d, deadline_ms))
            return 0;
    }
}

static int report(struct store_reader *r, const struct asked *a, bool is_complete, int64_t ms, struct json_out *w, struct err *e)
{
    struct result o = { .w = w };
    json_s(w, "kind", a->kind);
    json_s(w, "arrival", a->arrival);
    json_b(w, "complete", is_complete);
    json_i(w, "ms", ms);
    json_array(w, "recipients");
    int failed = look(r, a, &o, e);
    json_end(w);
    return failed;
}

static int run(const struct drill *d, struct asked *a, const char *login, struct json_out *w, struct err *e)
{
    int64_t begun_ms = clock_mono_ms();
    bool    is_complete = false;
    CLEANUP(store_reader_close) struct store_reader *r = NULL;
    if (store_reader_open(d->store, &r, e) < 0 || send_mail(d, a, login, e) < 0)
        return -1;
    if (wait_for_it(d, r, a, begun_ms + WAIT_MS, &is_complete, e) < 0)
        return -1;
    return report(r, a, is_complete, clock_mono_ms() - begun_ms, w, e);
}

int drill_run(struct drill *d, const char *recipient, const char *kind, struct json_out *w, struct err *e)
{
    struct asked a;
    char         login[LOGIN_BYTES];
    if (check(d, recipient, kind, e) < 0 || begin(recipient, kind, &a, login, e) < 0)
        return -1;
    int failed = run(d, &a, login, w, e);
    end();
    return failed;
}
