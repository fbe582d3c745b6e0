/* when: one table of the forms in which devices write times, one reader for all of them, and what is believed. */
#include "parsers/when.h"
#include "core/clock.h"
#include "parsers/zone.h"
#include <string.h>
#include <strings.h>

/* A form, letter by letter; the longer stands before what it begins with.
 *   Y M D h m s  a number: doubled letters mean exactly that many digits, a single one means one or two
 *   A B          day and month, or month and day, by the order
 *   N            a month's name
 *   x            one of - / . the first time, the same one again after that
 *   g            one of - _ T, or nothing
 *   ~            the gap between date and time: blanks, one of , _ T - and blanks; at least one of these */
static const char *const forms[] = {
    "YYYYxMxD~h:m:s",     /* 2015-05-22,14:52:18 · 2024/02/07 13:08:59 · 2018-05-06T15:28:40Z      */
    "YYYYxMxD~h:m",
    "AxBxYYYY~h:m:s",     /* 27/12/2021 17:42:19 · 27.12.2021 17:42:19                             */
    "AxBxYYYY~h:m",
    "h:m:s~YYYYxMxD",
    "h:m:s~AxBxYYYY",
    "YYYY-MM-DD~hh-mm-ss", /* file names: GeoVision                                                */
    "YYYY-MM-DD~hh.mm.ss",
    "D~N~YYYY~h:m:s",     /* 21 Nov 2026 03:12:45 · 21. November 2026, 03:12                       */
    "D~N~YYYY~h:m",
    "N~D~YYYY~h:m:s",     /* Nov 21, 2026 03:12:45                                                 */
    "N~D~YYYY~h:m",
    "YYYYMMDDghhmmss",    /* file names: Dahua, Hikvision, Foscam, Vivotek, Blue Iris              */
    "yy-MM-DD_hh-mm-ss",  /* file names: Axis                                                      */
    "A/B/yy~h:m:s",       /* 27/12/21 17:42:19                                                     */
    "A.B.yy~h:m:s",
};

/* By their first three letters, in English and German; without case, Mär also as its bytes in UTF-8 fall. */
static const struct month {
    const char *begins;
    int         number;
} months[] = {
    { "jan", 1 }, { "feb", 2 }, { "mar", 3 }, { "m\xC3\xA4r", 3 }, { "mrz", 3 }, { "apr", 4 }, { "may", 5 }, { "mai", 5 }, { "jun", 6 },
    { "jul", 7 }, { "aug", 8 }, { "sep", 9 }, { "oct", 10 }, { "okt", 10 }, { "nov", 11 }, { "dec", 12 }, { "dez", 12 },
};

/* A clock before this was never set. */
static const int64_t FIRST_BELIEVED_MS = 1577836800000; /* 2020-01-01 */
static const int64_t DRIFT_MAX_MS = 86400000;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

struct reading {
    const char *at;
    struct when when;
    int         first, second; /* A and B */
    char        between;       /* what x stood for; NUL: not yet */
    bool        is_minute_last;
};

/* `least` to `most` digits and no more. */
static bool take_number(struct reading *r, int least, int most, int *out)
{
    int value = 0, n = 0;
    for (; n < most && is_digit(r->at[n]); n++)
        value = value * 10 + (r->at[n] - '0');
    r->at += n;
    *out = value;
    return n >= least;
}

static bool take_month(struct reading *r)
{
    for (const struct month *m = months; m < months + COUNT(months); m++) {
        size_t n = strlen(m->begins);
        if (strncasecmp(r->at, m->begins, n) != 0)
            continue;
        r->when.month = m->number;
        for (r->at += n; is_letter(*r->at); r->at++)
            n++;
        if (*r->at == '.')
            r->at++;
        return n <= 10; /* "September", "Februar": no longer word is a month */
    }
    return false;
}

static bool take_gap(struct reading *r)
{
    const char *from = r->at;
    r->at += strspn(r->at, " \t");
    if (*r->at && strchr(",_T-.", *r->at))
        r->at++;
    r->at += strspn(r->at, " \t");
    return r->at > from;
}

