/* camera: any camera's mail: subject, text, pictures. What it saw, by the lexicon; when, by the names of its pictures.
 * Facts: docs/devices/camera.md, samples: tests/data/camera/. Makers whose layout is known have parsers of their own. */
#include "parsers/lexicon.h"

static int score(const struct mail *m)
{
    char folded[LEXICON_FOLDED];
    lexicon_fold(m, folded);
    if (lexicon_has_picture(m))
        return lexicon_find(folded) ? 60 : 50;
    return lexicon_is_sure(folded) ? 40 : 0;
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    char        folded[LEXICON_FOLDED];
    struct when when;
    lexicon_fold(m, folded);
    struct event *ev = lexicon_event(m, NULL, folded, out, e);
    if (!ev)
        return -1;
    if (lexicon_picture_time(m, &when) && when_tell(ev, m, &when, out->arena) < 0)
        return err_set(e, ERR_NOMEM, "no room for the time");
    return 0;
}

const struct parser parser_camera = { "camera", score, parse };
