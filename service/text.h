/* text: what people read. One line per message, the same everywhere ("ALARM Ferienhaus: Einbruch innen, Zone 8 Ost 1, 21.11. 03:12:45"),
 * fitted to what the provider can carry. Pure: local time is the process's zone, all else is an argument. Words: words_de.c, words_en.c. */
#pragma once
#include "core/event.h"
#include "providers/provider.h"
#include "service/words.h"

enum text_detail {
    TEXT_FULL,
    TEXT_ZONE,  /* kind and zone, no users, no camera's or mail's own words */
    TEXT_SHORT, /* kind and zone number: no names at all                    */
};

struct text_style {
    const struct word *words;     /* of the recipient's language                                      */
    const struct word *overrides; /* Messages:Words; may be NULL                                      */
    const char        *site;
    enum text_detail   detail;
    bool               is_original; /* Messages:Style original: the mail's own text                   */
    bool               is_sms;
    int                parts, alarm_parts; /* of an SMS: most parts, and for alarms                   */
    size_t             text_max;           /* bytes, where it is no SMS                               */
    bool               shows_original;     /* the device's own words follow the first line            */
};
/* For messages through this account. language: one without words is English. */
void text_style_init(struct text_style *style, const struct account *a, const char *language, const char *site);

/* One message: one event, or several folded, most severe first. */
struct text_input {
    const struct event        *events;
    const struct event_origin *origins; /* beside each event                                         */
    size_t                     count;
    bool                       is_late; /* the oldest waited longer than TEXT_LATE_MS                 */
    bool                       is_twice; /* may have been sent before (after UNKNOWN)                 */
    const char                *last;    /* the last text to this recipient: an equal one gets " #2"   */
};
enum { TEXT_LATE_MS = 10 * 60 * 1000 };

/* Adds the title ("ALARM Ferienhaus") and the text; both may set ->failed. */
void text_compose(const struct text_style *style, const struct text_input *in, struct buf *title, struct buf *text);

/* How many of the events, from the first on, one message can tell so that each zone is named; at least 1. */
size_t text_fold_max(const struct text_style *style, const struct event *events, const struct event_origin *origins, size_t count);

/* A text already sent, marked as perhaps sent twice; what does not fit then is cut from its end. */
void text_mark_twice(const struct text_style *style, const char *sent, enum severity severity, struct buf *text);

/* The words of a system.delivery event: "ClickSend nimmt keine SMS an (Guthaben leer), 2 Meldungen nicht zugestellt". detail: the
 * provider's own words. restored: "ClickSend nimmt wieder SMS an". */
const char *text_refusal_reason(const struct text_style *style, const char *detail); /* "Guthaben leer", or the detail as it is */
void text_refusal(const struct text_style *style, const struct provider *p, enum fault fault, const char *detail, size_t waiting,
                  bool restored, struct buf *out);
