/* lexicon: one table of words from all makers' mails, in English and German. */
#include "parsers/lexicon.h"
#include "core/fold.h"
#include "parsers/summary.h"
#include <string.h>

/* The first row with a phrase in the mail wins: what was seen before that something was seen. Phrases are folded words
 * between blanks; one ending without blank is the beginning of a word. */
static const struct word words[] = {
    { " motion alarm test ", "test.manual", true },   { " test mail ", "test.manual", false },
    { " test email ", "test.manual", false },         { " test e mail ", "test.manual", false },
    { " testmail ", "test.manual", false },           { " test message ", "test.manual", false },
    { " video tampering ", "camera.tamper", true },   { " tamper detect", "camera.tamper", true },
    { " camera masking ", "camera.tamper", true },    { " masking ", "camera.tamper", false },
    { " tamper", "camera.tamper", false },            { " scene change ", "camera.tamper", true },
    { " defocus ", "camera.tamper", true },           { " lens covered ", "camera.tamper", true },
    { " camera covered ", "camera.tamper", true },    { " verdeckt ", "camera.tamper", false },
    { " sabotage", "camera.tamper", false },          { " video loss ", "camera.offline", true },
    { " video lost ", "camera.offline", true },       { " videoverlust ", "camera.offline", true },
    { " signal lost ", "camera.offline", true },      { " connection lost ", "camera.offline", false },
    { " verbindung zur kamera verloren ", "camera.offline", true },
    { " network disconnected ", "camera.offline", true }, { " netzwerk getrennt ", "camera.offline", true },
    { " ip conflict", "camera.offline", true },       { " ip address conflict", "camera.offline", true },
    { " hdd ", "camera.storage", true },              { " disk full ", "camera.storage", true },
    { " disk error ", "camera.storage", true },       { " disk missing ", "camera.storage", true },
    { " no disk ", "camera.storage", true },          { " storage disruption ", "camera.storage", true },
    { " sd full ", "camera.storage", true },          { " sdfull ", "camera.storage", true },
    { " sd card ", "camera.storage", false },         { " festplatte ", "camera.storage", false },
    { " illegal login ", "camera.access", true },     { " illegal access ", "camera.access", true },
    { " temperature alarm ", "camera.temperature", true }, { " temperature above ", "camera.temperature", true },
    { " temperature below ", "camera.temperature", true }, { " temperature ", "camera.temperature", false },
    { " temperatur", "camera.temperature", false },
    { " doorbell ", "camera.doorbell", true },        { " klingel", "camera.doorbell", false },
    { " human ", "camera.person", false },            { " person ", "camera.person", false },
    { " persons ", "camera.person", false },          { " people ", "camera.person", false },
    { " personen", "camera.person", false },          { " mensch", "camera.person", false },
    { " face detect", "camera.face", true },          { " gesicht", "camera.face", false },
    { " vehicle", "camera.vehicle", false },          { " car detected ", "camera.vehicle", true },
    { " auto erkannt ", "camera.vehicle", true },     { " fahrzeug", "camera.vehicle", false },
    { " animal ", "camera.animal", false },           { " pet detected ", "camera.animal", true },
    { " tier erkannt ", "camera.animal", true },      { " tripwire ", "camera.line", true },
    { " line crossing ", "camera.line", true },       { " line crossed ", "camera.line", true },
    { " cross line ", "camera.line", true },          { " linienuberquerung", "camera.line", true },
    { " intrusion detect", "camera.intrusion", true }, { " intrusion ", "camera.intrusion", false },
    { " cross region ", "camera.intrusion", true },   { " field detection ", "camera.intrusion", true },
    { " region entrance ", "camera.intrusion", true }, { " region exiting ", "camera.intrusion", true },
    { " loitering ", "camera.intrusion", true },      { " object removal ", "camera.intrusion", true },
    { " unattended baggage ", "camera.intrusion", true }, { " perimeter ", "camera.intrusion", false },
    { " sound detect", "camera.audio", true },        { " detected sound ", "camera.audio", true },
    { " audio exception ", "camera.audio", true },    { " audio ", "camera.audio", false },
    { " gerausch", "camera.audio", false },           { " alarm input ", "camera.input", false },
    { " alarmeingang", "camera.input", false },       { " digital input ", "camera.input", true },
    { " di alarm ", "camera.input", true },           { " pir alarm ", "camera.input", true },
    { " io alarm ", "camera.input", true },           { " motion detect", "camera.motion", true },      { " detected motion ", "camera.motion", true },
    { " motion has been detected ", "camera.motion", true }, { " movement detected ", "camera.motion", true },
    { " bewegungserkennung ", "camera.motion", true }, { " bewegung erkannt ", "camera.motion", true },
    { " motion ", "camera.motion", false },           { " movement ", "camera.motion", false },
    { " bewegung", "camera.motion", false },          { " sensor ", "camera.input", false },
};

