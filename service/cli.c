/* cli: pages fetched newest first, printed oldest first. */
#include "service/cli.h"
#include "core/clock.h"
#include "core/utf8.h"
#include "service/client.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum {
    PAGE = 500,
    PAGES_MAX = 20, /* of one look, so 10,000 rows */
    TIMEOUT_MS = 20 * 1000,
    FOLLOW_SECONDS = 1,
    LINE_MAX_BYTES = 256 * 1024,
    NAME_BYTES = 40, /* of an option */
};

/* --- times --------------------------------------------------------------------------------------------------------- */

static int parse_ago(const char *text, int64_t now_ms, int64_t *ms_out)
{
    static const struct {
        char    unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
    char     *end = NULL;
    long long n = strtoll(text, &end, 10);
    if (end == text || n < 0 || n > 100000 || *end == '\0' || end[1] != '\0')
        return -1;
    for (size_t i = 0; i < COUNT(units); i++)
        if (units[i].unit == *end) {
            *ms_out = now_ms - n * units[i].seconds * 1000;
            return 0;
        }
    return -1;
}

static int parse_local(const char *text, int64_t *ms_out)
{
    int year, month, day, hour = 0, minute = 0, second = 0, end = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) < 3)
        return -1;
    if (text[end] == ' ' || text[end] == 'T') {
        int more = 0;
        if (sscanf(text + end + 1, "%2d:%2d%n", &hour, &minute, &more) < 2)
            return -1;
        end += 1 + more;
        more = 0;
        if (text[end] == ':' && sscanf(text + end, ":%2d%n", &second, &more) == 1)
            end += more;
    }
    int64_t ms = text[end] == '\0' ? clock_from_local(year, month, day, hour, minute, second) : INT64_MIN;
    if (ms == INT64_MIN)
        return -1;
    *ms_out = ms;
    return 0;
}

int cli_parse_time(const char *text, int64_t now_ms, int64_t *ms_out)
{
    if (parse_ago(text, now_ms, ms_out) == 0 || clock_parse_rfc3339(text, ms_out) == 0)
        return 0;
    return parse_local(text, ms_out);
}

/* --- columns ------------------------------------------------------------------------------------------------------- */

static bool is_printable(uint32_t c)
{
    bool     is_control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool     turns_text = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069); /* right-to-left tricks */
    return !is_control && !turns_text;
}

void cli_column(struct buf *out, const char *text, size_t width, bool is_last)
{
    size_t left = text ? strlen(text) : 0, used = 0;
    for (; left > 0 && used < width; used++) {
        size_t n = utf8_length(text, left);
        if (n > 0 && is_printable(utf8_code(text)))
            buf_put(out, text, n);
        else
            buf_putc(out, ' ');
        n = n ? n : 1;
        text += n;
        left -= n;
    }
    for (; !is_last && used < width + 1; used++)
        buf_putc(out, ' ');
}

void cli_time_column(struct buf *out, const char *rfc3339)
{
    int64_t   ms;
    struct tm tm;
    char      text[32] = "";
    if (rfc3339 && clock_parse_rfc3339(rfc3339, &ms) == 0) {
        clock_local(ms, &tm);
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    }
    cli_column(out, text, 19, false);
}

/* --- options ------------------------------------------------------------------------------------------------------- */

struct wish {
    struct buf query; /* "&since=…&state=…" */
    int64_t    limit;
    bool       is_following, is_json;
};

static void wish_done(struct wish *w)
{
    buf_done(&w->query);
}

static int bad_option(const char *command, const char *option, const char *why)
{
    (void)fprintf(stderr, "postern %s: %s: %s\n", command, option, why);
    return EX_USAGE;
}

void cli_bar(int64_t done, int64_t total, int64_t eta_s, int64_t ms)
{
    static const char full[] = "##############################", empty[] = "..............................";
    int               n = total > 0 ? (int)((done < total ? done : total) * (int)(sizeof full - 1) / total) : 0;
    (void)printf("\r[%.*s%s] %" PRId64 "/%" PRId64 "  %" PRId64 "/s  %" PRId64 " s left   ", n, full, empty + n, done, total,
                 ms > 0 ? done * 1000 / ms : 0, eta_s);
    (void)fflush(stdout);
}

