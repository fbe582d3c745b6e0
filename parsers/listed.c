/* listed: from fields to an event. */
#include "parsers/listed.h"
#include "core/fold.h"
#include "parsers/lexicon.h"
#include "parsers/summary.h"
#include <string.h>

enum { LOOKED_AT = 600, NAME_BYTES = 200 };

int listed_score(const struct mail *m, const struct label *table)
{
    int found = labels_count(m, table);
    if (found < 2)
        return 0;
    return found < 6 ? 70 + 4 * found : 94;
}

bool listed_is_test(const struct mail *m)
{
    static const char *const phrases[] = { " test mail ", " test email ", " test e mail ", " testmail ", " test message ",
                                           " tested the e mail alert " };
    char                     folded[2 * LOOKED_AT];
    size_t                   n = fold_words(folded, LOOKED_AT, m->subject, strlen(m->subject));
    (void)fold_words(folded + n - 1, LOOKED_AT, m->text, strnlen(m->text, LOOKED_AT));
    for (size_t i = 0; i < COUNT(phrases); i++)
        if (strstr(folded, phrases[i]))
            return true;
    return false;
}

/* --- kind ----------------------------------------------------------------------------------------------------- */

/* As wording_find, at the first of the text's words where it finds something. */
static const struct wording *find_within(const struct wording *words, const char *text)
{
    const char *end = text + strnlen(text, LOOKED_AT);
    while (text < end) {
        text += strspn(text, " \t\n");
        const struct wording *w = wording_find(words, text);
        if (w)
            return w;
        text += strcspn(text, " \t\n");
    }
    return NULL;
}

/* What the maker's table has not got, the one for all cameras may have. */
static struct wording find_in_lexicon(const char *told)
{
    char folded[2 * LOOKED_AT];
    (void)fold_words(folded, sizeof folded, told, strnlen(told, LOOKED_AT));
    const struct word *word = lexicon_find(folded);
    return (struct wording){ NULL, word ? word->kind : NULL, false };
}

/* "ORTO: on Camera1: Intrusion Detection": what stands before the last colon is names. */
static const struct wording *find_in_subject(const struct wording *words, const char *subject)
{
    const char *colon = strrchr(subject, ':');
    return find_within(words, colon ? colon + 1 : subject);
}

/* What the mail is about; kind NULL: it does not say so in words that are known. */
static struct wording find_words(const struct mail *m, const struct labels *list, const struct wording *words)
{
    const char           *told = list->values[FIELD_EVENT];
    const struct wording *found = told ? find_within(words, told) : NULL;
    if (told)
        return found ? *found : find_in_lexicon(told);
    if (listed_is_test(m))
        return (struct wording){ NULL, "test.manual", false };
    found = find_in_subject(words, m->subject);
    return found ? *found : (struct wording){ NULL, NULL, false };
}

/* A mail that says nothing but shows a picture was sent because something moved. NULL: it is nothing of ours. */
static const char *kind_without_words(const struct mail *m, const struct labels *list)
{
    if (!list->values[FIELD_EVENT] && lexicon_has_picture(m))
        return "camera.motion";
    return list->found > 0 ? "camera.other" : NULL;
}

/* Words that no table knows are a warning, so that they are told, and an alarm where they came to the alarm's address. */
static enum severity severity_of(const struct mail *m, const struct event *ev, bool is_known)
{
    if (is_known)
        return kind_severity(ev->kind, ev->restored);
    if (envelope_is_for(m->envelope, m->site->alarm_user))
        return SEVERITY_ALARM;
    return strcmp(ev->kind, "camera.other") == 0 ? SEVERITY_WARNING : kind_severity(ev->kind, ev->restored);
}

static const char *find_target(const struct labels *list)
{
    const char *target = list->values[FIELD_TARGET] ? target_find(list->values[FIELD_TARGET]) : NULL;
    return target || !list->values[FIELD_EVENT] ? target : target_find(list->values[FIELD_EVENT]);
}

/* --- text and names --------------------------------------------------------------------------------------------- */

/* The event in the device's words, with the line or region that saw it: "Line Crossing Detection, Line 1". */
static const char *text_of(const struct mail *m, const struct labels *list, struct arena *a)
{
    const char *event = list->values[FIELD_EVENT], *input = list->values[FIELD_INPUT];
    if (!event)
        return mail_summary(m, a);
    return input ? arena_printf(a, "%s, %s", event, input) : event;
}

static bool is_same(const char *a, const char *b)
{
    char folded[NAME_BYTES];
    return a && b && fold_tight(folded, sizeof folded, a, strlen(a)) > 0 && fold_is(b, folded);
}

/* A camera that is called like its device or its channel has no name of its own. */
static const char *camera_name(const struct labels *list)
{
    const char *name = list->values[FIELD_CAMERA];
    return is_same(name, list->values[FIELD_DEVICE]) || is_same(name, list->values[FIELD_CHANNEL]) ? NULL : name;
}

/* --- time ------------------------------------------------------------------------------------------------------- */

/* The note says it: "D/M/Y H:M:S". */
static enum when_order order_of(const char *note, enum when_order otherwise)
{
    if (!note)
        return otherwise;
    return note[0] == 'M' || note[0] == 'm' ? WHEN_MONTH_FIRST : WHEN_DAY_FIRST;
}

/* In the text; else in the name of something sent along. */
static bool find_time(const struct mail *m, const struct labels *list, enum when_order order, struct arena *a, struct when *out)
{
    enum field  field = list->values[FIELD_TIME_END] ? FIELD_TIME_END : FIELD_TIME;
    const char *time = list->values[field];
    if (time && list->values[FIELD_DATE])
        time = arena_printf(a, "%s %s", list->values[FIELD_DATE], time);
    if (time && when_read(time, order_of(list->notes[field], order), out) > 0)
        return true;
    return lexicon_picture_time(m, out);
}

int listed_event(const struct mail *m, const struct labels *list, const struct wording *words, enum when_order order,
                 struct events *out, struct err *e)
{
    struct wording word = find_words(m, list, words);
    const char    *kind = word.kind ? word.kind : kind_without_words(m, list), *target = find_target(list);
    struct when    when;
    if (!kind)
        return err_set(e, ERR_INPUT, "none of this maker's words");
    struct event *ev = events_add(out, target_kind(kind, target));
    if (!ev)
        return err_set(e, ERR_NOMEM, "no room for the event");
    ev->restored = word.restored || list->values[FIELD_TIME_END];
    ev->severity = severity_of(m, ev, word.kind != NULL);
    ev->target = target;
    ev->text = text_of(m, list, out->arena);
    ev->user = list->values[FIELD_USER];
    ev->channel = list->values[FIELD_CHANNEL];
    ev->zone_name = camera_name(list);
    ev->device_name = list->values[FIELD_DEVICE] ? list->values[FIELD_DEVICE] : "";
    if (!ev->text || (find_time(m, list, order, out->arena, &when) && when_tell(ev, m, &when, out->arena) < 0))
        return err_set(e, ERR_NOMEM, "no room for the event's words");
    return 0;
}
