/* hikvision: cameras and recorders of Hikvision and the many that are sold under other names (HiLook, Annke, LTS, clones).
 * Layout: docs/devices/hikvision.md, samples: tests/data/hikvision/. */
#include "parsers/listed.h"
#include <string.h>
#include <strings.h>

static const struct label labels[] = {
    { "event type", FIELD_EVENT, true },
    { "event time", FIELD_TIME, true },
    { "event input", FIELD_INPUT },
    { "target type", FIELD_TARGET, true },
    { "ipc name", FIELD_DEVICE },
    { "dvr name", FIELD_DEVICE },
    { "nvr name", FIELD_DEVICE },
    { "ipdome name", FIELD_DEVICE },
    { "device name", FIELD_DEVICE, true },
    { "camera name num", FIELD_CAMERA },
    { "channel name", FIELD_CAMERA, true },
    { "channel number", FIELD_CHANNEL },
    { "channel no", FIELD_CHANNEL, true },
    { "ipc s n", FIELD_SERIAL },
    { "dvr s n", FIELD_SERIAL },
    { "nvr s n", FIELD_SERIAL },
    { "device s n", FIELD_SERIAL, true },
    { "ipc ip", FIELD_ADDRESS },
    { "dvr ip", FIELD_ADDRESS },
    { "nvr ip", FIELD_ADDRESS },
    { "user", FIELD_USER, true },
    /* inferred: German */
    { "ereignistyp", FIELD_EVENT, true },
    { "ereigniszeit", FIELD_TIME, true },
    { "ereigniseingang", FIELD_INPUT },
    { "zieltyp", FIELD_TARGET, true },
    { "geratename", FIELD_DEVICE, true },
    { "kameraname num", FIELD_CAMERA },
    { "kanalname", FIELD_CAMERA, true },
    { "kanalnummer", FIELD_CHANNEL },
    { NULL, 0 },
};

static const struct wording words[] = {
    { "motion", "camera.motion", false },
    { "motion detection stop", "camera.motion", true },
    { "human", "camera.motion", false }, /* its target makes it camera.person */
    { "vehicle", "camera.motion", false },
    { "video tampering", "camera.tamper", false },
    { "tamper", "camera.tamper", false },
    { "scene change", "camera.tamper", false },
    { "defocus", "camera.tamper", false },
    { "video loss", "camera.offline", false },
    { "video signal loss", "camera.offline", false },
    { "line crossing", "camera.line", false },
    { "intrusion", "camera.intrusion", false },
    { "field detection", "camera.intrusion", false },
    { "region entrance", "camera.intrusion", false },
    { "region exiting", "camera.intrusion", false },
    { "loitering", "camera.intrusion", false },
    { "people gathering", "camera.intrusion", false },
    { "fast moving", "camera.intrusion", false },
    { "parking", "camera.intrusion", false },
    { "unattended baggage", "camera.other", false },
    { "object removal", "camera.other", false },
    { "face", "camera.face", false },
    { "audio", "camera.audio", false },
    { "sudden increase of sound", "camera.audio", false },
    { "sudden decrease of sound", "camera.audio", false },
    { "pir", "camera.input", false },
    { "alarm input", "camera.input", false },
    { "wireless alarm", "camera.input", false },
    { "doorbell", "camera.doorbell", false },
    { "hdd", "camera.storage", false },
    { "no hdd", "camera.storage", false },
    { "disk", "camera.storage", false },
    { "record", "camera.storage", false }, /* "Recording Failure", "Record Exception" */
    { "network disconnected", "camera.offline", false },
    { "ip address conflict", "camera.offline", false },
    { "ip conflict", "camera.offline", false },
    { "illegal", "camera.access", false }, /* "Illegal Login", "Illegal Access" */
    /* inferred: thermal cameras */
    { "fire detect", "alarm.fire", false },
    { "fire source", "alarm.fire", false },
    { "smoke detect", "alarm.smoke", false },
    { "temperature", "alarm.heat", false },
    /* inferred: German */
    { "bewegung", "camera.motion", false },
    { "videosabotage", "camera.tamper", false },
    { "sabotage", "camera.tamper", false },
    { "szenenwechsel", "camera.tamper", false },
    { "defokus", "camera.tamper", false },
    { "videoverlust", "camera.offline", false },
    { "linienuberquerung", "camera.line", false },
    { "einbruch", "camera.intrusion", false },
    { "eindring", "camera.intrusion", false },
    { "bereichseintritt", "camera.intrusion", false },
    { "bereichsaustritt", "camera.intrusion", false },
    { "gesicht", "camera.face", false },
    { "alarmeingang", "camera.input", false },
    { "festplatte", "camera.storage", false },
    { "netzwerk getrennt", "camera.offline", false },
    { "ip adresskonflikt", "camera.offline", false },
    { "unzulassige anmeldung", "camera.access", false },
    { "illegale anmeldung", "camera.access", false },
    { NULL, NULL, false },
};

static int score(const struct mail *m)
{
    return strcasecmp(m->mailer, "HIKMailer") == 0 ? 95 : listed_score(m, labels);
}

/* "CAM 2 Garage(A2)" is a name and a channel; a list of several stays as it is. */
static int split_camera(struct labels *list, struct arena *a)
{
    const char *both = list->values[FIELD_CAMERA], *open = both ? strrchr(both, '(') : NULL;
    size_t      n = open ? strlen(open) : 0;
    if (n < 3 || open[n - 1] != ')' || strstr(both, "),"))
        return 0;
    size_t name = (size_t)(open - both);
    while (name > 0 && both[name - 1] == ' ')
        name--;
    list->values[FIELD_CHANNEL] = arena_copy(a, open + 1, n - 2);
    list->values[FIELD_CAMERA] = name > 0 ? arena_copy(a, both, name) : list->values[FIELD_CHANNEL];
    return list->values[FIELD_CHANNEL] && list->values[FIELD_CAMERA] ? 0 : -1;
}

/* Recorders' subjects end in "… On Channel D4". */
static int take_channel_of_subject(const struct mail *m, struct labels *list, struct arena *a)
{
    static const char phrase[] = " On Channel ";
    const char       *at = strcasestr(m->subject, phrase);
    if (list->values[FIELD_CHANNEL] || !at)
        return 0;
    at += sizeof phrase - 1;
    size_t n = strcspn(at, " ,;");
    if (n == 0)
        return 0;
    list->values[FIELD_CHANNEL] = arena_copy(a, at, n);
    return list->values[FIELD_CHANNEL] ? 0 : -1;
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    struct labels list;
    if (labels_read(m, labels, out->arena, &list) < 0 || split_camera(&list, out->arena) < 0 ||
        take_channel_of_subject(m, &list, out->arena) < 0)
        return err_set(e, ERR_NOMEM, "no room for the list");
    return listed_event(m, &list, words, WHEN_DAY_FIRST, out, e);
}

const struct parser parser_hikvision = { "hikvision", score, parse };
