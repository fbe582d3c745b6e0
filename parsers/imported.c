/* imported: mails that `postern import` wrote from another system's rows where no device's words are left: the alerts of
 * security-cam-alerts, a subject and a picture each. Only an import's own envelope is believed: nobody can send us one.
 * How they are written: service/import_cams.c. */
#include "parsers/lexicon.h"
#include <string.h>

static const char alert[] = "security-cam-alerts alerts_alert", detect[] = "security-cam-alerts alerts_detect";

static int score(const struct mail *m)
{
    bool is_ours = strcmp(m->mailer, alert) == 0 || strcmp(m->mailer, detect) == 0;
    return is_ours && strcmp(m->envelope->listener, "import") == 0 ? 100 : 0;
}

static int parse(const struct mail *m, struct events *out, struct err *e)
{
    char folded[LEXICON_FOLDED];
    lexicon_fold(m, folded);
    const char *kind = strcmp(m->mailer, detect) == 0 ? "camera.person" : NULL; /* NULL: by the words */
    return lexicon_event(m, kind, folded, out, e) ? 0 : -1;
}

const struct parser parser_imported = { "imported", score, parse };
