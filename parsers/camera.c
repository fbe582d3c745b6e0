/* camera: any camera's mail: subject, text, pictures. What it saw, by a small lexicon; when, by the names of its pictures.
 * Facts: docs/devices/camera.md, samples: tests/data/camera/. Makers whose layout is known get parsers of their own. */
#include "core/clock.h"
#include "core/fold.h"
#include "parsers/summary.h"
#include <string.h>

enum { LOOKED_AT = 3000 }; /* bytes of subject and text that the lexicon sees */

/* The first row with a phrase in the mail wins: what was seen before that something was seen. Phrases are folded words
 * between blanks; one ending without blank is the beginning of a word. is_sure: says "camera" even without a picture. */
static const struct word {
    const char *phrase, *kind;
    bool        is_sure;
} words[] = {
    { " motion alarm test ", "test.manual", true },   { " test mail ", "test.manual", false },
    { " test email ", "test.manual", false },         { " test e mail ", "test.manual", false },
    { " testmail ", "test.manual", false },           { " test message ", "test.manual", false },
    { " video tampering ", "camera.tamper", true },   { " tamper detect", "camera.tamper", true },
    { " camera masking ", "camera.tamper", true },    { " masking ", "camera.tamper", false },
    { " tamper", "camera.tamper", false },            { " scene change ", "camera.tamper", true },
    { " defocus ", "camera.tamper", true },           { " verdeckt ", "camera.tamper", false },
    { " sabotage", "camera.tamper", false },          { " video loss ", "camera.offline", true },
    { " videoverlust ", "camera.offline", true },     { " signal lost ", "camera.offline", false },
    { " network disconnected ", "camera.offline", true }, { " ip conflict", "camera.offline", true },
    { " ip address conflict", "camera.offline", true }, { " hdd full ", "camera.storage", true },
    { " hdd error ", "camera.storage", true },        { " disk full ", "camera.storage", true },
    { " disk error ", "camera.storage", true },       { " no disk ", "camera.storage", true },
    { " sd card ", "camera.storage", false },         { " festplatte ", "camera.storage", false },
    { " doorbell ", "camera.doorbell", true },        { " klingel", "camera.doorbell", false },
    { " human ", "camera.person", false },            { " person ", "camera.person", false },
    { " persons ", "camera.person", false },          { " people ", "camera.person", false },
    { " personen", "camera.person", false },          { " mensch", "camera.person", false },
    { " face detect", "camera.face", true },          { " gesicht", "camera.face", false },
    { " vehicle", "camera.vehicle", false },          { " car detected ", "camera.vehicle", true },
    { " fahrzeug", "camera.vehicle", false },         { " animal ", "camera.animal", false },
    { " pet detected ", "camera.animal", true },      { " tier erkannt ", "camera.animal", true },
    { " tripwire ", "camera.line", true },            { " line crossing ", "camera.line", true },
    { " cross line ", "camera.line", true },          { " linienuberquerung", "camera.line", true },
    { " intrusion detect", "camera.intrusion", true }, { " intrusion ", "camera.intrusion", false },
    { " cross region ", "camera.intrusion", true },   { " field detection ", "camera.intrusion", true },
    { " region entrance ", "camera.intrusion", true }, { " region exiting ", "camera.intrusion", true },
    { " loitering ", "camera.intrusion", true },      { " perimeter ", "camera.intrusion", false },
    { " sound detect", "camera.audio", true },        { " audio exception ", "camera.audio", true },
    { " audio ", "camera.audio", false },             { " gerausch", "camera.audio", false },
    { " alarm input ", "camera.input", false },       { " pir alarm ", "camera.input", true },
    { " io alarm ", "camera.input", true },           { " motion detect", "camera.motion", true },
    { " motion has been detected ", "camera.motion", true }, { " movement detected ", "camera.motion", true },
    { " bewegungserkennung ", "camera.motion", true }, { " bewegung erkannt ", "camera.motion", true },
    { " motion ", "camera.motion", false },           { " movement ", "camera.motion", false },
    { " bewegung", "camera.motion", false },
};

/* Start and stop come as mails of their own. */
static const char *const ends[] = { " motion detection stop ", " motion detection end ", " motion stop ", " alarm stop ", " video recovered " };

