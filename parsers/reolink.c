/* reolink: cameras and recorders of Reolink, and Swann's recorders. Layout: docs/devices/reolink.md, samples: tests/data/reolink/. */
#include "parsers/listed.h"
#include <string.h>

static const struct label labels[] = {
    { "alarm camera name", FIELD_CAMERA },
    { "alarm event", FIELD_EVENT },
    { "alarm input channel no", FIELD_CHANNEL },
    { "alarm device name", FIELD_DEVICE },
    { "alarm time", FIELD_TIME, true },
    /* Swann */
    { "device name", FIELD_DEVICE, true },
    { "event type", FIELD_EVENT, true },
    { "channel name", FIELD_CAMERA },
    { "alarmtype", FIELD_TARGET },
    { "alarm type", FIELD_TARGET, true },
    { "time", FIELD_TIME, true },
    /* inferred: German */
    { "alarmkameraname", FIELD_CAMERA },
    { "alarmereignis", FIELD_EVENT },
    { "alarmeingangskanal nr", FIELD_CHANNEL },
    { "alarmgeratename", FIELD_DEVICE },
    { NULL, 0 },
};

static const struct wording words[] = {
    { "motion", "camera.motion", false },
    { "person", "camera.motion", false }, /* its target makes it camera.person */
    { "people", "camera.motion", false },
    { "human", "camera.motion", false },
    { "vehicle", "camera.motion", false },
    { "car ", "camera.motion", false },
    { "pet", "camera.motion", false },
    { "animal", "camera.motion", false },
    { "dog", "camera.motion", false },
    { "face", "camera.face", false },
    { "visitor", "camera.doorbell", false },
    { "doorbell", "camera.doorbell", false },
    { "audio", "camera.audio", false },
    { "sound", "camera.audio", false },
    { "cry", "camera.audio", false },
    { "line crossing", "camera.line", false },
    { "cross line", "camera.line", false },
    { "tripwire", "camera.line", false },
    { "intrusion", "camera.intrusion", false },
    { "perimeter", "camera.intrusion", false },
    { "loitering", "camera.intrusion", false },
    { "tamper", "camera.tamper", false },
    { "occlusion", "camera.tamper", false },
    { "video loss", "camera.offline", false },
    { "disconnect", "camera.offline", false },
    { "network disconnect", "camera.offline", false },
    { "ip conflict", "camera.offline", false },
    { "ip address conflict", "camera.offline", false },
    { "hdd", "camera.storage", false },
    { "no hdd", "camera.storage", false },
    { "disk", "camera.storage", false },
    { "illegal", "camera.access", false },
    { "pir", "camera.input", false },
    { "alarm input", "camera.input", false },
    { "io alarm", "camera.input", false },
    { "sensor", "camera.input", false },
    /* inferred: German */
    { "bewegung", "camera.motion", false },
    { "fahrzeug", "camera.motion", false },
    { "tier", "camera.motion", false },
    { "haustier", "camera.motion", false },
    { "besucher", "camera.doorbell", false },
    { NULL, NULL, false },
};

/* "If you receive this e-mail you have successfully set up and tested the e-mail alert from your IPC". */
static bool is_our_test(const struct mail *m)
{
    return strcasestr(m->text, "tested the e-mail alert from your") != NULL;
}

static int score(const struct mail *m)
{
    enum { OUR_TEST = 90 };
    return is_our_test(m) ? OUR_TEST : listed_score(m, labels);
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    struct labels list;
    if (labels_read(m, labels, out->arena, &list) < 0)
        return err_set(e, ERR_NOMEM, "no room for the list");
    if (!list.values[FIELD_CHANNEL]) /* Swann's "Channel Name [IP-CH1]:" */
        list.values[FIELD_CHANNEL] = list.notes[FIELD_CAMERA];
    if (!list.values[FIELD_DEVICE]) { /* a camera without a recorder calls itself so */
        list.values[FIELD_DEVICE] = list.values[FIELD_CAMERA];
        list.values[FIELD_CAMERA] = NULL;
    }
    return listed_event(m, &list, words, WHEN_DAY_FIRST, out, e);
}

const struct parser parser_reolink = { "reolink", score, parse };
