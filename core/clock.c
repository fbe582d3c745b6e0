/* clock: clock_gettime, and RFC 3339 without the C library's locale. */
#include "core/clock.h"
#include "core/attr.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#ifdef POSTERN_FAULTS
enum { OFFSET_WALL, OFFSET_MONO };

static int64_t test_offset(int which)
{
    static const volatile int64_t *offsets;
    static int                     tried;
    if (!__atomic_exchange_n(&tried, 1, __ATOMIC_SEQ_CST)) {
        const char *path = getenv("POSTERN_CLOCK");
        int         fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0) {
            void *map = mmap(NULL, 2 * sizeof *offsets, PROT_READ, MAP_SHARED, fd, 0);
            (void)close(fd);
            if (map != MAP_FAILED)
                __atomic_store_n(&offsets, (const volatile int64_t *)map, __ATOMIC_SEQ_CST);
        }
    }
    const volatile int64_t *seen = __atomic_load_n(&offsets, __ATOMIC_SEQ_CST);
    return seen ? seen[which] : 0;
}
/* Its steps are the test's. */
static bool is_test_clock(void)
{
    return getenv("POSTERN_CLOCK");
}
#else
#define test_offset(which) 0
#define is_test_clock()    false
#endif

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000 + test_offset(OFFSET_WALL);
}

int64_t clock_steady_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_steady_ms(void)
{
    return clock_steady_us() / 1000;
}

int64_t clock_mono_ms(void)
{
    return clock_steady_ms() + test_offset(OFFSET_MONO);
}

bool clock_is_set(int64_t wall_ms)
{
    return wall_ms >= INT64_C(1735689600000); /* 2025-01-01 */
}

bool clock_is_kept(void)
{
    struct timex t = { 0 };
    return is_test_clock() || adjtimex(&t) < 0 || !(t.status & STA_UNSYNC);
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar; the year begins in March, so that the
 * leap day is its last (H. Hinnant, chrono-compatible low-level date algorithms). No 32-bit time_t on the way. */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t  era = (y >= 0 ? y : y - 399) / 400;
    unsigned year_of_era = (unsigned)(y - era * 400);
    unsigned day_of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static void civil_from_days(int64_t days, int *y, unsigned *m, unsigned *d)
{
    days += 719468;
    int64_t  era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = (int)((int64_t)yoe + era * 400 + (*m <= 2));
}

/* The last of them, with zeros in front. */
static void put_digits(char *out, unsigned value, size_t count)
{
    for (; count > 0; value /= 10)
        out[--count] = (char)('0' + value % 10);
}

const char *clock_rfc3339(char out[CLOCK_TEXT], int64_t wall_ms)
{
    const int64_t first = -62167219200000, last = 253402300799999; /* years 0 and 9999 */
    if (wall_ms < first)
        wall_ms = first;
    if (wall_ms > last)
        wall_ms = last;
    int64_t days = wall_ms / 86400000, rest = wall_ms % 86400000;
    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    int      y;
    unsigned m, d, ms = (unsigned)rest;
    civil_from_days(days, &y, &m, &d);
    static const char form[] = "0000-00-00T00:00:00.000Z";
    memcpy(out, form, sizeof form);
    put_digits(out, (unsigned)y, 4);
    put_digits(out + 5, m, 2);
    put_digits(out + 8, d, 2);
    put_digits(out + 11, ms / 3600000, 2);
    put_digits(out + 14, ms / 60000 % 60, 2);
    put_digits(out + 17, ms / 1000 % 60, 2);
    put_digits(out + 20, ms % 1000, 3);
    return out;
}

static int two_digits(const char *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

/* Z, or +hh:mm, or -hh:mm; what follows the seconds. Minutes east of UTC in *out. */
static int parse_offset(const char *p, int *out)
{
    if ((p[0] == 'Z' || p[0] == 'z') && p[1] == '\0') {
        *out = 0;
        return 0;
    }
    if ((p[0] != '+' && p[0] != '-') || strlen(p) != 6 || p[3] != ':')
        return -1;
    int h = two_digits(p + 1), m = two_digits(p + 4);
    if (h < 0 || h > 23 || m < 0 || m > 59)
        return -1;
    *out = (p[0] == '-' ? -1 : 1) * (h * 60 + m);
    return 0;
}

/* ".123" or nothing; thousandths in *ms, what is finer is dropped. Moves *p behind it. */
static int parse_fraction(const char **p, int *ms)
{
    *ms = 0;
    if (**p != '.')
        return 0;
    const char *digit = *p + 1;
    for (int scale = 100; *digit >= '0' && *digit <= '9'; digit++, scale /= 10)
        *ms += (*digit - '0') * scale;
    if (digit == *p + 1)
        return -1;
    *p = digit;
    return 0;
}

/* 30 February comes back as 1 or 2 March. */
static bool is_date(int year, unsigned month, unsigned day)
{
    int      y;
    unsigned m, d;
    civil_from_days(days_from_civil(year, month, day), &y, &m, &d);
    return m == month && d == day;
}

int64_t clock_from_utc(int year, int month, int day, int hour, int minute, int second)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60 || !is_date(year, (unsigned)month, (unsigned)day))
        return INT64_MIN;
    int64_t days = days_from_civil(year, (unsigned)month, (unsigned)day);
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}

