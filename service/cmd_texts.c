/* `postern texts`: what panels said that nobody understood, each text once with its count, as a block to paste into the settings.
 * What an entry must match is the text behind the name: "Zone:4 Keller, Alarme intrusion" is listed as "Alarme intrusion". */
#include "core/clock.h"
#include "core/fold.h"
#include "parsers/own_texts.h"
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { PAGE = 500, PAGES_MAX = 40, TIMEOUT_MS = 20 * 1000, SAMPLE_MAX = 80, OUT_MAX = 1024 * 1024 };

struct heard { /* one text, however it was written */
    char folded[OWN_TEXT_MAX], text[4 * OWN_TEXT_MAX], sample[4 * SAMPLE_MAX];
    size_t count;
};

struct list {
    struct heard *items; /* OWN_TEXTS_MAX of them */
    size_t count;
    bool is_cut; /* there were more texts, or more events */
};

/* --- grouping -------------------------------------------------------------------------------------------------- */

/* The last place of `word` in text, or NULL. */
static const char *find_last(const char *text, const char *word)
{
    const char *last = NULL;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        last = at;
    return last;
}

/* Where the text of a panel's line begins and ends: behind the name, or before who reports it. What no panel wrote has its
 * subject in front. */
static const char *text_part(const char *line, size_t *n_out)
{
    const char *comma = find_last(line, ", "), *by = strstr(line, " gemeldet von Sensor "), *colon = find_last(line, ": ");
    const char *text = comma ? comma + 2 : by ? line : colon ? colon + 2 : line;
    size_t n = !comma && by ? (size_t)(by - line) : strlen(text);
    while (n > 0 && strchr(" .!", text[n - 1]))
        n--;
    *n_out = n;
    return text;
}

static struct heard *find(struct list *l, const char *folded)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].folded, folded) == 0)
            return &l->items[i];
    return NULL;
}

/* Texts that are too long for a panel's are none. */
static void hear(struct list *l, const char *line)
{
    char folded[OWN_TEXT_MAX];
    size_t n;
    const char *text = text_part(line, &n);
    if (fold_tight(folded, sizeof folded, text, n) == 0)
        return;
    struct heard *h = find(l, folded);
    if (h) {
        h->count++;
        return;
    }
    if (l->count == OWN_TEXTS_MAX) {
        l->is_cut = true;
        return;
    }
    h = &l->items[l->count++];
    h->count = 1;
    (void)snprintf(h->folded, sizeof h->folded, "%s", folded);
    (void)snprintf(h->text, sizeof h->text, "%.*s", (int)n, text);
    (void)snprintf(h->sample, sizeof h->sample, "%s", line);
}

static int by_count(const void *a, const void *b)
{
    const struct heard *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->folded, y->folded);
}

/* --- asking ---------------------------------------------------------------------------------------------------- */

static void hear_page(struct list *l, const struct json *page)
{
    for (const struct json *ev = json_first(json_get(page, "items")); ev; ev = json_next(ev))
        hear(l, json_str(ev, "text", ""));
}

static int ask(const struct settings *s, int64_t since_ms, struct list *l, struct err *e)
{
    char cursor[64] = "", since[CLOCK_TEXT], path[256];
    CLEANUP(client_free) struct client *c = NULL;
    if (client_new(s, &c, e) < 0)
        return -1;
    for (int pages = 0; pages < PAGES_MAX; pages++) {
        (void)snprintf(path, sizeof path, "/api/v1/events?kind=unknown&limit=%d&since=%s%s%s", PAGE,
                       clock_rfc3339(since, since_ms), cursor[0] ? "&cursor=" : "", cursor);
        CLEANUP(json_free) struct json *page = client_json(c, path, NULL, TIMEOUT_MS, e);
        if (!page)
            return -1;
        hear_page(l, page);
        (void)snprintf(cursor, sizeof cursor, "%s", json_str(page, "next", ""));
        if (!cursor[0])
            return 0;
    }
    l->is_cut = true;
    return 0;
}

/* --- printing -------------------------------------------------------------------------------------------------- */

static void put_kinds(struct buf *out)
{
    size_t width = 0;
    for (unsigned i = 0; kind_at(i); i++) {
        if (kind_matches("system.*", kind_at(i)) || kind_matches("camera.*", kind_at(i)) || kind_matches("un*", kind_at(i)))
            continue;
        buf_printf(out, "%s%s", width == 0 ? "    // " : " ", kind_at(i));
        width += strlen(kind_at(i)) + 1;
        if (width > 90) {
            buf_putc(out, '\n');
            width = 0;
        }
    }
    buf_puts(out, width ? "\n" : "");
}

static void put_one(struct buf *out, const struct heard *h)
{
    buf_puts(out, "    ");
    json_put_string(out, h->text, strlen(h->text));
    buf_printf(out, ": \"<kind>\", // %zu %s: ", h->count, h->count == 1 ? "time" : "times");
    cli_column(out, h->sample, SAMPLE_MAX, true);
    buf_putc(out, '\n');
}

static int print(struct list *l)
{
    if (l->count == 0) {
        (void)puts("every text of this time is known");
        return 0;
    }
    qsort(l->items, l->count, sizeof *l->items, by_count);
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, OUT_MAX);
    buf_puts(&out, "\"Parsers\": { \"Texts\": {\n    // in place of <kind> one of these, with \" restored\" behind it where "
                   "the text says that it ended:\n");
    put_kinds(&out);
    for (size_t i = 0; i < l->count; i++)
        put_one(&out, &l->items[i]);
    buf_puts(&out, "} },\n");
    (void)fputs(buf_str(&out), stdout);
    if (l->is_cut)
        (void)fputs("postern texts: there is more; teach these first, or look at less with --since\n", stderr);
    return 0;
}

int cmd_texts(const struct settings *s, int argc, char **argv)
{
    int64_t now_ms = clock_wall_ms(), since_ms = now_ms - INT64_C(30) * 24 * 3600 * 1000;
    bool is_since = argc == 3 && strcmp(argv[1], "--since") == 0;
    if (argc != 1 && (!is_since || cli_parse_time(argv[2], now_ms, &since_ms) < 0)) {
        (void)fputs("usage: postern texts [--since T]    (30d, 12h, 2026-11-21)\n", stderr);
        return EX_USAGE;
    }
    struct err e = { .text = "out of memory" };
    struct list l = { .items = calloc(OWN_TEXTS_MAX, sizeof *l.items) };
    int code = 1;
    if (!l.items || ask(s, since_ms, &l, &e) < 0)
        (void)fprintf(stderr, "postern texts: %s\n", e.text);
    else
        code = print(&l);
    free(l.items);
    return code;
}
