/* route: who is told of an event, as the settings say it. Pure.
 *
 * A route that names the device and applies goes first of all. Where none does and the device names its own recipients, they are told
 * of everything it sends, and the other routes are passed over.
 *
 * Every route that applies counts; a recipient is told once. A route with Otherwise applies where no other did. `Tell: []`
 * counts as applied. An alarm or a warning that no route matched is told to everybody, an info to nobody, but where nobody
 * but the log is left: there everything is told.
 *
 * `Except` is a POSIX extended regular expression searched anywhere in the event's own text, respecting case; \d stands for a
 * digit, back references are refused, patterns are at most 256 bytes, and the first 4,096 bytes of the text are looked at. */
#pragma once
#include "core/envelope.h"
#include "service/people.h"

enum { ROUTE_EXCEPT_MAX = 256, ROUTE_TOLD_MAX = 64 };

struct told {
    const struct recipient *recipient;
    const char             *title;    /* of the first route that tells and names one; NULL = none */
    int                     priority; /* likewise; -1 = none */
};
/* How many are told. only: this recipient alone (NULL: by the routes). is_for_all: what no route matched is told to everybody, even
 * an info (a drill; the end of a refusal that everybody heard of). */
size_t route_everybody(const struct people *p, struct told told[ROUTE_TOLD_MAX]);
size_t route_event(const struct people *p, const struct event *ev, const struct envelope *env, bool is_for_all, const char *only,
                   struct told told[ROUTE_TOLD_MAX]);

/* A mail to the alarm user that nobody can read is an alarm. */
enum severity route_severity(const struct event *ev, const struct envelope *env, const char *alarm_user);

/* 0, or -1: it is no pattern; *e says where. */
int route_check_except(const char *pattern, struct err *e) MUST_CHECK;
