/* when: the times that devices write, and whether their clocks are to be believed. Pure. */
#pragma once
#include "parsers/parser.h"

struct when {
    int  year, month, day, hour, minute, second;
    bool has_offset; /* it said "Z" or "+01:00" behind: then no zone is asked */
    int  offset_s;   /* east of UTC */
};

/* Which comes first where a date does not begin with the year: 27/12/2021 or 12/27/2021. */
enum when_order { WHEN_DAY_FIRST, WHEN_MONTH_FIRST };

/* Reads a time at s, in any form of the table in when.c (2015-05-22,14:52:18 · 27/12/2021 17:42:19 · 27.12.2021 17:42 ·
 * 2018-05-06T15:28:40 · 20180506152840 · 20180506-152840 · …), blanks in front allowed. How many bytes it took; 0: none. A
 * date that cannot be (30 February) is none; a first number over 12 decides the order by itself. */
size_t when_read(const char *s, enum when_order order, struct when *out) MUST_CHECK;

/* The first time anywhere in the text that when_read takes and that is no part of a longer number; false: none. */
bool when_find(const char *text, enum when_order order, struct when *out) MUST_CHECK;

/* The event's happened_ms, device_time and drift_ms from its device's clock, in the device's zone, else the site's. A clock
 * that stands before 2020, or further off than the site's drift_max_ms, is not believed: happened_ms stays 0, the drift is
 * shown. Without received_ms (`postern inspect`) only the year is judged. -1: out of memory. */
int when_tell(struct event *ev, const struct mail *m, const struct when *w, struct arena *a) MUST_CHECK;
/* The same from the mail's Date header, with the offset it says; nothing where the mail has none. */
int when_tell_date(struct event *ev, const struct mail *m, struct arena *a) MUST_CHECK;
