/* archived: cursors are "a" and the id where the page before ended. Where the box's part ends and the archive's begins is a day's
 * midnight (UTC), so that it stands still while somebody turns pages; an id begins with its event's time, so that the two parts
 * have no event in common and miss none. */
#include "api/archived.h"
#include "api/archived_query.h"
#include "api/filter.h"
#include "api/list.h"
#include "api/params.h"
#include "api/raw.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/sha256.h"
#include "store/archive.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EVENT_MAX = 1 << 20, CURSOR_MAX = 40, COUNT_MS = 60000 };
static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

/* --- whose is it ------------------------------------------------------------------------------------------------------- */

/* Older than this is the archive's; 0: nothing is. */
static int64_t border_ms(const struct api *a)
{
    if (!a->o.archive || a->o.keep_local_days <= 0)
        return 0;
    int64_t border = clock_wall_ms() - a->o.keep_local_days * day_ms;
    return border > 0 ? border - border % day_ms : 0;
}

bool archived_has_part(const struct api *a)
{
    return border_ms(a) > 0;
}

bool archived_is_asked(const struct api *a, const struct request *r)
{
    const char *site = http_query(r, "site"), *cursor = http_query(r, "cursor"), *order = http_query(r, "order");
    int64_t     until_ms = 0, border = border_ms(a);
    if (cursor && cursor[0] == 'a')
        return true;
    if (!a->o.archive)
        return false;
    if (site && strcmp(site, a->o.site) != 0)
        return true;
    if (border == 0 || cursor)
        return false;
    const char *until = http_query(r, "until"), *since = http_query(r, "since");
    int64_t     since_ms = 0;
    if (until && clock_parse_rfc3339(until, &until_ms) == 0 && until_ms <= border)
        return true;
    bool begins_here = since && clock_parse_rfc3339(since, &since_ms) == 0 && since_ms >= border;
    return order && strcmp(order, "asc") == 0 && !begins_here; /* the oldest are there, and the archive has the others, too */
}

bool archived_follows(const struct api *a, struct event_filter *f, const struct page *page, char cursor_out[ARCHIVED_CURSOR])
{
    int64_t border = border_ms(a);
    if (border == 0 || page->is_ascending || f->since_ms >= border || f->site)
        return false;
    f->since_ms = border;
    cursor_out[0] = 'a';
    (void)mongo_first_id(cursor_out + 1, border);
    return true;
}

/* --- lists ------------------------------------------------------------------------------------------------------------- */

struct listing {
    struct list list;
    char        cursor[ARCHIVED_CURSOR];
};

static bool on_event(void *user, const char *id, const char *json)
{
    struct listing *l = user;
    if (!list_has_room(&l->list))
        return false;
    json_raw(&l->list.w, NULL, json);
    (void)snprintf(l->cursor, sizeof l->cursor, "a%s", id);
    l->list.count++;
    return true;
}

/* Only what "next" said. */
static int read_cursor(const struct request *r, const char **beyond_out, struct err *e)
{
    const char *cursor = NULL;
    if (param_text(r, "cursor", CURSOR_MAX, &cursor, e) < 0)
        return -1;
    if (cursor && (cursor[0] != 'a' || !id_is_valid(cursor + 1)))
        return err_set(e, ERR_INPUT, "cursor: only what \"next\" of the page before said");
    *beyond_out = cursor ? cursor + 1 : NULL;
    return 0;
}

static int read_list(struct api *a, const struct request *r, struct archived_query **out, int *limit_out, struct err *e)
{
    struct event_filter f;
    int64_t             limit = 50;
    bool                is_ascending = false;
    const char         *beyond = NULL;
    if (events_filter(a, r, &f, e) < 0 || param_number(r, "limit", 1, QUERY_PAGE_MAX, &limit, e) < 0 ||
        param_order(r, "order", &is_ascending, e) < 0 || read_cursor(r, &beyond, e) < 0)
        return -1;
    *limit_out = (int)limit;
    return archived_query_new(a, &f, beyond, is_ascending, out, e);
}

void archived_complain(struct response *p, const struct err *e)
{
    if (e->code == ERR_IO || e->code == ERR_TIMEOUT)
        problem(p, 503, "the archive does not answer: %s", e->text);
    else
        problem_of(p, e);
}

bool archived_is_known(const struct request *r, const char *next, struct response *p)
{
    char           etag[SHA256_TEXT];
    struct sha256 *d = sha256_new();
    sha256_add(d, buf_str(&p->body), p->body.len);
    sha256_add(d, next ? next : "", next ? strlen(next) : 0);
    int failed = sha256_end_text(d, etag);
    sha256_free(&d);
    return failed == 0 && raw_is_known(r, etag, p);
}

