/* acts: a panel mails the same act to several recipients (alarm, status, Contact-ID). Each mail is an event; those about one act are
 * found here, so that nobody is told twice. Pure: a short memory of what was told lately, matching, no store. In doubt two events
 * are two acts. Not locked: one thread. */
#pragma once
#include "core/envelope.h"
#include "core/event.h"

enum { ACTS_MAX = 128, ACT_MEMBERS_MAX = 8, ACT_DEVICE_MAX = 72, ACT_KIND_MAX = 32, ACT_NAME_MAX = 96 };

/* Which of the panel's recipients an event came to; two equal mails to the same one are two acts. */
enum { ACT_ALARM = 1, ACT_STATUS = 2, ACT_CONTACT_ID = 4 };

struct act {
    int64_t  seq, first; /* of the event; and of the one that told the act first, 0: this one */
    char     id[ID_TEXT];
    int64_t  arrival, received_ms;
    unsigned recipients; /* of the above */
    char     device[ACT_DEVICE_MAX], kind[ACT_KIND_MAX], zone_name[ACT_NAME_MAX], user[ACT_NAME_MAX]; /* names folded; "" = not told */
    int      zone_number, code;
    bool     is_restored;
};

struct act_source {
    const struct envelope *envelope;
    const char            *parser, *alarm_user, *status_user;
    int64_t                arrival, received_ms;
};
/* false: an event that is never linked (no panel's, not understood, our own, a drill). seq and first are left 0. */
bool act_of(const struct event *ev, const struct act_source *from, struct act *out);

/* What was told lately, oldest overwritten. Zeroed: empty. */
struct acts {
    struct act items[ACTS_MAX];
    size_t     added;
    bool       is_loaded; /* the owner's mark */
};
void acts_add(struct acts *list, const struct act *a);
/* Its events are read again, or their transaction is tried again. */
void acts_forget(struct acts *list, int64_t arrival);

/* The event that told this act first, at most so long ago; the oldest that fits. NULL: it is a new act. */
const struct act *acts_find(const struct acts *list, const struct act *a, int64_t within_ms);
/* All events of that act that are remembered. Returns how many. */
size_t acts_members(const struct acts *list, const struct act *first, int64_t seqs_out[ACT_MEMBERS_MAX]);
