/* import_head: lines are unfolded into a buffer of fixed size; what is longer is cut. Dates are libcurl's to read. */
#include "service/import_head.h"
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

enum { VALUE_MAX = 4096, DATE_MAX = 80 };

struct header {
    const char *name;
    size_t      name_length;
    char        value[VALUE_MAX];
    size_t      length;
};

static void add_to_value(struct header *h, const char *s, size_t n)
{
    for (size_t i = 0; i < n && h->length + 1 < sizeof h->value; i++)
        h->value[h->length++] = s[i] == '\t' || s[i] == '\0' ? ' ' : s[i];
    h->value[h->length] = '\0';
}

/* The length of the line at s without its end; *whole_out: with it. */
static size_t line_length(const char *s, size_t n, size_t *whole_out)
{
    const char *lf = memchr(s, '\n', n);
    size_t      length = lf ? (size_t)(lf - s) : n;
    *whole_out = lf ? length + 1 : length;
    return length > 0 && s[length - 1] == '\r' ? length - 1 : length;
}

static size_t name_length(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && s[i] > 0x20 && s[i] < 0x7f && s[i] != ':')
        i++;
    size_t name = i;
    while (i < n && (s[i] == ' ' || s[i] == '\t'))
        i++;
    return i < n && s[i] == ':' ? name : 0;
}

/* The header at *at, unfolded; false: the header ends here, or is none. */
static bool next_header(const char *raw, size_t n, size_t *at, struct header *h)
{
    size_t whole, length = line_length(raw + *at, n - *at, &whole);
    h->name = raw + *at;
    h->name_length = name_length(h->name, length);
    h->length = 0;
    if (h->name_length == 0)
        return false;
    const char *colon = memchr(h->name, ':', length);
    add_to_value(h, colon + 1, length - (size_t)(colon + 1 - h->name));
    for (*at += whole; *at < n && (raw[*at] == ' ' || raw[*at] == '\t'); *at += whole) {
        length = line_length(raw + *at, n - *at, &whole);
        add_to_value(h, raw + *at, length);
    }
    return true;
}

int64_t import_head_time(const char *text, size_t n)
{
    char   date[DATE_MAX + 1];
    size_t length = 0;
    while (n > 0 && (*text == ' ' || *text == '\t'))
        text++, n--;
    while (length < n && length < DATE_MAX && text[length] != '(' && text[length] != '\0') { /* "(CET)" behind it */
        date[length] = text[length];
        length++;
    }
    date[length] = '\0';
    time_t  seconds = curl_getdate(date, NULL);
    int64_t ms = (int64_t)seconds * 1000;
    return seconds > 0 && import_time_is_possible(ms) ? ms : 0;
}

/* "Name <a@b>", "a@b (Name)": a@b, if it is in plain characters. */
static void copy_address(char out[IMPORT_ADDRESS], const struct header *h)
{
    const char *open = strrchr(h->value, '<'), *s = open ? open + 1 : h->value;
    while (*s == ' ')
        s++;
    size_t n = strcspn(s, open ? ">" : " ,;(");
    for (size_t i = 0; i < n; i++)
        if (s[i] <= 0x20 || s[i] >= 0x7f)
            return;
    if (n == 0 || n >= IMPORT_ADDRESS)
        return;
    memcpy(out, s, n);
    out[n] = '\0';
}

struct found {
    struct import_head *head;
    int64_t received_ms, date_ms;
    int from_rank, to_rank; /* of the header the address is from; more is better */
};

static void take_received(struct found *f, const struct header *h, int rank)
{
    (void)rank;
    const char *semicolon = strrchr(h->value, ';');
    if (f->received_ms == 0 && semicolon)
        f->received_ms = import_head_time(semicolon + 1, strlen(semicolon + 1));
}

static void take_date(struct found *f, const struct header *h, int rank)
{
    (void)rank;
    if (f->date_ms == 0)
        f->date_ms = import_head_time(h->value, h->length);
}

static void take_from(struct found *f, const struct header *h, int rank)
{
    if (rank <= f->from_rank)
        return;
    copy_address(f->head->from, h);
    f->from_rank = f->head->from[0] ? rank : 0;
}

static void take_to(struct found *f, const struct header *h, int rank)
{
    if (rank <= f->to_rank)
        return;
    copy_address(f->head->to, h);
    f->to_rank = f->head->to[0] ? rank : 0;
}

/* What the conversation said goes before what the mail says of itself. */
static const struct {
    const char *name;
    void (*take)(struct found *f, const struct header *h, int rank);
    int         rank;
} takers[] = {
    { "Received", take_received, 0 },    { "Date", take_date, 0 },      { "Return-Path", take_from, 2 },
    { "From", take_from, 1 },            { "X-Original-To", take_to, 4 }, { "Envelope-To", take_to, 3 },
    { "Delivered-To", take_to, 2 },      { "To", take_to, 1 },
};

static void take(struct found *f, const struct header *h)
{
    for (size_t i = 0; i < COUNT(takers); i++)
        if (strlen(takers[i].name) == h->name_length && strncasecmp(takers[i].name, h->name, h->name_length) == 0)
            takers[i].take(f, h, takers[i].rank);
}

void import_head_read(const char *raw, size_t n, struct import_head *out)
{
    *out = (struct import_head){ .is_mail = false };
    struct found  f = { .head = out };
    struct header h;
    n = n < IMPORT_HEAD_MAX ? n : IMPORT_HEAD_MAX;
    for (size_t at = 0; at < n && next_header(raw, n, &at, &h);) {
        out->is_mail = true;
        take(&f, &h);
    }
    out->time_ms = f.received_ms > 0 ? f.received_ms : f.date_ms;
}
