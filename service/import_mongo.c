/* import_mongo: LupuServ's collections of MongoDB (MongoDB.Entities): CreatedAt, ZoneId, SensorName, EventType, Username. How EventType is
 * stored depends on its versions: a name, a number, or a document that has one or both; all are taken. The collections are read side by
 * side, the oldest document first. */
#include "core/clock.h"
#include "core/json.h"
#include "service/import_lupuserv.h"
#include "store/mongo_rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_MAX = 256 * 1024, CALL_MS = 120 * 1000 };

/* A collection, and its next document. */
struct lane {
    struct mongo_rows *rows;
    struct buf         text;
    struct json       *document; /* NULL: none is held */
    int64_t            time_ms;
    bool               has_ended;
    struct err         trouble;  /* with what is held: it is no document */
};

struct collections {
    const struct import_job *job;
    struct mongo *mongo;
    struct lane   lanes[LUPUSERV_KINDS];
};

/* A date; a text; {"DateTime": date, …}, as .NET's driver writes what has an offset; 0: none. */
static int64_t read_time(const struct json *v)
{
    int64_t     ms;
    const char *text = json_text(v) ? json_text(v) : json_str(v, "DateTime", NULL);
    return text && clock_parse_rfc3339(text, &ms) == 0 ? ms : 0;
}

/* 1: the lane holds a document (or says what is wrong with it); 0: it has ended; -1. */
static int fill(struct lane *l, struct err *e)
{
    if (l->document || l->trouble.code != ERR_NONE)
        return 1;
    if (l->has_ended)
        return 0;
    buf_clear(&l->text);
    l->text.failed = false;
    int got = mongo_rows_next(l->rows, &l->text, e);
    l->has_ended = got == 0;
    if (got > 0 && !(l->document = json_parse(buf_str(&l->text), l->text.len, &l->trouble)))
        l->trouble.code = ERR_INPUT;
    if (got < 0 && e->code == ERR_INPUT)
        l->trouble = *e;
    else if (got < 0)
        return -1;
    l->time_ms = read_time(json_get(l->document, "CreatedAt"));
    return got != 0;
}

static void close_mongo(void *state)
{
    struct collections *c = state;
    for (size_t i = 0; i < LUPUSERV_KINDS; i++) {
        json_free(&c->lanes[i].document);
        buf_done(&c->lanes[i].text);
        mongo_rows_close(&c->lanes[i].rows);
    }
    mongo_close(&c->mongo);
    free(c);
}

static int open_lanes(struct collections *c, int64_t *total_out, struct err *e)
{
    const struct mongo_options o = { .uri = c->job->paths[0], .call_ms = CALL_MS };
    if (mongo_open(&o, &c->mongo, e) < 0)
        return -1;
    for (size_t i = 0; i < LUPUSERV_KINDS; i++) {
        buf_init(&c->lanes[i].text, DOCUMENT_MAX);
        if (mongo_rows_open(c->mongo, lupuserv_kinds[i], &c->lanes[i].rows, e) < 0)
            return -1;
        *total_out += mongo_rows_count(c->lanes[i].rows);
        if (fill(&c->lanes[i], e) < 0) /* so that a wrong address is said at once */
            return -1;
    }
    return 0;
}

static int open_mongo(const struct import_job *job, void **out, int64_t *total_out, struct err *e)
{
    struct collections *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory");
    c->job = job;
    *total_out = 0;
    if (open_lanes(c, total_out, e) < 0) {
        e->code = e->code == ERR_INPUT ? ERR_STATE : e->code;
        close_mongo(c);
        return -1;
    }
    *out = c;
    return 0;
}

/* The name and number of what happened, wherever they stand. */
static void read_type(const struct json *d, struct lupuserv_row *out)
{
    static const char *const names[] = { "Name", "name", "_name" }, *const values[] = { "Value", "value", "_value", "_v" };
    const struct json *v = json_get(d, "EventType");
    out->type = json_text(v);
    out->number = json_int(d, "EventType", 0);
    for (size_t i = 0; i < COUNT(names) && !out->type; i++)
        out->type = json_str(v, names[i], NULL);
    for (size_t i = 0; i < COUNT(values) && out->number == 0; i++)
        out->number = json_int(v, values[i], 0);
}

static int write_row(const struct collections *c, const char *kind, const struct json *d, int64_t time_ms, struct import_row *row, struct err *e)
{
    struct lupuserv_row r = { .time_ms = time_ms, .kind = kind, .zone = json_int(d, "ZoneId", lupuserv_number(json_str(d, "ZoneId", NULL), -1)),
                              .sensor = json_str(d, "SensorName", NULL), .user = json_str(d, "Username", NULL) };
    if (time_ms == 0)
        return err_set(e, ERR_INPUT, "CreatedAt is no time");
    read_type(d, &r);
    if (!r.type && r.number == 0)
        return err_set(e, ERR_INPUT, "EventType is neither a name nor a number");
    lupuserv_write(&r, c->job, row);
    return 1;
}

/* The lane with the oldest document; what is wrong comes first. NULL: all have ended. */
static struct lane *oldest(struct collections *c)
{
    struct lane *best = NULL;
    for (size_t i = 0; i < LUPUSERV_KINDS; i++) {
        struct lane *one = &c->lanes[i];
        bool         holds = one->document || one->trouble.code != ERR_NONE;
        if (holds && (!best || one->time_ms < best->time_ms))
            best = one;
    }
    return best;
}

static int next_mongo(void *state, struct import_row *row, struct err *e)
{
    struct collections *c = state;
    for (size_t i = 0; i < LUPUSERV_KINDS; i++)
        if (fill(&c->lanes[i], e) < 0)
            return -1;
    struct lane *l = oldest(c);
    if (!l)
        return 0;
    const char *kind = lupuserv_kinds[l - c->lanes];
    CLEANUP(json_free) struct json *document = TAKE(l->document);
    (void)snprintf(row->where, sizeof row->where, "%s %.60s", kind, json_str(document, "_id", json_str(document, "ID", "")));
    if (!document) {
        *e = l->trouble;
        l->trouble = (struct err){ .code = ERR_NONE };
        return -1;
    }
    buf_printf(&row->key, "%s ", kind);
    buf_put(&row->key, l->text.data, l->text.len);
    return write_row(c, kind, document, l->time_ms, row, e);
}

const struct import_source import_lupuserv_mongo = { "lupuserv-mongo", open_mongo, next_mongo, close_mongo };
