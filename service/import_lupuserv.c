/* import_lupuserv: the texts are those of the panel's German mails, by the numbers LupuServ gave them. */
#include "service/import_lupuserv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TYPES_MAX = 6, LINE_ROOM = 4096 };

const char *const lupuserv_kinds[LUPUSERV_KINDS] = { "AlarmEvent", "SensorStatusEvent", "ZoneMobilityEvent", "PerimeterStatusEvent" };

static const char *const types[LUPUSERV_KINDS][TYPES_MAX] = {
    { "Sabotage Alarm", "Sabotage Alarm deaktiviert", "Innenbereich Alarm", "Innenbereich Alarm gemeldet von Sensor",
      "Sabotage Alarm gemeldet von Sensor", "Sabotage Alarm deaktiviert gemeldet von Sensor" },
    { "Periodischer Test Report", "Sensorüberwachungsfehler" },
    { "DC Open", "DC Close", "IR Activity" },
    { "Arm", "Home", "Disarm" },
};

/* "Alarm" and "AlarmEvent" are the same; -1: none of ours. */
static int kind_of(const char *name)
{
    size_t n = strlen(name);
    if (n > 5 && strcasecmp(name + n - 5, "Event") == 0)
        n -= 5;
    for (int i = 0; i < LUPUSERV_KINDS; i++)
        if (n == strlen(lupuserv_kinds[i]) - 5 && strncasecmp(name, lupuserv_kinds[i], n) == 0)
            return i;
    return -1;
}

int64_t lupuserv_number(const char *text, int64_t fallback)
{
    if (!text || !*text || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
        return fallback;
    return strtoll(text, NULL, 10);
}

static bool has(const char *s)
{
    return s && s[0];
}

/* What happened, in the panel's words; a number that nobody knows is said as one. */
static void put_type(struct buf *out, const struct lupuserv_row *r, int kind)
{
    if (has(r->type))
        buf_puts(out, r->type);
    else if (kind >= 0 && r->number >= 1 && r->number <= TYPES_MAX && types[kind][r->number - 1])
        buf_puts(out, types[kind][r->number - 1]);
    else
        buf_printf(out, "%s %lld", r->kind, (long long)r->number);
}

static bool ends_with(const struct buf *b, const char *end)
{
    size_t n = strlen(end);
    return b->len >= n && memcmp(b->data + b->len - n, end, n) == 0;
}

/* "user, Arm" · "Zone:8 Ost 1, DC Open - Mobility" · "Sabotage Alarm gemeldet von Sensor Ost 1" */
static void put_line(struct buf *out, const struct lupuserv_row *r, int kind)
{
    CLEANUP(buf_done) struct buf type;
    buf_init(&type, LINE_ROOM);
    put_type(&type, r, kind);
    if (ends_with(&type, "gemeldet von Sensor")) {
        buf_printf(out, "%s %s", buf_str(&type), has(r->sensor) ? r->sensor : "");
        return;
    }
    if (r->zone >= 0)
        buf_printf(out, "Zone:%lld ", (long long)r->zone);
    if (has(r->sensor) || has(r->user))
        buf_printf(out, "%s, ", has(r->sensor) ? r->sensor : r->user);
    buf_printf(out, "%s%s", buf_str(&type), kind == LUPUSERV_MOBILITY ? " - Mobility" : "");
}

/* A name in the row is one line, whatever it holds. */
static void make_one_line(struct buf *line)
{
    for (size_t i = 0; i < line->len; i++)
        if ((unsigned char)line->data[i] < 0x20)
            line->data[i] = ' ';
}

void lupuserv_write(const struct lupuserv_row *r, const struct import_job *job, struct import_row *out)
{
    int                          kind = kind_of(r->kind);
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_ROOM);
    put_line(&line, r, kind);
    make_one_line(&line);
    out->time_ms = r->time_ms;
    (void)snprintf(out->from, sizeof out->from, "lupuserv");
    (void)snprintf(out->to, sizeof out->to, "%.60s@lupuserv", kind == LUPUSERV_ALARM || kind < 0 ? job->alarm_user : job->status_user);
    import_put_header(&out->raw, "From", out->from);
    import_put_header(&out->raw, "To", out->to);
    buf_puts(&out->raw, "MIME-Version: 1.0\r\n");
    import_put_text(&out->raw, has(r->raw) ? r->raw : buf_str(&line), has(r->raw) ? strlen(r->raw) : line.len);
}