void cli_put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++)
        if ((*text >= '0' && *text <= '9') || ((*text | 0x20) >= 'a' && (*text | 0x20) <= 'z') || strchr("-._~", *text))
            buf_putc(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

static void add_to_query(struct buf *query, const char *name, const char *value)
{
    buf_printf(query, "&%s=", name);
    cli_put_escaped(query, value);
}

static int add_since(struct buf *query, const char *value)
{
    int64_t ms;
    char    text[CLOCK_TEXT];
    if (cli_parse_time(value, clock_wall_ms(), &ms) < 0)
        return -1;
    add_to_query(query, "since", clock_rfc3339(text, ms));
    return 0;
}

static int read_limit(struct wish *w, const char *value)
{
    char     *end = NULL;
    long long n = strtoll(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || n < 1 || n > (long long)PAGE * PAGES_MAX)
        return -1;
    w->limit = n;
    return 0;
}

/* Whether names, each followed by a blank, holds the option "--name". */
static bool is_listed(const char *names, const char *option)
{
    size_t n = strlen(option);
    for (const char *at = names; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == n && strncmp(at, option, n) == 0)
            return true;
    return false;
}

/* "--since=2h" is "since"; "": no option. */
static void name_of(const char *word, char out[NAME_BYTES])
{
    bool is_option = strncmp(word, "--", 2) == 0;
    (void)snprintf(out, NAME_BYTES, "%.*s", is_option ? (int)strcspn(word + 2, "=") : 0, word + (is_option ? 2 : 0));
}

/* NULL: stderr says that there is none. */
static const char *take_value(char **argv, int *i)
{
    const char *equals = strchr(argv[*i], '=');
    if (equals)
        return equals + 1;
    if (argv[*i + 1])
        return argv[++*i];
    (void)bad_option(argv[0], argv[*i], "a value is missing");
    return NULL;
}

int cli_take_filter(const char *names, char **argv, int *i, struct buf *query)
{
    char name[NAME_BYTES];
    name_of(argv[*i], name);
    bool is_since = strcmp(name, "since") == 0;
    if (!is_since && !is_listed(names, name))
        return 0;
    const char *value = take_value(argv, i);
    if (!value)
        return -1;
    if (is_since && add_since(query, value) < 0) {
        (void)bad_option(argv[0], value, "a time like 2h, 7d, 2026-11-21 or 2026-11-21T03:12:45Z");
        return -1;
    }
    if (!is_since)
        add_to_query(query, name, value);
    return 1;
}

static int read_option(const struct cli_view *view, char **argv, int *i, struct wish *w)
{
    char name[NAME_BYTES];
    name_of(argv[*i], name);
    if (strncmp(argv[*i], "--", 2) != 0)
        return bad_option(argv[0], argv[*i], "options begin with --");
    if (strcmp(name, "follow") == 0 || strcmp(name, "json") == 0) {
        w->is_following |= name[0] == 'f';
        w->is_json |= name[0] == 'j';
        return 0;
    }
    if (strcmp(name, "limit") == 0) {
        const char *value = take_value(argv, i);
        return !value ? EX_USAGE : read_limit(w, value) < 0 ? bad_option(argv[0], value, "a number from 1 to 10000") : 0;
    }
    int taken = cli_take_filter(view->options, argv, i, &w->query);
    return taken > 0 ? 0 : taken < 0 ? EX_USAGE : bad_option(argv[0], argv[*i], "there is no such option");
}

/* 0, or the exit code. */
static int read_options(const struct cli_view *view, int argc, char **argv, struct wish *w)
{
    *w = (struct wish){ .limit = 50 };
    buf_init(&w->query, CLI_QUERY_BYTES);
    for (int i = 1; i < argc; i++) {
        int code = read_option(view, argv, &i, w);
        if (code)
            return code;
    }
    return w->query.failed ? bad_option(argv[0], "the filter", "it is too long") : 0;
}

/* --- looking ------------------------------------------------------------------------------------------------------- */

struct look {
    struct json       *pages[PAGES_MAX];
    size_t             page_count;
    const struct json *items[(size_t)PAGE * PAGES_MAX]; /* newest first */
    size_t             item_count;
};

static void look_free(struct look **lp)
{
    struct look *l = TAKE(*lp);
    for (size_t i = 0; l && i < l->page_count; i++)
        json_free(&l->pages[i]);
    free(l);
}

static uint64_t hash(const struct buf *key) /* FNV-1a */
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key->len; i++)
        h = (h ^ (unsigned char)key->data[i]) * UINT64_C(1099511628211);
    return h;
}

struct seen { /* the rows of the last look, by the hash of their key */
    uint64_t keys[(size_t)PAGE * PAGES_MAX];
    size_t   count;
};

