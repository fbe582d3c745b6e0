/* dahua: cameras and recorders of Dahua, Amcrest, Lorex and Imou, and of those who sell them under other names.
 * Layout: docs/devices/dahua.md, samples: tests/data/dahua/. */
#include "core/fold.h"
#include "parsers/listed.h"
#include <string.h>

static const struct label labels[] = {
    { "alarm event", FIELD_EVENT },
    { "alarm input channel", FIELD_CHANNEL },
    { "alarm input channel no", FIELD_CHANNEL },
    { "alarm input channel name", FIELD_CAMERA },
    { "channel name", FIELD_CAMERA, true },
    { "alarm start time", FIELD_TIME },
    { "alarm stop time", FIELD_TIME_END },
    { "alarm end time", FIELD_TIME_END },
    { "alarm device name", FIELD_DEVICE },
    { "alarm name", FIELD_INPUT, true },
    { "alarm details", FIELD_INPUT, true },
    { "ip address", FIELD_ADDRESS, true },
    { "sender ip address", FIELD_ADDRESS },
    /* inferred: German */
    { "alarmereignis", FIELD_EVENT },
    { "alarmeingangskanal", FIELD_CHANNEL },
    { "alarmeingangskanal nr", FIELD_CHANNEL },
    { "alarmeingangskanalname", FIELD_CAMERA },
    { "kanalname", FIELD_CAMERA, true },
    { "alarm startzeit", FIELD_TIME },
    { "alarmstartzeit", FIELD_TIME },
    { "alarm stoppzeit", FIELD_TIME_END },
    { "alarmstoppzeit", FIELD_TIME_END },
    { "alarm endzeit", FIELD_TIME_END },
    { "alarmgeratename", FIELD_DEVICE },
    { "alarm geratename", FIELD_DEVICE },
    { "alarmname", FIELD_INPUT, true },
    { "ip adresse", FIELD_ADDRESS, true },
    { NULL, 0 },
};

static const struct wording words[] = {
    { "motion", "camera.motion", false },
    { "video motion", "camera.motion", false },
    { "smart motion", "camera.motion", false },
    { "human", "camera.motion", false }, /* its target makes it camera.person */
    { "people", "camera.motion", false },
    { "vehicle", "camera.motion", false },
    { "tamper", "camera.tamper", false },
    { "video tampering", "camera.tamper", false },
    { "camera masking", "camera.tamper", false },
    { "masking", "camera.tamper", false },
    { "video blind", "camera.tamper", false },
    { "scene change", "camera.tamper", false },
    { "defocus", "camera.tamper", false },
    { "intrusion", "camera.intrusion", false },
    { "cross region", "camera.intrusion", false },
    { "perimeter", "camera.intrusion", false },
    { "loitering", "camera.intrusion", false },
    { "fast moving", "camera.intrusion", false },
    { "parking", "camera.intrusion", false },
    { "crowd gathering", "camera.intrusion", false },
    { "tripwire", "camera.line", false },
    { "cross line", "camera.line", false },
    { "abandoned object", "camera.other", false },
    { "missing object", "camera.other", false },
    { "face", "camera.face", false },
    { "audio", "camera.audio", false },
    { "video loss", "camera.offline", false },
    { "net disconnect", "camera.offline", false },
    { "network disconnect", "camera.offline", false },
    { "offline", "camera.offline", false },
    { "ip conflict", "camera.offline", false },
    { "no disk", "camera.storage", false },
    { "disk", "camera.storage", false }, /* "Disk Error", "Disk Full" */
    { "hdd", "camera.storage", false },
    { "no sd card", "camera.storage", false },
    { "sd card", "camera.storage", false },
    { "storage", "camera.storage", false },
    { "illegal", "camera.access", false }, /* "Illegal Login", "Illegal Access" */
    { "alarm local", "camera.input", false },
    { "local alarm", "camera.input", false },
    { "external alarm", "camera.input", false },
    { "alarm input", "camera.input", false },
    { "pir", "camera.input", false },
    { "doorbell", "camera.doorbell", false },
    /* inferred: thermal cameras */
    { "fire detect", "alarm.fire", false },
    { "fire alarm", "alarm.fire", false },
    { "smoke detect", "alarm.smoke", false },
    { "temperature", "alarm.heat", false },
    /* inferred: German */
    { "bewegung", "camera.motion", false },
    { "sabotage", "camera.tamper", false },
    { "videomanipulation", "camera.tamper", false },
    { "kameraverdeckung", "camera.tamper", false },
    { "einbruch", "camera.intrusion", false },
    { "eindring", "camera.intrusion", false },
    { "stolperdraht", "camera.line", false },
    { "linienuberquerung", "camera.line", false },
    { "gesicht", "camera.face", false },
    { "videoverlust", "camera.offline", false },
    { "netzwerk getrennt", "camera.offline", false },
    { "kein datentrager", "camera.storage", false },
    { "keine festplatte", "camera.storage", false },
    { "festplatte", "camera.storage", false },
    { "lokaler alarm", "camera.input", false },
    { "externer alarm", "camera.input", false },
    { NULL, NULL, false },
};

/* --- is it ours? ---------------------------------------------------------------------------------------------- */

/* 20180506152840423ch01.jpg: time to the thousandth, channel. */
static bool is_our_file_name(const char *name)
{
    enum { TIME_DIGITS = 17 };
    return strspn(name, "0123456789") == TIME_DIGITS && strncmp(name + TIME_DIGITS, "ch", 2) == 0 &&
           strspn(name + TIME_DIGITS + 2, "0123456789") == 2;
}

static bool has_our_file(const struct mail *m)
{
    for (size_t i = 0; i < m->media_count; i++)
        if (is_our_file_name(m->media[i].name))
            return true;
    return false;
}

static int score(const struct mail *m)
{
    enum { OUR_FILE = 80, OUR_SUBJECT = 75 };
    int listed = listed_score(m, labels);
    if (listed > 0)
        return listed;
    if (has_our_file(m))
        return OUR_FILE;
    return fold_is(m->subject, "ipcmessage") ? OUR_SUBJECT : 0;
}

/* --- event ---------------------------------------------------------------------------------------------------- */

/* Start and stop are mails of their own: "Motion Detection Stop", "Motion Detection end". */
static bool is_stop(const char *event)
{
    static const char *const ends[] = { " stop ", " end ", " ende ", " beendet " };
    char                     folded[160];
    (void)fold_words(folded, sizeof folded, event, strlen(event));
    for (size_t i = 0; i < COUNT(ends); i++)
        if (strstr(folded, ends[i]))
            return true;
    return false;
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    struct labels list;
    if (labels_read(m, labels, out->arena, &list) < 0)
        return err_set(e, ERR_NOMEM, "no room for the list");
    if (listed_event(m, &list, words, WHEN_DAY_FIRST, out, e) < 0)
        return -1;
    struct event *ev = &out->items[out->count - 1];
    if (list.values[FIELD_EVENT] && is_stop(list.values[FIELD_EVENT]) && !ev->restored) {
        ev->restored = true;
        ev->severity = kind_severity(ev->kind, true);
    }
    return 0;
}

const struct parser parser_dahua = { "dahua", score, parse };