/* Start and stop come as mails of their own. */
static const char *const ends[] = { " motion detection stop ", " motion detection end ", " motion stop ", " motion ended ",
                                    " alarm stop ", " video recovered ", " bewegung beendet " };

static const struct {
    const char *kind, *target;
} targets[] = {
    { "camera.person", "person" }, { "camera.vehicle", "vehicle" }, { "camera.animal", "animal" },
};

void lexicon_fold(const struct mail *m, char out[LEXICON_FOLDED])
{
    size_t n = fold_words(out, LEXICON_LOOKED_AT, m->subject, strlen(m->subject));
    (void)fold_words(out + n - 1, LEXICON_LOOKED_AT, m->text, strnlen(m->text, LEXICON_LOOKED_AT));
}

const struct word *lexicon_find(const char *folded)
{
    for (const struct word *w = words; w < words + COUNT(words); w++)
        if (strstr(folded, w->phrase))
            return w;
    return NULL;
}

bool lexicon_is_sure(const char *folded)
{
    for (const struct word *w = words; w < words + COUNT(words); w++)
        if (w->is_sure && strstr(folded, w->phrase))
            return true;
    return false;
}

static bool says_end(const char *folded)
{
    for (size_t i = 0; i < COUNT(ends); i++)
        if (strstr(folded, ends[i]))
            return true;
    return false;
}

bool lexicon_has_picture(const struct mail *m)
{
    for (size_t i = 0; i < m->media_count; i++)
        if (strncmp(m->media[i].type, "image/", 6) == 0 || strncmp(m->media[i].type, "video/", 6) == 0)
            return true;
    return false;
}

bool lexicon_picture_time(const struct mail *m, struct when *out)
{
    for (size_t i = 0; i < m->media_count; i++)
        if (when_find(m->media[i].name, WHEN_DAY_FIRST, out))
            return true;
    return false;
}

static const char *target_of(const char *kind)
{
    for (size_t i = 0; i < COUNT(targets); i++)
        if (strcmp(targets[i].kind, kind) == 0)
            return targets[i].target;
    return NULL;
}

struct event *lexicon_event(const struct mail *m, const char *kind, const char *folded, struct events *out, struct err *e)
{
    const struct word *word = kind ? NULL : lexicon_find(folded);
    bool               is_known = kind || word;
    if (!kind)
        kind = word ? word->kind : "camera.motion";
    struct event *ev = events_add(out, kind);
    const char   *text = mail_summary(m, out->arena);
    if (!ev || !text) {
        (void)err_set(e, ERR_NOMEM, "no room for the event");
        return NULL;
    }
    ev->text = text;
    ev->target = target_of(kind);
    ev->restored = says_end(folded);
    ev->severity = kind_severity(kind, ev->restored);
    if (!is_known && envelope_is_for(m->envelope, m->site->alarm_user))
        ev->severity = SEVERITY_ALARM;
    return ev;
}
