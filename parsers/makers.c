/* makers: cameras that differ from all others in a name or a phrase only, as data. Facts: docs/devices/makers.md, samples:
 * tests/data/makers/. */
#include "core/fold.h"
#include "parsers/form.h"
#include "parsers/lexicon.h"
#include <string.h>
#include <strings.h>

enum where { SUBJECT, TEXT, FILE_NAME };

/* Every row that fits adds what it knows; the first of a maker's that says something wins. A mail is the maker's by any of its
 * rows that is a sign. */
static const struct row {
    const char *maker;
    bool        is_sign;
    enum where  where;
    const char *form; /* parsers/form.h; %N is the camera's name */
    const char *kind; /* NULL: by the lexicon                    */
} rows[] = {
    /* before, at and after the trigger: the time is the trigger's */
    { "vivotek", true, FILE_NAME, "%N_##############_%n_trg.%*", NULL },
    { "vivotek", true, FILE_NAME, "%N_##############_%n_pre.%*", NULL },
    { "vivotek", true, FILE_NAME, "%N_##############_%n_pos.%*", NULL },
    { "vivotek", true, FILE_NAME, "%N_########_######_%n.%*", NULL },
    { "panasonic", true, SUBJECT, "%*:#################", NULL },
    { "jvc", true, TEXT, "%*Starting Alarm/Sensor REC!!%*", "camera.input" },
    { "geovision", true, FILE_NAME, "MOTION_####-##-##-##-##-##-%n_%n.%*", "camera.motion" },
    { "geovision", true, FILE_NAME, "SENSOR_####-##-##-##-##-##-%n_%n.%*", "camera.input" },
    { "geovision", true, FILE_NAME, "TRIPWIRE_####-##-##-##-##-##-%n_%n.%*", "camera.line" },
    { "geovision", true, FILE_NAME, "PERIMETER_####-##-##-##-##-##-%n_%n.%*", "camera.intrusion" },
    { "geovision", true, TEXT, "SDFULL%*", "camera.storage" },
    { "geovision", true, SUBJECT, "SDFULL%*", "camera.storage" },
    { "blueiris", true, FILE_NAME, "%N_########-######.%*", NULL },
    { "blueiris", true, SUBJECT, "%*Blue Iris%*", NULL },
    { "blueiris", false, SUBJECT, "%*WATCHDOG%*", "camera.offline" },
    { "blueiris", false, TEXT, "%*WATCHDOG%*", "camera.offline" },
    { "blueiris", false, SUBJECT, "%*EXTERNAL%*", "camera.input" },
    { "blueiris", false, TEXT, "%*EXTERNAL%*", "camera.input" },
    { "synology", true, SUBJECT, "%*Surveillance Station%*", NULL },
    { "synology", false, TEXT, "%*Camera [%N]%*", NULL },
    { "synology", false, TEXT, "%*Kamera [%N]%*", NULL },
};

/* What stands in front of the time and is nobody's name. */
static const char *const no_names[] = { "alarm", "cam", "camera", "clip", "event", "image", "img", "motion", "pic", "picture", "snap", "snapshot", "vid", "video" };

/* What a row found. */
struct found {
    const char      *in; /* the text that fits */
    struct form_name name;
};

static bool fits(const struct row *row, const char *text, struct found *out)
{
    out->in = text;
    out->name = (struct form_name){ NULL, 0 };
    return form_fits(row->form, text, strnlen(text, LEXICON_LOOKED_AT), &out->name);
}

static bool find(const struct mail *m, const struct row *row, struct found *out)
{
    if (row->where != FILE_NAME)
        return fits(row, row->where == SUBJECT ? m->subject : m->text, out);
    for (size_t i = 0; i < m->media_count; i++)
        if (fits(row, m->media[i].name, out))
            return true;
    return false;
}

/* NULL: none of them. */
static const char *find_maker(const struct mail *m)
{
    struct found found;
    for (const struct row *row = rows; row < rows + COUNT(rows); row++)
        if (row->is_sign && find(m, row, &found))
            return row->maker;
    return NULL;
}

static int score(const struct mail *m)
{
    return find_maker(m) ? 65 : 0;
}

static bool is_name(const struct form_name *name)
{
    for (size_t i = 0; i < COUNT(no_names); i++)
        if (strlen(no_names[i]) == name->n && strncasecmp(no_names[i], name->s, name->n) == 0)
            return false;
    return name->n > 0;
}

/* All that a maker's rows say of one mail. */
struct told {
    const char      *kind;
    struct form_name name;
    struct when      when;
    bool             has_when;
};

static void gather(const struct mail *m, const char *maker, struct told *told)
{
    struct found found;
    for (const struct row *row = rows; row < rows + COUNT(rows); row++) {
        if (strcmp(row->maker, maker) != 0 || !find(m, row, &found))
            continue;
        told->kind = told->kind ? told->kind : row->kind;
        if (told->name.n == 0 && is_name(&found.name))
            told->name = found.name;
        if (!told->has_when && row->where != TEXT)
            told->has_when = when_find(found.in, WHEN_DAY_FIRST, &told->when);
    }
    told->has_when = told->has_when || when_find(m->text, WHEN_DAY_FIRST, &told->when) || lexicon_picture_time(m, &told->when);
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    char        folded[LEXICON_FOLDED];
    struct told told = { 0 };
    gather(m, find_maker(m), &told);
    lexicon_fold(m, folded);
    struct event *ev = lexicon_event(m, told.kind, folded, out, e);
    const char   *name = arena_copy(out->arena, told.name.n ? told.name.s : "", told.name.n);
    if (!ev || !name)
        return err_set(e, ERR_NOMEM, "no room for the event");
    ev->device_name = name;
    if (told.has_when && when_tell(ev, m, &told.when, out->arena) < 0)
        return err_set(e, ERR_NOMEM, "no room for the time");
    return 0;
}

const struct parser parser_makers = { "makers", score, parse };
