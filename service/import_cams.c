/* import_cams: the database of security-cam-alerts (Django, SQLite): alerts_alert and alerts_detect, each (id, subject, timestamp, snapshot).
 * Times are local and name no zone: those of alerts_alert are the server's clock, those of alerts_detect the camera's.
 *
 * A row of alerts_detect has a picture of its own, boxed and encoded anew, that equals none of alerts_alert: it is an event of its
 * own, and it says of the alert that was meant that a person is in it: the one of the same subject that is nearest in time, within a
 * minute, if one is nearest. */
#include "core/base64.h"
#include "core/clock.h"
#include "service/import_row.h"
#include "store/db.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NEAR_MS = 60 * 1000, LINE_BYTES = 57, QUERY_MS = 120 * 1000, DATE_TEXT = 48 };
static const size_t rows_max = 20 * 1000 * 1000;

enum table { ALERT, DETECT };
static const char *const table_names[] = { [ALERT] = "alerts_alert", [DETECT] = "alerts_detect" };

struct item {
    enum table table;
    int64_t    id, time_ms; /* UTC; 0: its timestamp is none */
    uint64_t   subject;     /* a hash of it */
};

struct cams {
    const struct import_job *job;
    struct db   *db;
    struct item *items;
    size_t       count, cap, next, alerts; /* the first of items are the alerts, by their times */
};

/* --- what is there ---------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *text) /* FNV-1a */
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; text && *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h;
}

/* "2021-11-05 10:00:00", "…T10:00:00.123456". 0: none, or one that cannot be. */
static int64_t read_local(const char *text, const struct import_zone *zone)
{
    char    utc[32];
    int64_t local_ms;
    size_t  n = text ? strlen(text) : 0;
    if (n < 19 || n > 26)
        return 0;
    memcpy(utc, text, n);
    utc[10] = 'T';
    memcpy(utc + n, "Z", 2);
    return clock_parse_rfc3339(utc, &local_ms) == 0 ? import_zone_to_utc(zone, local_ms) : 0;
}

static int add_item(struct cams *s, struct item item, struct err *e)
{
    struct item *items = import_list_room(s->items, s->count, &s->cap, sizeof *items, rows_max * 2);
    if (!items)
        return err_set(e, ERR_NOMEM, "more rows than there is memory for");
    s->items = items;
    s->items[s->count++] = item;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return x->time_ms != y->time_ms ? (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms) : (x->id > y->id) - (x->id < y->id);
}

static int list(struct cams *s, enum table table, struct err *e)
{
    static const char *const texts[] = { [ALERT] = "SELECT id, subject, timestamp FROM alerts_alert",
                                         [DETECT] = "SELECT id, subject, timestamp FROM alerts_detect" };
    CLEANUP(stmt_done) struct stmt *q = db_stmt(s->db, texts[table], e);
    int                             got = q ? 1 : -1;
    size_t                          first = s->count;
    while (got > 0 && (got = stmt_step(q, e)) > 0) {
        struct item item = { .table = table, .id = col_int(q, 0), .time_ms = read_local(col_text(q, 2), &s->job->zone), .subject = hash_of(col_text(q, 1)) };
        if (add_item(s, item, e) < 0)
            return -1;
    }
    if (got < 0)
        return err_set(e, ERR_STATE, "%s: %.180s", table_names[table], e->text);
    if (s->count > first)
        qsort(s->items + first, s->count - first, sizeof *s->items, by_time);
    return 0;
}

