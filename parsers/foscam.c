/* foscam: "Your IPCamera:<name>" in subject or text, and pictures named after what set the camera off.
 * Facts: docs/devices/foscam.md, samples: tests/data/foscam/. */
#include "parsers/form.h"
#include "parsers/lexicon.h"
#include <string.h>

static const char label[] = "Your IPCamera:";

/* The same names as on an FTP server. kind NULL: the words decide. */
static const struct file {
    const char *form, *kind;
} files[] = {
    { "Snap_%n-%*", NULL },
    { "HMDAlarm_%n%*", "camera.person" },
    { "MDAlarm_%n%*", "camera.motion" },
    { "SDAlarm_%n%*", "camera.audio" },
    { "IOAlarm_%n%*", "camera.input" },
};

/* What follows the name where everything stands on one line. */
static const char *const behind_name[] = { " has detected ", " detected ", " IP:", "," };

static const char *find_label(const struct mail *m)
{
    const char *at = strcasestr(m->text, label);
    return at ? at : strcasestr(m->subject, label);
}

static const struct file *find_file(const struct mail *m)
{
    struct form_name none;
    for (size_t i = 0; i < m->media_count; i++)
        for (const struct file *f = files; f < files + COUNT(files); f++)
            if (form_fits(f->form, m->media[i].name, strlen(m->media[i].name), &none))
                return f;
    return NULL;
}

static int score(const struct mail *m)
{
    return find_label(m) ? 90 : find_file(m) ? 70 : 0;
}

/* Up to the end of the line, or to what else stands on it. "": it has none. NULL: no room. */
static const char *camera_name(const struct mail *m, struct arena *a)
{
    const char *at = find_label(m);
    if (!at)
        return "";
    at += sizeof label - 1;
    at += strspn(at, " ");
    size_t n = strcspn(at, "\n");
    for (size_t i = 0; i < COUNT(behind_name); i++) {
        const char *end = strcasestr(at, behind_name[i]);
        if (end && end < at + n)
            n = (size_t)(end - at);
    }
    while (n > 0 && at[n - 1] == ' ')
        n--;
    return arena_copy(a, at, n);
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    char               folded[LEXICON_FOLDED];
    struct when        when;
    const struct file *file = find_file(m);
    lexicon_fold(m, folded);
    struct event *ev = lexicon_event(m, lexicon_find(folded) || !file ? NULL : file->kind, folded, out, e);
    const char   *name = camera_name(m, out->arena);
    if (!ev || !name)
        return err_set(e, ERR_NOMEM, "no room for the event");
    ev->device_name = name;
    bool is_told = when_find(m->text, WHEN_DAY_FIRST, &when) || when_find(m->subject, WHEN_DAY_FIRST, &when) || lexicon_picture_time(m, &when);
    if (is_told && when_tell(ev, m, &when, out->arena) < 0)
        return err_set(e, ERR_NOMEM, "no room for the time");
    return 0;
}

const struct parser parser_foscam = { "foscam", score, parse };