/* Each field is two digits. */
enum field { CENTURY, YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FIELDS };
static const struct {
    int at, min, max;
} fields[FIELDS] = {
    [CENTURY] = { 0, 0, 99 }, [YEAR] = { 2, 0, 99 },    [MONTH] = { 5, 1, 12 },   [DAY] = { 8, 1, 31 },
    [HOUR] = { 11, 0, 23 },   [MINUTE] = { 14, 0, 59 }, [SECOND] = { 17, 0, 60 },
};

/* "2026-11-21T03:12:45" */
static int parse_fields(const char *text, int out[FIELDS])
{
    if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':' || !memchr("Tt ", text[10], 3))
        return -1;
    for (int i = 0; i < FIELDS; i++) {
        out[i] = two_digits(text + fields[i].at);
        if (out[i] < fields[i].min || out[i] > fields[i].max)
            return -1;
    }
    return 0;
}

int clock_parse_rfc3339(const char *text, int64_t *ms_out)
{
    int f[FIELDS], ms, offset;
    if (strlen(text) < 20 || parse_fields(text, f) < 0)
        return -1;
    const char *p = text + 19;
    int         year = f[CENTURY] * 100 + f[YEAR];
    if (parse_fraction(&p, &ms) < 0 || parse_offset(p, &offset) < 0 || !is_date(year, (unsigned)f[MONTH], (unsigned)f[DAY]))
        return -1;
    int64_t days = days_from_civil(year, (unsigned)f[MONTH], (unsigned)f[DAY]);
    *ms_out = ((days * 24 + f[HOUR]) * 60 + f[MINUTE] - offset) * 60000 + (int64_t)f[SECOND] * 1000 + ms;
    return 0;
}

void clock_local(int64_t wall_ms, struct tm *out)
{
    int64_t seconds = wall_ms >= 0 ? wall_ms / 1000 : (wall_ms - 999) / 1000;
    time_t  t = (time_t)seconds;
    if (!localtime_r(&t, out))
        memset(out, 0, sizeof *out);
}

static bool shows(time_t t, const struct tm *want)
{
    struct tm got;
    return localtime_r(&t, &got) && got.tm_mday == want->tm_mday && got.tm_hour == want->tm_hour &&
           got.tm_min == want->tm_min && got.tm_sec == want->tm_sec;
}

/* When clocks are set back an hour comes twice; which one mktime finds depends on what it was asked before. */
static time_t first_that_shows(time_t t, const struct tm *want)
{
    static const time_t back[] = { 7200, 3600, 1800 }; /* what clocks are set back by, 1800 on Lord Howe Island */
    for (size_t i = 0; i < COUNT(back); i++)
        if (shows(t - back[i], want))
            return t - back[i];
    return t;
}

int64_t clock_from_local(int year, int month, int day, int hour, int minute, int second)
{
    if (year < 1902 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 60)
        return INT64_MIN;
    int       leap = second == 60; /* no time_t has it: the second before, and one more */
    struct tm want = {
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute, .tm_sec = second - leap,
    };
    struct tm tm = want;
    tm.tm_isdst = -1;
    tm.tm_wday = -1; /* stays where mktime fails: -1 is also a time */
    time_t t = mktime(&tm);
    if (tm.tm_wday < 0 || !shows(t, &want)) /* 31 February, or an hour that the change to summer time leaves out */
        return INT64_MIN;
    return ((int64_t)first_that_shows(t, &want) + leap) * 1000;
}

bool clock_zone_exists(const char *zone)
{
    char path[256];
    int  n = snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone);
    if (n < 0 || (size_t)n >= sizeof path || zone[0] == '\0' || zone[0] == '/' || strstr(zone, ".."))
        return false;
    struct stat found;
    return strcmp(zone, "UTC") == 0 || (stat(path, &found) == 0 && S_ISREG(found.st_mode) && access(path, R_OK) == 0);
}

int clock_use_zone(const char *zone)
{
    if (!clock_zone_exists(zone))
        return -1;
    if (setenv("TZ", zone, 1) != 0)
        return -1;
    tzset();
    return 0;
}
