/* csv: the columns in the order of their headings. */
#include "api/csv.h"
#include "core/clock.h"
#include <string.h>

static const char heading[] = "id,received_at,happened_at,kind,severity,restored,device,device_name,zone,zone_name,user,text,code,target,"
                              "channel,media,acknowledged_at,acknowledged_by,kept,kept_by,note,arrival,parser\r\n";

static void put_quoted(struct buf *out, const char *text, bool is_formula)
{
    buf_puts(out, is_formula ? "\"'" : "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            buf_putc(out, '"');
        buf_putc(out, *c);
    }
    buf_putc(out, '"');
}

void csv_put_field(struct buf *out, const char *text)
{
    text = text ? text : "";
    bool is_formula = text[0] && strchr("=+-@\t\r", text[0]);
    if (is_formula || strpbrk(text, "\",\r\n"))
        put_quoted(out, text, is_formula);
    else
        buf_puts(out, text);
}

/* A field and the comma behind it. */
static void put_text(struct buf *out, const char *text)
{
    csv_put_field(out, text);
    buf_putc(out, ',');
}

static void put_time(struct buf *out, int64_t ms)
{
    char text[CLOCK_TEXT];
    put_text(out, ms ? clock_rfc3339(text, ms) : NULL);
}

static void put_number_unless(struct buf *out, int64_t value, int64_t none)
{
    if (value != none)
        buf_puti(out, value);
    buf_putc(out, ',');
}

static void put_marks(struct buf *out, const struct event_marks *m)
{
    put_time(out, m->acked_ms);
    put_text(out, m->acked_by);
    put_text(out, m->is_kept ? "true" : "false");
    put_text(out, m->kept_by);
    put_text(out, m->note);
}

void csv_put_heading(struct buf *out)
{
    buf_puts(out, heading);
}

void csv_put_event(struct buf *out, const struct event_row *row)
{
    const struct event *ev = &row->event;
    put_text(out, ev->id);
    put_time(out, row->received_ms);
    put_time(out, ev->happened_ms);
    put_text(out, ev->kind);
    put_text(out, severity_name(ev->severity));
    put_text(out, ev->restored ? "true" : "false");
    put_text(out, ev->device_id);
    put_text(out, ev->device_name);
    put_number_unless(out, ev->zone_number, ZONE_NONE);
    put_text(out, ev->zone_name);
    put_text(out, ev->user);
    put_text(out, ev->text);
    put_number_unless(out, ev->code, 0);
    put_text(out, ev->target);
    put_text(out, ev->channel);
    put_number_unless(out, (int64_t)ev->media_count, -1);
    put_marks(out, &row->marks);
    put_text(out, row->arrival);
    csv_put_field(out, row->parser);
    buf_puts(out, "\r\n");
}
