/* A parser turns one device family's mail into events. Add one: write parsers/<name>.c, add its line to parsers/table.c,
 * put a sample in tests/data/<name>/. Parsers are pure: no I/O, no clock, no GMime; a mail in, events out. */
#pragma once
#include "core/envelope.h"
#include "core/event.h"

struct own_texts;
struct rules;
struct zone;

/* What the site told us; the same for every mail. */
struct parser_site {
    const char *alarm_user, *status_user; /* local parts: "alarm", "status"           */
    const char *language;                 /* "de" or "en"                             */
    const struct own_texts *texts; /* what its panels say in words of their own; NULL: none */
    const struct rules *rules;     /* the owner's (rules.h); NULL: none                                  */
    const struct zone  *zone;      /* where it stands (zone.h); NULL: the process's (clock_use_zone)     */
    int64_t     drift_max_ms;      /* a clock further off is not believed (when.h); 0: the default, one day */
};

/* What the settings, or an earlier mail, told of the device that sent this one. */
struct parser_device {
    const char        *id, *name;
    const char        *kind;     /* "panel", "camera", "recorder"; "" = not told          */
    const char        *language; /* "" = the site's                                       */
    const struct zone *zone;     /* NULL = the site's                                     */
};

/* A mail, read once by parsers/mail.c. Strings are valid UTF-8, never NULL, from events->arena. */
struct mail {
    const struct parser_site *site;
    const struct envelope    *envelope;
    const struct parser_device *device; /* NULL: not known; its id is drawn from the envelope              */
    const char *subject;      /* decoded; "" = none                                             */
    const char *text;         /* of the text parts; of HTML, what is visible, where there is no other; lines end in LF */
    const char *header_from;  /* address only; "" = none                                        */
    const char *mailer;       /* X-Mailer or User-Agent; "" = none                              */
    int64_t     date_ms;      /* Date header; 0 = none                                          */
    int32_t     date_offset_s; /* … and what it says to be east of UTC by                       */
    int64_t     received_ms;  /* our clock; 0 = not known (`postern inspect`)                   */
    const struct media *media; /* attachments, in order, kinds by first bytes; text parts are not among them */
    size_t      media_count;
};

struct parser {
    const char *name;                   /* as in the API and the settings                     */
    int (*score)(const struct mail *m); /* 0 = not ours … 100 = certain; must not allocate    */
    /* At least one event added to out (a test mail is an event too) and 0, or -1: ours but not readable, see e: then
     * the next best parser reads it. All strings come from out->arena or from the mail: nothing to free here. */
    int (*parse)(const struct mail *m, struct events *out, struct err *e);
};
extern const struct parser *const parsers[]; /* ends with NULL; earlier wins on equal score */

/* Asks all, takes the best, never fails for want of understanding: the last parser (plain) takes everything.
 * Fills device and, where a parser left it open, media. -1 only when memory runs out. */
int parsers_read(const struct mail *m, struct events *out, struct err *e) MUST_CHECK;
