/* inspector: two threads (quick: arrivals up to STORE_QUICK_BYTES, in order; slow: the rest and what failed once), each talking to one
 * postern-inspect over a socket pair; it kills it at the deadline (2 s + 1 s per 5 MB) and starts it again. What is not
 * read 10 s after its 250 is told as unreadable at once. */
#pragma once
#include "service/devices.h"
#include "service/relay.h"

struct inspector;
struct inspector_options { /* strings must outlive the inspector */
    const char *program;        /* path of postern-inspect */
    const char *site_time_zone, *language, *alarm_user, *status_user;
    const char *texts;          /* Parsers:Texts as JSON; "" or NULL: none */
    const char *rules;          /* Parsers:Rules as JSON; NULL: none */
    const char *const *zones;   /* of the devices' clocks; NULL ends, or NULL: none */
    struct devices    *devices; /* who sends; NULL: nobody is known */
    int64_t     memory_mib;
    int64_t     max_drift_hours; /* of a device's clock; 0: a day */
    bool        is_sandboxed;
    int64_t     unreadable_ms;  /* 10,000 */
    int64_t     job_ms;         /* 0: 2,000; tests are less patient */
    void (*mark)(struct understanding *u); /* before each is handed to the relay; NULL: nothing (drill_mark) */
};
int  inspector_start(struct store *s, struct relay *r, const struct inspector_options *o, struct inspector **out, struct err *e) MUST_CHECK;
void inspector_stop(struct inspector **i); /* before the relay: what was handed to it is waited for */
void inspector_wake(struct inspector *i, bool is_large); /* a mail was kept, over STORE_QUICK_BYTES or not; any thread */
