/* clock: the two clocks and their writing. Any thread. Times are int64_t milliseconds, UTC since 1970 for the wall clock.
 * Waits and deadlines use the monotonic clock only: a Pi without a battery clock steps by 50 years when NTP answers. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
/* The monotonic clock itself, that no test moves: for disks and threads, which take the time they take. */
int64_t clock_steady_us(void);
int64_t clock_steady_ms(void);

/* Not before 2025: a clock that stands there was never set. */
bool clock_is_set(int64_t wall_ms);
/* Whether somebody keeps it right (NTP, as the kernel knows); true where that cannot be known. */
bool clock_is_kept(void);

enum { CLOCK_TEXT = 32 };
/* 2026-11-21T03:12:45.123Z (RFC 3339, UTC, ms). A time beyond the years 0 to 9999 is written as their border. */
const char *clock_rfc3339(char out[CLOCK_TEXT], int64_t wall_ms);
/* The other way; any offset, fraction optional. -1: not such a time. */
int clock_parse_rfc3339(const char *text, int64_t *ms_out);
/* Of a date and time in UTC, years 1 to 9999; second 60 is the next minute's first. INT64_MIN: no such date (30 February). */
int64_t clock_from_utc(int year, int month, int day, int hour, int minute, int second);

/* Local time of the process (TZ, set once at start): as struct tm says it, and back (an ambiguous hour: the first). */
struct tm;
void    clock_local(int64_t wall_ms, struct tm *out);
int64_t clock_from_local(int year, int month, int day, int hour, int minute, int second); /* INT64_MIN: no such time */

/* Whether this machine knows a zone of that IANA name. */
bool clock_zone_exists(const char *zone);
/* Takes `zone` (IANA name) as the process's local time; call before threads start. -1: no such zone on this machine. */
int clock_use_zone(const char *zone);

/* In a build with fault points (-Dfaults=true) the file named by POSTERN_CLOCK holds two native int64_t, added in ms to the
 * wall and the monotonic clock: so tests let hours pass and clocks step. */