static uint64_t key_of(const struct cli_view *view, const struct json *item)
{
    CLEANUP(buf_done) struct buf key;
    buf_init(&key, 512);
    view->key(&key, item);
    return hash(&key);
}

static bool is_seen(const struct seen *seen, uint64_t key)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->keys[i] == key)
            return true;
    return false;
}

/* The next page into l; its cursor, or NULL when it was the last or nothing more is wanted. */
static const char *take_page(struct look *l, struct json *page, int64_t limit)
{
    l->pages[l->page_count++] = page;
    for (const struct json *v = json_first(json_get(page, "items")); v && (int64_t)l->item_count < limit; v = json_next(v))
        l->items[l->item_count++] = v;
    return (int64_t)l->item_count < limit && l->page_count < PAGES_MAX ? json_str(page, "next", NULL) : NULL;
}

static bool reaches_seen(const struct cli_view *view, const struct look *l, const struct seen *seen)
{
    return l->item_count > 0 && is_seen(seen, key_of(view, l->items[l->item_count - 1]));
}

/* Up to limit rows, newest first; with seen: no further back than what was seen. NULL: *e. */
static struct look *look(struct client *c, const struct cli_view *view, const struct wish *w, int64_t limit, const struct seen *seen,
                         struct err *e)
{
    CLEANUP(look_free) struct look *l = calloc(1, sizeof *l);
    if (!l) {
        (void)err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    const char *cursor = "";
    while (cursor) {
        char path[CLI_QUERY_BYTES + 200];
        (void)snprintf(path, sizeof path, "%s?limit=%d%s%s%s", view->path, (int)(limit < PAGE ? limit : PAGE), buf_str(&w->query),
                       *cursor ? "&cursor=" : "", cursor);
        struct json *page = client_json(c, path, NULL, TIMEOUT_MS, e);
        if (!page)
            return NULL;
        cursor = take_page(l, page, limit);
        if (seen && reaches_seen(view, l, seen))
            cursor = NULL;
    }
    return TAKE(l);
}

/* --- printing ------------------------------------------------------------------------------------------------------ */

static void print_item(const struct cli_view *view, const struct wish *w, const struct json *item)
{
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    struct json_out out = json_begin(&line);
    if (w->is_json)
        json_value(&out, NULL, item);
    else
        view->line(&line, item);
    (void)puts(buf_str(&line));
}

/* Oldest first; those of seen not again. */
static void print_new(const struct cli_view *view, const struct wish *w, const struct look *l, struct seen *seen)
{
    for (size_t i = l->item_count; i > 0; i--)
        if (!is_seen(seen, key_of(view, l->items[i - 1])))
            print_item(view, w, l->items[i - 1]);
    seen->count = 0;
    for (size_t i = 0; i < l->item_count; i++)
        seen->keys[seen->count++] = key_of(view, l->items[i]);
    (void)fflush(stdout);
}

/* A gateway that restarts is waited for; what went wrong is said once. */
static void follow(struct client *c, const struct cli_view *view, const struct wish *w, struct seen *seen)
{
    bool is_down = false;
    while (!ferror(stdout)) {
        (void)nanosleep(&(struct timespec){ .tv_sec = FOLLOW_SECONDS }, NULL);
        struct err e;
        CLEANUP(look_free) struct look *l = look(c, view, w, (int64_t)PAGE * PAGES_MAX, seen, &e);
        if (!l && !is_down)
            (void)fprintf(stderr, "postern: %s\n", e.text);
        is_down = !l;
        if (l)
            print_new(view, w, l, seen);
    }
}

int cli_list(const struct settings *s, const struct cli_view *view, int argc, char **argv)
{
    CLEANUP(wish_done) struct wish w;
    int code = read_options(view, argc, argv, &w);
    if (code)
        return code;
    struct err e;
    CLEANUP(client_free) struct client *c = NULL;
    struct look *l = client_new(s, &c, &e) < 0 ? NULL : look(c, view, &w, w.limit, NULL, &e);
    struct seen *seen = calloc(1, sizeof *seen);
    if (!l || !seen) {
        (void)fprintf(stderr, "postern %s: %s\n", argv[0], l ? "out of memory" : e.text);
        look_free(&l);
        free(seen);
        return 1;
    }
    if (!w.is_json)
        (void)puts(view->heading);
    print_new(view, &w, l, seen);
    look_free(&l);
    if (w.is_following)
        follow(c, view, &w, seen);
    free(seen);
    return 0;
}