static int has_table(struct cams *s, bool *out, struct err *e)
{
    int64_t n;
    if (db_number(s->db, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alerts_detect'", 0, &n, e) < 0)
        return -1;
    *out = n > 0;
    return 0;
}

static void close_cams(void *state)
{
    struct cams *s = state;
    db_close(&s->db);
    free(s->items);
    free(s);
}

/* Alerts first: what a detection says of one needs it to be there. */
static int list_all(struct cams *s, struct err *e)
{
    bool has_detect;
    if (has_table(s, &has_detect, e) < 0 || list(s, ALERT, e) < 0)
        return -1;
    s->alerts = s->count;
    return has_detect ? list(s, DETECT, e) : 0; /* its first versions had none */
}

static int open_cams(const struct import_job *job, void **out, int64_t *total_out, struct err *e)
{
    struct cams *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_NOMEM, "out of memory");
    s->job = job;
    if (db_open(job->paths[0], DB_FOREIGN, &s->db, e) < 0 || list_all(s, e) < 0) {
        e->code = e->code == ERR_INPUT ? ERR_STATE : e->code;
        close_cams(s);
        return -1;
    }
    *total_out = (int64_t)s->count;
    *out = s;
    return 0;
}

/* --- one row ---------------------------------------------------------------------------------------------------- */

static void put_picture(struct buf *raw, const char *boundary, const void *bytes, size_t n)
{
    buf_printf(raw, "--%s\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment; filename=\"snapshot.jpg\"\r\n"
                    "Content-Transfer-Encoding: base64\r\n\r\n", boundary);
    for (size_t at = 0; at < n; at += LINE_BYTES) {
        base64_encode(raw, (const char *)bytes + at, n - at < LINE_BYTES ? n - at : LINE_BYTES);
        buf_puts(raw, "\r\n");
    }
}

/* By the camera's clock, in its own zone. */
static void put_date(struct buf *raw, const struct import_zone *zone, int64_t time_ms)
{
    char      text[DATE_TEXT];
    int32_t   offset = import_zone_offset(zone, time_ms), minutes = (offset < 0 ? -offset : offset) / 60;
    time_t    local = (time_t)(time_ms / 1000 + offset);
    struct tm tm;
    if (!gmtime_r(&local, &tm) || strftime(text, sizeof text, "%d %b %Y %H:%M:%S", &tm) == 0)
        return;
    buf_printf(raw, "Date: %s %c%02d%02d\r\n", text, offset < 0 ? '-' : '+', (int)(minutes / 60), (int)(minutes % 60));
}

static void write_mail(const struct cams *s, const struct item *item, const char *subject, const void *picture, size_t n, struct import_row *row)
{
    static const char boundary[] = "postern-import-snapshot"; /* a picture in base64 has no minus */
    struct buf       *raw = &row->raw;
    import_put_header(raw, "From", "security-cam-alerts");
    import_put_header(raw, "Subject", subject);
    import_put_header(raw, "X-Mailer", item->table == DETECT ? "security-cam-alerts alerts_detect" : "security-cam-alerts alerts_alert");
    if (item->table == DETECT)
        put_date(raw, &s->job->zone, item->time_ms);
    buf_printf(raw, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n", boundary);
    if (n > 0)
        put_picture(raw, boundary, picture, n);
    buf_printf(raw, "--%s--\r\n", boundary);
}

static void put_key(struct buf *key, const struct item *item, const char *subject, const char *timestamp, const void *picture, size_t n)
{
    buf_printf(key, "%s %lld", table_names[item->table], (long long)item->id);
    buf_putc(key, '\0');
    buf_puts(key, subject);
    buf_putc(key, '\0');
    buf_puts(key, timestamp);
    buf_putc(key, '\0');
    buf_put(key, picture, n);
}

/* The row's key, and its mail unless only the key is wanted. */
static int read_row(struct cams *s, const struct item *item, bool is_key_only, struct import_row *row, struct err *e)
{
    static const char *const texts[] = { [ALERT] = "SELECT subject, timestamp, snapshot FROM alerts_alert WHERE id = ?",
                                         [DETECT] = "SELECT subject, timestamp, snapshot FROM alerts_detect WHERE id = ?" };
    CLEANUP(stmt_done) struct stmt *q = db_ask(s->db, e, texts[item->table], P(item->id));
    if (!q)
        return -1;
    if (stmt_step(q, e) <= 0)
        return err_set(e, ERR_INPUT, "it cannot be read any more");
    size_t      n;
    const void *picture = col_blob(q, 2, &n);
    const char *subject = col_text(q, 0);
    subject = subject ? subject : "";
    row->time_ms = item->time_ms;
    put_key(&row->key, item, subject, col_text(q, 1), picture, n);
    if (is_key_only)
        return 0;
    while (*subject == ' ')
        subject++;
    (void)snprintf(row->from, sizeof row->from, "%.200s", subject[0] ? subject : "security-cam-alerts");
    write_mail(s, item, subject, picture, n, row);
    return 0;
}

static int64_t distance(const struct item *a, const struct item *b)
{
    return a->time_ms > b->time_ms ? a->time_ms - b->time_ms : b->time_ms - a->time_ms;
}

/* The first alert that is not before this time. */
static size_t first_alert_from(const struct cams *s, int64_t time_ms)
{
    size_t from = 0, to = s->alerts;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (s->items[middle].time_ms < time_ms)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* NULL: none within a minute, or two are as near. */
static const struct item *nearest_alert(const struct cams *s, const struct item *detect)
{
    const struct item *best = NULL;
    bool               is_tie = false;
    for (size_t i = first_alert_from(s, detect->time_ms - NEAR_MS); i < s->alerts && s->items[i].time_ms <= detect->time_ms + NEAR_MS; i++) {
        const struct item *one = &s->items[i];
        if (one->subject != detect->subject || (best && distance(one, detect) > distance(best, detect)))
            continue;
        is_tie = best && distance(one, detect) == distance(best, detect);
        best = one;
    }
    return is_tie ? NULL : best;
}

static int name_alert(struct cams *s, const struct item *detect, struct import_row *row, struct err *e)
{
    const struct item *alert = nearest_alert(s, detect);
    if (!alert)
        return 0;
    CLEANUP(import_row_done) struct import_row other;
    import_row_init(&other);
    if (read_row(s, alert, true, &other, e) < 0)
        return -1;
    return import_row_id(&other, import_cams.name, row->saw_person, e);
}

static int next_cams(void *state, struct import_row *row, struct err *e)
{
    struct cams *s = state;
    if (s->next == s->count)
        return 0;
    const struct item *item = &s->items[s->next++];
    (void)snprintf(row->where, sizeof row->where, "%s %lld", table_names[item->table], (long long)item->id);
    if (item->time_ms == 0)
        return err_set(e, ERR_INPUT, "its timestamp is none");
    db_limit_time(s->db, QUERY_MS);
    if (read_row(s, item, false, row, e) < 0 || (item->table == DETECT && name_alert(s, item, row, e) < 0))
        return -1;
    return 1;
}

const struct import_source import_cams = { "cams", open_cams, next_cams, close_cams };
