/* feed: GET /api/v1/events.atom: the newest 50 events for a feed reader (RFC 4287). */
#include "api/archived.h"
#include "api/archived_query.h"
#include "api/archived_row.h"
#include "api/filter.h"
#include "api/list.h"
#include "core/clock.h"
#include "core/utf8.h"
#include <string.h>

enum { FEED_ENTRIES = 50 };

struct feed {
    struct buf *out;
    const char *site;
    const char *base; /* Api:PublicUrl, or "" */
    size_t      base_length;
    int         count;
};

static const char *entity_of(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\t': case '\n': case '\r': return " ";
    default: return NULL;
    }
}

/* XML has no control characters, not even as references, and no U+FFFE and U+FFFF. */
static bool is_xml(const char *s, size_t n)
{
    return n > 0 && (unsigned char)*s >= ' ' && (n != 3 || utf8_code(s) < 0xFFFE);
}

/* What a device wrote as text or as an attribute's value. */
static void put_xml(struct buf *out, const char *s)
{
    size_t left = s ? strlen(s) : 0;
    while (left > 0) {
        const char *entity = entity_of(*s);
        size_t      n = utf8_length(s, left);
        if (entity)
            buf_puts(out, entity);
        else if (is_xml(s, n))
            buf_put(out, s, n);
        else
            buf_puts(out, "\xEF\xBF\xBD");
        n = n ? n : 1;
        s += n;
        left -= n;
    }
}

static void put_time(struct buf *out, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT];
    buf_printf(out, "<%s>%s</%s>", name, clock_rfc3339(text, ms), name);
}

static void put_link(struct feed *f, const char *relation, const char *path, const char *id)
{
    buf_printf(f->out, "<link rel=\"%s\" href=\"", relation);
    CLEANUP(buf_done) struct buf base;
    buf_init(&base, 4096);
    buf_put(&base, f->base, f->base_length);
    put_xml(f->out, buf_str(&base));
    buf_printf(f->out, "%s%s\"/>", path, id);
}

static void put_title(struct buf *out, const struct event *ev)
{
    buf_puts(out, "<title>");
    put_xml(out, ev->kind);
    buf_puts(out, ev->restored ? " (ended)" : "");
    const char *const parts[] = { ev->device_name, ev->zone_name };
    for (size_t i = 0; i < COUNT(parts); i++)
        if (parts[i] && parts[i][0]) {
            buf_puts(out, i ? ", " : ": ");
            put_xml(out, parts[i]);
        }
    buf_puts(out, "</title>");
}

static bool on_row(void *user, const struct event_row *row)
{
    struct feed        *f = user;
    const struct event *ev = &row->event;
    if (f->count == 0) /* the newest says when the feed last changed */
        put_time(f->out, "updated", row->received_ms);
    buf_printf(f->out, "\n<entry><id>urn:x-postern:event:%s</id>", ev->id);
    put_title(f->out, ev);
    put_time(f->out, "updated", row->received_ms);
    put_time(f->out, "published", row->received_ms);
    put_link(f, "alternate", "/api/v1/events/", ev->id);
    buf_puts(f->out, "<category term=\"");
    put_xml(f->out, ev->kind);
    buf_printf(f->out, "\"/><category term=\"%s\"/><content type=\"text\">", severity_name(ev->severity));
    put_xml(f->out, ev->text && ev->text[0] ? ev->text : ev->kind);
    buf_puts(f->out, "</content></entry>");
    f->count++;
    return true;
}

static void put_head(struct feed *f)
{
    buf_puts(f->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>urn:x-postern:events:");
    for (const char *c = f->site; *c; c++)
        buf_printf(f->out, "%02x", (unsigned)(unsigned char)*c); /* an id is an IRI, a site's name is not */
    buf_puts(f->out, "</id><title>");
    put_xml(f->out, f->site[0] ? f->site : "Postern");
    buf_puts(f->out, "</title><author><name>Postern</name></author>");
    put_link(f, "self", "/api/v1/events.atom", "");
}

static bool on_archived(void *user, const char *id, const char *json)
{
    struct err       ignored;
    struct event_row row;
    struct json     *event = json_parse(json, strlen(json), &ignored);
    (void)id;
    if (event) {
        archived_row(event, &row);
        (void)on_row(user, &row);
    }
    json_free(&event);
    return true;
}

/* The box's events; *is_all_out: there are no more of them. */
static int write_own(struct api *a, const struct event_filter *filter, struct feed *f, bool *is_all_out, struct err *e)
{
    struct page          page = { .limit = FEED_ENTRIES };
    struct store_reader *reader = NULL;
    if (api_reader(a, &reader, e) < 0)
        return -1;
    int failed = query_events(reader, filter, &page, on_row, f, e);
    api_reader_back(a, &reader);
    *is_all_out = page.next == 0;
    return failed;
}

/* And those of the archive, older than this id (NULL: all), as long as there is room. */
static int write_older(struct api *a, const struct event_filter *filter, const char *beyond, struct feed *f, struct err *e)
{
    CLEANUP(archived_query_free) struct archived_query *q = NULL;
    if (archived_query_new(a, filter, beyond, false, &q, e) < 0)
        return -1;
    return archived_query_page(a, q, FEED_ENTRIES - f->count, on_archived, f, e) < 0 ? -1 : 0;
}

static int write_entries(struct api *a, const struct request *r, struct event_filter *filter, struct feed *f, struct err *e)
{
    const struct event_filter asked = *filter;
    const struct page         newest_first = { .limit = FEED_ENTRIES };
    char                      border[ARCHIVED_CURSOR];
    bool                      is_all = false;
    if (archived_is_asked(a, r))
        return write_older(a, &asked, NULL, f, e);
    bool follows = archived_follows(a, filter, &newest_first, border);
    if (write_own(a, filter, f, &is_all, e) < 0)
        return -1;
    return follows && is_all && f->count < FEED_ENTRIES ? write_older(a, &asked, border + 1, f, e) : 0;
}

static int write_feed(struct api *a, const struct request *r, struct event_filter *filter, struct feed *f, struct err *e)
{
    put_head(f);
    int failed = write_entries(a, r, filter, f, e);
    if (f->count == 0)
        put_time(f->out, "updated", 0);
    buf_puts(f->out, "\n</feed>\n");
    return failed;
}

void events_atom(struct api *a, const struct request *r, struct response *p)
{
    struct event_filter filter;
    struct err          e;
    if (events_filter(a, r, &filter, &e) < 0) {
        problem_of(p, &e);
        return;
    }
    bool is_own = !archived_is_asked(a, r) && !archived_has_part(a);
    if (is_own && list_is_known(a, r, p))
        return;
    struct feed f = { .out = &p->body, .site = filter.site ? filter.site : a->o.site, .base = a->o.public_url,
                      .base_length = strlen(a->o.public_url) };
    while (f.base_length > 0 && f.base[f.base_length - 1] == '/')
        f.base_length--;
    if (write_feed(a, r, &filter, &f, &e) < 0) {
        archived_complain(p, &e);
        return;
    }
    if (!is_own && archived_is_known(r, NULL, p))
        buf_clear(&p->body);
    else
        p->type = "application/atom+xml; charset=utf-8";
}
