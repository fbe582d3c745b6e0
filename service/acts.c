/* acts: what makes two events one act. */
#include "service/acts.h"
#include "core/fold.h"
#include <stdio.h>
#include <string.h>

/* Names of the same act: what the text calls "Einbruch", the code may call "perimeter". Each row is one family. */
static const char *const families[][5] = {
    { "alarm.burglary", "alarm.perimeter", "alarm.interior", "alarm.outdoor", NULL },
    { "alarm.tamper", "trouble.tamper", NULL },
    { "trouble.sensor", "trouble.supervision", NULL },
};

/* Whose text says nothing of what happened. */
static const char *const never[] = { "unknown", "unreadable", "system.*", "camera.*" };

/* --- one event ------------------------------------------------------------------------------------------------ */

static unsigned recipients_of(const struct act_source *from)
{
    return (envelope_is_for(from->envelope, from->alarm_user) ? ACT_ALARM : 0U) |
           (envelope_is_for(from->envelope, from->status_user) ? ACT_STATUS : 0U) |
           (envelope_is_for(from->envelope, ENVELOPE_CONTACT_ID_USER) ? ACT_CONTACT_ID : 0U);
}

static bool may_link(const struct event *ev, const struct act_source *from)
{
    for (size_t i = 0; i < COUNT(never); i++)
        if (kind_matches(never[i], ev->kind))
            return false;
    return from->arrival != 0 && from->parser && strcmp(from->parser, "drill") != 0 && ev->device_id && ev->device_id[0] &&
           strlen(ev->device_id) < ACT_DEVICE_MAX && strlen(ev->kind) < ACT_KIND_MAX;
}

static void fold_name(char out[ACT_NAME_MAX], const char *name)
{
    (void)fold_tight(out, ACT_NAME_MAX, name ? name : "", name ? strlen(name) : 0);
}

bool act_of(const struct event *ev, const struct act_source *from, struct act *out)
{
    unsigned recipients = recipients_of(from);
    if (recipients == 0 || !may_link(ev, from))
        return false;
    *out = (struct act){
        .arrival = from->arrival,
        .received_ms = from->received_ms,
        .recipients = recipients,
        .zone_number = ev->zone_number,
        .code = ev->code,
        .is_restored = ev->restored,
    };
    (void)snprintf(out->id, sizeof out->id, "%s", ev->id);
    (void)snprintf(out->device, sizeof out->device, "%s", ev->device_id);
    (void)snprintf(out->kind, sizeof out->kind, "%s", ev->kind);
    fold_name(out->zone_name, ev->zone_name);
    if (strcmp(from->parser, "contact-id") != 0) /* it knows users by number only */
        fold_name(out->user, ev->user);
    return true;
}

/* --- two events ----------------------------------------------------------------------------------------------- */

static bool is_in(const char *const *family, const char *kind)
{
    while (*family && strcmp(*family, kind) != 0)
        family++;
    return *family != NULL;
}

static bool is_same_kind(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    for (size_t i = 0; i < COUNT(families); i++)
        if (is_in(families[i], a))
            return is_in(families[i], b);
    return false;
}

/* By number, else by name. Where the one says what the other does not, only the code can tell. */
static bool is_same_place(const struct act *a, const struct act *b)
{
    if (a->zone_number != ZONE_NONE && b->zone_number != ZONE_NONE)
        return a->zone_number == b->zone_number;
    if (a->zone_name[0] && b->zone_name[0])
        return strcmp(a->zone_name, b->zone_name) == 0;
    bool a_has_none = a->zone_number == ZONE_NONE && !a->zone_name[0], b_has_none = b->zone_number == ZONE_NONE && !b->zone_name[0];
    return (a_has_none && b_has_none) || (a->code != 0 && a->code == b->code);
}

static bool is_same_user(const struct act *a, const struct act *b)
{
    return !a->user[0] || !b->user[0] || strcmp(a->user, b->user) == 0;
}

static bool is_same_act(const struct act *a, const struct act *b, int64_t within_ms)
{
    int64_t apart = a->received_ms > b->received_ms ? a->received_ms - b->received_ms : b->received_ms - a->received_ms;
    return apart <= within_ms && a->is_restored == b->is_restored && strcmp(a->device, b->device) == 0 &&
           is_same_kind(a->kind, b->kind) && is_same_place(a, b) && is_same_user(a, b);
}

/* --- the memory ----------------------------------------------------------------------------------------------- */

void acts_add(struct acts *list, const struct act *a)
{
    list->items[list->added++ % ACTS_MAX] = *a;
}

static size_t count_of(const struct acts *list)
{
    return list->added < ACTS_MAX ? list->added : ACTS_MAX;
}

void acts_forget(struct acts *list, int64_t arrival)
{
    for (size_t i = 0; i < count_of(list); i++)
        if (list->items[i].arrival == arrival)
            list->items[i] = (struct act){ 0 };
}

static bool is_of(const struct act *item, const struct act *first)
{
    return item->seq != 0 && (item->seq == first->seq || item->first == first->seq);
}

static unsigned recipients_of_act(const struct acts *list, const struct act *first)
{
    unsigned all = 0;
    for (size_t i = 0; i < count_of(list); i++)
        if (is_of(&list->items[i], first))
            all |= list->items[i].recipients;
    return all;
}

const struct act *acts_find(const struct acts *list, const struct act *a, int64_t within_ms)
{
    for (size_t i = list->added - count_of(list); i < list->added; i++) {
        const struct act *item = &list->items[i % ACTS_MAX];
        if (item->seq == 0 || item->first != 0 || (item->recipients & a->recipients) != 0)
            continue;
        if (is_same_act(item, a, within_ms) && (recipients_of_act(list, item) & a->recipients) == 0)
            return item;
    }
    return NULL;
}

size_t acts_members(const struct acts *list, const struct act *first, int64_t seqs_out[ACT_MEMBERS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < count_of(list) && n < ACT_MEMBERS_MAX; i++)
        if (is_of(&list->items[i], first))
            seqs_out[n++] = list->items[i].seq;
    return n;
}