void archived_list(struct api *a, const struct request *r, struct response *p)
{
    CLEANUP(archived_query_free) struct archived_query *q = NULL;
    struct err e;
    int        limit = 0;
    if (read_list(a, r, &q, &limit, &e) < 0) {
        archived_complain(p, &e);
        return;
    }
    struct listing l = { .list.count = 0 };
    list_begin(&l.list, p);
    int         more = archived_query_page(a, q, limit, on_event, &l, &e);
    const char *next = more > 0 ? l.cursor : NULL;
    if (more < 0)
        archived_complain(p, &e);
    else if (archived_is_known(r, next, p))
        buf_clear(&p->body);
    else
        list_end_at(&l.list, p, next);
}

/* --- counts ------------------------------------------------------------------------------------------------------------ */

struct counted {
    struct stats *sum;
    struct err   *e;
    bool          failed;
};

static bool on_scanned(void *user, const char *id, const char *kind, const char *device)
{
    struct counted *c = user;
    c->failed = stats_add_event(c->sum, mongo_id_ms(id), kind, device, c->e) < 0;
    return !c->failed;
}

int archived_count(struct api *a, const struct event_filter *f, const char *beyond, struct stats *sum, struct err *e)
{
    CLEANUP(archived_query_free) struct archived_query *q = NULL;
    struct mongo  *m = NULL;
    struct counted c = { .sum = sum, .e = e };
    if (!a->o.archive)
        return 0;
    if (archived_query_new(a, f, NULL, false, &q, e) < 0 || archive_reader(a->o.archive, &m, e) < 0)
        return -1;
    struct mongo_filter filter = *archived_query_filter(q);
    filter.beyond = beyond;
    int failed = mongo_scan(m, &filter, clock_mono_ms() + COUNT_MS, on_scanned, &c, e);
    archive_reader_back(a->o.archive, &m);
    return failed || c.failed ? -1 : 0;
}

/* --- one event, one file ------------------------------------------------------------------------------------------------- */

bool archived_one(struct api *a, const char *id, struct response *p)
{
    struct mongo *m = NULL;
    struct err    e;
    if (!a->o.archive || !id_is_valid(id))
        return false;
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, EVENT_MAX);
    int found = archive_reader(a->o.archive, &m, &e);
    if (found == 0) {
        found = mongo_find_one(m, id, &json, &e);
        archive_reader_back(a->o.archive, &m);
    }
    if (found < 0)
        archived_complain(p, &e);
    if (found <= 0)
        return found < 0;
    buf_clear(&p->body);
    buf_put(&p->body, buf_str(&json), json.len);
    response_json(p);
    return true;
}

int archived_find(struct api *a, const char *event, int n, struct archived_file *out, struct err *e)
{
    struct mongo     *m = NULL;
    struct mongo_file file;
    if (!a->o.archive || !id_is_valid(event))
        return 0;
    if (archive_reader(a->o.archive, &m, e) < 0)
        return -1;
    int found = mongo_find_file(m, event, n, &file, e);
    archive_reader_back(a->o.archive, &m);
    *out = (struct archived_file){ .bytes = file.bytes };
    (void)snprintf(out->hash, sizeof out->hash, "%s", file.hash);
    (void)snprintf(out->type, sizeof out->type, "%s", file.type);
    return found;
}

/* Piece by piece, until there is none. */
static int copy_pieces(struct mongo *m, const struct archived_file *file, int fd, struct err *e)
{
    CLEANUP(buf_done) struct buf piece;
    int64_t                      left = file->bytes;
    buf_init(&piece, MONGO_CHUNK);
    for (int n = 0; left > 0; n++) {
        buf_clear(&piece);
        int found = mongo_read_chunk(m, file->hash, n, &piece, e);
        if (found <= 0)
            return found < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "the archive lacks a piece of this file");
        if (file_write(fd, buf_str(&piece), piece.len) < 0)
            return err_set(e, ERR_IO, "no room for a picture on its way: %m");
        left -= (int64_t)piece.len;
    }
    return 0;
}

int archived_open(struct api *a, const struct archived_file *file, struct err *e)
{
    struct mongo *m = NULL;
    int           fd = memfd_create("archived", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "memfd: %m");
    int failed = archive_reader(a->o.archive, &m, e);
    if (!failed) {
        failed = copy_pieces(m, file, fd, e);
        archive_reader_back(a->o.archive, &m);
    }
    if (failed) {
        (void)close(fd);
        return -1;
    }
    return fd;
}