static bool is_picture(const struct media *m)
{
    return strncmp(m->type, "image/", 6) == 0 || strncmp(m->type, "video/", 6) == 0;
}

static bool has_picture(const struct mail *m)
{
    for (size_t i = 0; i < m->media_count; i++)
        if (is_picture(&m->media[i]))
            return true;
    return false;
}

static void fold_mail(const struct mail *m, char out[2 * LOOKED_AT])
{
    size_t n = fold_words(out, LOOKED_AT, m->subject, strlen(m->subject));
    (void)fold_words(out + n - 1, LOOKED_AT, m->text, strnlen(m->text, LOOKED_AT));
}

static const struct word *find_word(const char *folded)
{
    for (const struct word *w = words; w < words + COUNT(words); w++)
        if (strstr(folded, w->phrase))
            return w;
    return NULL;
}

static bool has_sure_word(const char *folded)
{
    for (const struct word *w = words; w < words + COUNT(words); w++)
        if (w->is_sure && strstr(folded, w->phrase))
            return true;
    return false;
}

static int score(const struct mail *m)
{
    char folded[2 * LOOKED_AT];
    fold_mail(m, folded);
    if (has_picture(m))
        return find_word(folded) ? 60 : 50;
    return has_sure_word(folded) ? 40 : 0;
}

/* --- when ----------------------------------------------------------------------------------------------------- */

static int number(const char *s, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

/* YYYYMMDD, a '-', '_' or nothing, HHMMSS at s, in the site's zone: Foscam's Snap_20210911-184030-1.jpg, Dahua's
 * 20180506152840423ch01.jpg. INT64_MIN: no time. */
static int64_t time_at(const char *s)
{
    size_t gap = strnlen(s, 9) == 9 && (s[8] == '-' || s[8] == '_');
    if (strnlen(s, 14 + gap) < 14 + gap)
        return INT64_MIN;
    int year = number(s, 4), month = number(s + 4, 2), day = number(s + 6, 2);
    int hour = number(s + 8 + gap, 2), minute = number(s + 10 + gap, 2), second = number(s + 12 + gap, 2);
    if (year < 2000 || year > 2199)
        return INT64_MIN;
    return clock_from_local(year, month, day, hour, minute, second);
}

/* The first picture whose name says when; 0: none. Digits in front ("12320210911…") make it another number. */
static int64_t time_of_pictures(const struct mail *m)
{
    for (size_t i = 0; i < m->media_count; i++) {
        const char *name = m->media[i].name;
        for (const char *s = name; *s; s++) {
            if (number(s, 1) < 0 || (s > name && number(s - 1, 1) >= 0))
                continue;
            int64_t ms = time_at(s);
            if (ms != INT64_MIN)
                return ms;
        }
    }
    return 0;
}

/* --- event ---------------------------------------------------------------------------------------------------- */

/* Foscam says "Your IPCamera:<name>" up to the end of the line, in subject or body. "" = it does not. */
static const char *camera_name(const struct mail *m, struct arena *a)
{
    static const char label[] = "Your IPCamera:";
    const char       *at = strcasestr(m->text, label);
    at = at ? at : strcasestr(m->subject, label);
    if (!at)
        return "";
    at += sizeof label - 1;
    at += strspn(at, " ");
    const char *name = arena_copy(a, at, strcspn(at, "\n"));
    return name ? name : "";
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    char folded[2 * LOOKED_AT];
    fold_mail(m, folded);
    const struct word *word = find_word(folded);
    struct event      *ev = events_add(out, word ? word->kind : "camera.motion");
    const char        *text = mail_summary(m, out->arena);
    if (!ev || !text)
        return err_set(e, ERR_NOMEM, "no room for the event");
    for (size_t i = 0; i < COUNT(ends); i++)
        ev->restored |= strstr(folded, ends[i]) != NULL;
    ev->severity = kind_severity(ev->kind, ev->restored);
    if (!word && envelope_is_for(m->envelope, m->site->alarm_user))
        ev->severity = SEVERITY_ALARM; /* its text is not known, and it came to the alarm's address */
    ev->text = text;
    ev->device_name = camera_name(m, out->arena);
    ev->happened_ms = time_of_pictures(m);
    return 0;
}

const struct parser parser_camera = { "camera", score, parse };