static bool take_between(struct reading *r)
{
    char c = *r->at;
    if (r->between ? c != r->between : c != '-' && c != '/' && c != '.')
        return false;
    r->between = c;
    r->at++;
    return true;
}

static int *place_of(struct reading *r, char letter)
{
    switch (letter) {
    case 'Y': case 'y': return &r->when.year;
    case 'M': return &r->when.month;
    case 'D': return &r->when.day;
    case 'A': return &r->first;
    case 'B': return &r->second;
    case 'h': return &r->when.hour;
    case 'm': return &r->when.minute;
    case 's': return &r->when.second;
    default: return NULL;
    }
}

/* One step of a form, a letter and its doubles; how many letters, 0: it does not fit. */
static int take_step(struct reading *r, const char *form)
{
    int *place = place_of(r, *form), n = 1;
    if (place) {
        while (form[n] == *form)
            n++;
        bool is_there = n > 1 ? take_number(r, n, n, place) : take_number(r, 1, 2, place);
        if (*form == 'y')
            *place += 2000;
        return is_there ? n : 0;
    }
    bool fits;
    switch (*form) {
    case 'N': fits = take_month(r); break;
    case '~': fits = take_gap(r); break;
    case 'x': fits = take_between(r); break;
    case 'g': fits = true; r->at += *r->at == '-' || *r->at == '_' || *r->at == 'T'; break;
    default: fits = *r->at == *form; r->at += fits; break;
    }
    return fits ? 1 : 0;
}

/* After the last number: thousandths, with a point or (in file names) without, nobody asks for them. false: the number goes
 * on, or seconds that are none follow. */
static bool skip_fraction(struct reading *r, bool is_tight)
{
    int    none;
    size_t digits = 0;
    if (r->at[0] == ':' && is_digit(r->at[1]) && r->is_minute_last)
        return false;
    if (!is_tight && (*r->at == '.' || *r->at == ',') && is_digit(r->at[1])) {
        r->at++;
        (void)take_number(r, 1, 9, &none);
    }
    while (digits < 4 && is_digit(r->at[digits]))
        digits++;
    if (digits > 0 && (!is_tight || digits > 3))
        return false;
    r->at += digits;
    return true;
}

/* "AM", "pm": noon and midnight are 12. */
static void take_half(struct reading *r)
{
    const char *p = r->at + strspn(r->at, " ");
    bool        is_after = *p == 'p' || *p == 'P';
    if ((!is_after && *p != 'a' && *p != 'A') || (p[1] != 'm' && p[1] != 'M') || is_letter(p[2]) || is_digit(p[2]))
        return;
    if (r->when.hour < 1 || r->when.hour > 12)
        return;
    r->when.hour = r->when.hour % 12 + (is_after ? 12 : 0);
    r->at = p + 2;
}

/* "Z", "+01:00", " +0100". */
static void take_offset(struct reading *r)
{
    struct reading p = { .at = r->at + (r->at[0] == ' ') };
    int            hours, minutes;
    if (*r->at == 'Z' && !is_letter(r->at[1])) {
        r->at++;
        r->when.has_offset = true;
        return;
    }
    bool is_west = *p.at == '-';
    if (*p.at++ != '+' && !is_west)
        return;
    if (!take_number(&p, 2, 2, &hours))
        return;
    p.at += *p.at == ':';
    /* zones differ by quarters; "10:00:00-11:00:00" is a span of time */
    if (!take_number(&p, 2, 2, &minutes) || hours > 14 || minutes > 59 || minutes % 15 != 0 || is_digit(*p.at) || *p.at == ':')
        return;
    r->when.has_offset = true;
    r->when.offset_s = (hours * 60 + minutes) * (is_west ? -60 : 60);
    r->at = p.at;
}

