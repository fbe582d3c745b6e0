/* reload: other settings while mails go on coming (SIGHUP, POST /reload). What is wrong with them is said, and the old ones stay. If they
 * are good, the gateway stops as it does for good, but for a moment, with its listening sockets kept, and begins again as the same
 * process (again.h): whoever knocks meanwhile waits and is not refused.
 *
 *   look ─▶ bad: said, nothing happens          look ─▶ the same: only certificates are looked at
 *   look ─▶ good ─▶ wait until no mail has been coming for long (a minute at most) ─▶ look once more ─▶ new ports are opened ─▶ go */
#pragma once
#include "core/json.h"
#include "service/settings.h"

struct uv_loop_s;
struct reload;

struct reload_options {
    const struct settings *settings; /* in force */
    void *user;
    const char *(*in_the_way)(void *user); /* any thread: why it cannot be now; NULL: nothing is */
    bool (*is_calm)(void *user);           /* loop */
    void (*unchanged)(void *user);         /* loop: only what the settings point to may be new */
    /* loop: stop and begin again; the doors that are the same (doors.h) are still to be kept, the new ones are. -1: it stays as it is. */
    int (*go)(void *user, unsigned same_doors, struct err *e);
    void (*asked)(void *user, size_t changes); /* pool: a signal asked for this many changes, which are good: for the audit */
};
struct reload *reload_new(struct uv_loop_s *loop, const struct reload_options *o); /* loop. NULL: out of memory */

void reload_ask(struct reload *r); /* loop: a signal */
/* Any other thread: looks, and writes what it saw as members (reload_look.h). 1: good, 0: not; -1: ERR_STATE, not now. */
int  reload_try(struct reload *r, struct json_out *w, struct err *e) MUST_CHECK;
void reload_begin(struct reload *r); /* any thread: after 1 */

void reload_stop(struct reload *r);  /* loop: nothing begins any more; NULL is nothing */
void reload_free(struct reload **r); /* after the loop has ended */
