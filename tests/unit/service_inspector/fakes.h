/* fakes: a store and a relay in memory, so that the inspector can be watched: what it takes up, what it hands over. */
#pragma once
#include "service/inspector.h"

enum { FAKE_ARRIVALS = 2000 };

void fake_reset(void);
/* Keeps a mail; returns its seq. to: one recipient. is_large: slow's. raw NULL: the row is there, the mail is gone. */
int64_t fake_keep(const char *to, bool is_large, const void *raw, size_t n);

/* While held, the relay answers nothing. */
void fake_hold_relay(bool is_held);
void fake_fail_next(int count); /* so many takes cannot be committed */

struct fake_arrival {
    enum arrival_state state;
    int                tries;
    int                understood, told, given_up; /* how often the relay committed that */
    char               kind[40];                   /* of its first event, the last time  */
    enum severity      severity;
    char               parser[20];
};
struct fake_arrival fake_look(int64_t seq);
const char         *fake_health(void); /* "" = well */
int                 fake_rules_told(void); /* events system.settings so far */

void fake_relay_start(void);
void fake_relay_stop(void);