/* Day and month where their order was left open: over 12 is no month. */
static void decide_order(struct reading *r, enum when_order order)
{
    if (r->first == 0)
        return;
    bool is_day_first = r->first > 12 || (order == WHEN_DAY_FIRST && r->second <= 12);
    r->when.day = is_day_first ? r->first : r->second;
    r->when.month = is_day_first ? r->second : r->first;
}

static bool is_possible(const struct when *w)
{
    return w->year >= 1970 && w->year < 2200 &&
           clock_from_utc(w->year, w->month, w->day, w->hour, w->minute, w->second) != INT64_MIN;
}

static size_t read_form(const char *s, const char *form, enum when_order order, struct when *out)
{
    struct reading r = { .at = s };
    bool           is_tight = !strchr(form, ':');
    while (*form) {
        int n = take_step(&r, form);
        if (n == 0)
            return 0;
        form += n;
    }
    r.is_minute_last = form[-1] == 'm';
    decide_order(&r, order);
    if (!skip_fraction(&r, is_tight))
        return 0;
    if (!is_tight) {
        take_half(&r);
        take_offset(&r);
    }
    if (!is_possible(&r.when))
        return 0;
    *out = r.when;
    return (size_t)(r.at - s);
}

static size_t read_any(const char *s, enum when_order order, struct when *out)
{
    for (size_t i = 0; i < COUNT(forms); i++) {
        size_t n = read_form(s, forms[i], order, out);
        if (n > 0)
            return n;
    }
    return 0;
}

size_t when_read(const char *s, enum when_order order, struct when *out)
{
    size_t blanks = strspn(s, " \t");
    size_t n = read_any(s + blanks, order, out);
    return n > 0 ? blanks + n : 0;
}

bool when_find(const char *text, enum when_order order, struct when *out)
{
    char before = ' ';
    for (const char *s = text; *s; before = *s++) {
        bool begins = is_digit(*s) ? !is_digit(before) : is_letter(*s) && !is_letter(before);
        if (begins && read_any(s, order, out) > 0)
            return true;
    }
    return false;
}

/* --- believing -------------------------------------------------------------------------------------------------- */

/* The digits on the device's clock, and by how much they are ahead of UTC. NULL: no room. */
static const char *write_time(int64_t local_ms, int32_t offset_s, struct arena *a)
{
    char    text[CLOCK_TEXT];
    int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    clock_rfc3339(text, local_ms);
    return arena_printf(a, "%.19s%c%02d:%02d", text, offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static int tell(struct event *ev, const struct mail *m, int64_t utc_ms, int32_t offset_s, struct arena *a)
{
    int64_t max = m->site->drift_max_ms > 0 ? m->site->drift_max_ms : DRIFT_MAX_MS;
    int64_t drift = m->received_ms ? utc_ms - m->received_ms : 0;
    ev->device_time = write_time(utc_ms + (int64_t)offset_s * 1000, offset_s, a);
    if (!ev->device_time)
        return -1;
    ev->drift_ms = m->received_ms ? drift : DRIFT_UNKNOWN;
    ev->happened_ms = utc_ms >= FIRST_BELIEVED_MS && drift <= max && drift >= -max ? utc_ms : 0;
    return 0;
}

int when_tell(struct event *ev, const struct mail *m, const struct when *w, struct arena *a)
{
    const struct zone *zone = m->device && m->device->zone ? m->device->zone : m->site->zone;
    int64_t local = clock_from_utc(w->year, w->month, w->day, w->hour, w->minute, w->second);
    int64_t utc = w->has_offset ? local - (int64_t)w->offset_s * 1000
                                : zone_to_utc(zone, w->year, w->month, w->day, w->hour, w->minute, w->second);
    if (local == INT64_MIN || utc == INT64_MIN)
        return 0; /* no such date: not told */
    return tell(ev, m, utc, (int32_t)((local - utc) / 1000), a);
}

int when_tell_date(struct event *ev, const struct mail *m, struct arena *a)
{
    return m->date_ms == 0 ? 0 : tell(ev, m, m->date_ms, m->date_offset_s, a);
}
