/* reload_look: a look at the settings as a start would read them now: whether they may take the place of those in force, and what that
 * would change. Takes as long as files and a process take; nothing of this process is touched. */
#pragma once
#include "service/settings.h"

struct reload_look {
    const struct settings *now; /* in force; borrowed */
    struct settings        next;
    struct arena           arena;
    struct mistakes        beyond; /* beside those of next */
    size_t                 changes;
    bool                   is_good; /* without a mistake */
};

/* reload_look_done() after both. -1: not even a look was possible. */
int  reload_look(const struct settings *now, struct reload_look *out, struct err *e) MUST_CHECK;
void reload_look_done(struct reload_look *l);

void reload_look_write(const struct reload_look *l, struct json_out *w); /* "mistakes"; if they are good "changes", "restarts" */
void reload_look_log(const struct reload_look *l);                       /* a line for each mistake */
