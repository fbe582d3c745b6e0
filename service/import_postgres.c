/* import_postgres: LupuServ's table `events` of PostgreSQL as CSV with its header (COPY … TO … WITH (FORMAT csv, HEADER)): id, created_at,
 * kind, event_type_name, event_type_value, zone_id, sensor_name, username, raw_message, in any order; others are passed over.
 * A first walk notes the times, then the records come in their order. */
#include "core/clock.h"
#include "service/import_csv.h"
#include "service/import_lupuserv.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum column { ID, CREATED_AT, KIND, TYPE_NAME, TYPE_VALUE, ZONE_ID, SENSOR_NAME, USERNAME, RAW_MESSAGE, COLUMNS };
static const char *const column_names[COLUMNS] = { "id", "created_at", "kind", "event_type_name", "event_type_value", "zone_id",
                                                   "sensor_name", "username", "raw_message" };
static const size_t records_max = 50 * 1000 * 1000;

struct record {
    int64_t time_ms, position, line;
};

struct postgres {
    const struct import_job *job;
    struct csv     csv;
    int            at[COLUMNS]; /* which field; -1: the file has no such column */
    struct record *records;
    size_t         count, cap, next;
};

static const char *field(const struct postgres *p, enum column which)
{
    return p->at[which] >= 0 ? csv_field(&p->csv, (size_t)p->at[which]) : NULL;
}

/* Members that must not be there twice: the last wins, as everywhere in CSV. */
static int read_header(struct postgres *p, struct err *e)
{
    int got = csv_next(&p->csv, e);
    if (got <= 0)
        return got < 0 ? -1 : err_set(e, ERR_STATE, "the file is empty");
    for (int c = 0; c < COLUMNS; c++)
        p->at[c] = -1;
    for (size_t i = 0; i < p->csv.count; i++)
        for (int c = 0; c < COLUMNS; c++)
            if (csv_field(&p->csv, i) && strcasecmp(csv_field(&p->csv, i), column_names[c]) == 0)
                p->at[c] = (int)i;
    if (p->at[CREATED_AT] < 0 || p->at[KIND] < 0)
        return err_set(e, ERR_STATE, "the first line must name the columns, created_at and kind among them: was the table written with HEADER?");
    return 0;
}

/* "2025-11-21 03:12:45.123456+01", "…+05:30", "…+00", without an offset UTC. 0: none. */
static int64_t read_timestamptz(const char *text)
{
    char   rfc3339[48];
    size_t n = text ? strlen(text) : 0;
    if (n < 19 || n > 35)
        return 0;
    memcpy(rfc3339, text, n + 1);
    rfc3339[10] = 'T';
    size_t zone = 19 + strcspn(rfc3339 + 19, "+-Z");
    if (rfc3339[zone] == '\0')
        memcpy(rfc3339 + n, "Z", 2);
    else if (rfc3339[zone] != 'Z' && n - zone == 3)
        memcpy(rfc3339 + n, ":00", 4);
    int64_t ms;
    return clock_parse_rfc3339(rfc3339, &ms) == 0 ? ms : 0;
}

static int add_record(struct postgres *p, struct record r, struct err *e)
{
    struct record *records = import_list_room(p->records, p->count, &p->cap, sizeof *records, records_max * 2);
    if (!records)
        return err_set(e, ERR_NOMEM, "more records than there is memory for");
    p->records = records;
    p->records[p->count++] = r;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return x->time_ms != y->time_ms ? (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms) : (x->position > y->position) - (x->position < y->position);
}

static bool is_blank_line(const struct csv *c)
{
    return c->count == 1 && !csv_field(c, 0);
}

static int walk(struct postgres *p, struct err *e)
{
    for (;;) {
        struct record r = { .position = csv_position(&p->csv), .line = p->csv.line };
        int           got = csv_next(&p->csv, e);
        if (got == 0 || (got < 0 && e->code != ERR_INPUT))
            return got;
        if (got > 0 && is_blank_line(&p->csv))
            continue;
        r.time_ms = got > 0 ? read_timestamptz(field(p, CREATED_AT)) : 0;
        if (add_record(p, r, e) < 0)
            return -1;
    }
}

static void close_postgres(void *state)
{
    struct postgres *p = state;
    csv_close(&p->csv);
    free(p->records);
    free(p);
}

static int open_postgres(const struct import_job *job, void **out, int64_t *total_out, struct err *e)
{
    struct postgres *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(e, ERR_NOMEM, "out of memory");
    p->job = job;
    if (csv_open(job->paths[0], &p->csv, e) < 0 || read_header(p, e) < 0 || walk(p, e) < 0) {
        close_postgres(p);
        return -1;
    }
    if (p->count > 0)
        qsort(p->records, p->count, sizeof *p->records, by_time);
    *total_out = (int64_t)p->count;
    *out = p;
    return 0;
}

/* What makes the row this one: all that it says, in the order of the table, whatever the file's. */
static void put_key(const struct postgres *p, struct buf *key)
{
    for (int c = 0; c < COLUMNS; c++) {
        buf_puts(key, field(p, (enum column)c));
        buf_putc(key, '\0');
    }
}

static int next_postgres(void *state, struct import_row *row, struct err *e)
{
    struct postgres *p = state;
    if (p->next == p->count)
        return 0;
    const struct record *r = &p->records[p->next++];
    (void)snprintf(row->where, sizeof row->where, "%.150s line %" PRId64, p->job->paths[0], r->line);
    if (csv_seek(&p->csv, r->position, r->line) != 0)
        return err_set(e, ERR_IO, "%s: %m", p->job->paths[0]);
    int got = csv_next(&p->csv, e);
    if (got <= 0)
        return got < 0 ? -1 : err_set(e, ERR_IO, "%s: it became shorter", p->job->paths[0]);
    const char *kind = field(p, KIND);
    if (r->time_ms == 0 || !kind)
        return err_set(e, ERR_INPUT, r->time_ms == 0 ? "created_at is no time" : "it has no kind");
    put_key(p, &row->key);
    const struct lupuserv_row said = {
        .time_ms = r->time_ms, .kind = kind, .type = field(p, TYPE_NAME), .number = lupuserv_number(field(p, TYPE_VALUE), 0),
        .zone = lupuserv_number(field(p, ZONE_ID), -1), .sensor = field(p, SENSOR_NAME), .user = field(p, USERNAME), .raw = field(p, RAW_MESSAGE),
    };
    lupuserv_write(&said, p->job, row);
    return 1;
}

const struct import_source import_lupuserv_postgres = { "lupuserv-postgres", open_postgres, next_postgres, close_postgres };
