/* event: what an arrival means. Strings are UTF-8, borrowed from the arena that made the event; NULL = not told.
 * An arrival's pictures stay in the arrival: a medium is (offset, length, encoding) and is decoded on the way out. */
#pragma once
#include "core/arena.h"
#include "core/id.h"
#include "core/json.h"
#include "core/kind.h"

enum encoding { ENCODING_NONE, ENCODING_BASE64, ENCODING_QUOTED_PRINTABLE, ENCODING_UUENCODE };

struct media {
    int           n;      /* 1, 2, … within the arrival                                              */
    const char   *type;   /* by its first bytes: "image/jpeg"; "application/octet-stream" otherwise  */
    const char   *name;   /* as the mail names it; data, never a path; "" = none                     */
    int64_t       bytes;  /* decoded size                                                            */
    int64_t       offset; /* where the encoded bytes begin in the raw arrival                        */
    int64_t       length; /* how many encoded bytes                                                  */
    enum encoding encoding;
    bool          is_forgotten; /* its bytes are gone: retention cut them out of the arrival         */
};

enum { ZONE_NONE = -1 };
#define DRIFT_UNKNOWN INT64_MIN

struct event {
    char          id[ID_TEXT]; /* ULID; "" until it is kept                                         */
    const char   *kind;        /* never NULL; see kind.h                                            */
    bool          restored;    /* it ended                                                          */
    enum severity severity;
    const char   *device_id, *device_name; /* never NULL once understood; "" = not recognised       */
    int           zone_number; /* ZONE_NONE = not told                                              */
    const char   *zone_name;
    const char   *user;
    const char   *text;        /* the device's own words                                            */
    int           code;        /* Ademco Contact-ID, 100–999; 0 = not known                         */
    int64_t       happened_ms; /* the device's clock, as UTC; 0 = not told, or not to be believed   */
    const char   *device_time; /* what its clock showed: RFC 3339 with its own zone's offset, "2026-11-21T03:12:45+01:00"; NULL = not told */
    int64_t       drift_ms;    /* its clock less ours at arrival; only with device_time; DRIFT_UNKNOWN = not to be told */
    const char   *target;      /* what a camera says it saw: "person", "vehicle", "animal"; NULL = not told */
    const char   *channel;     /* a recorder's input, in its own words: "D4"; NULL = not told       */
    const struct media *media; /* pictures and clips that show it                                   */
    size_t        media_count;
    char          same_as[ID_TEXT]; /* id of the event that told the same act first; "" = none     */
};

struct events {
    struct arena *arena; /* all strings of all items */
    struct event *items;
    size_t        count, cap;
    const char   *parser; /* name of the parser that made them */
    const char   *rule_trouble; /* an owner's rule that had to be given up on with this mail; NULL: none */
};
enum { EVENTS_MAX = 64 };

/* A new event of this kind at the end, its severity by the table, all else "not told"; NULL: arena full, or EVENTS_MAX reached. */
struct event *events_add(struct events *list, const char *kind);

/* Whether received_ms is to be believed. */
enum event_clock { EVENT_CLOCK_GOOD, EVENT_CLOCK_UNSET, EVENT_CLOCK_CORRECTED };
enum event_clock event_clock_parse(const char *name); /* as event_write writes it; anything else: good */

/* What people did with an event after it was told. */
struct event_marks {
    int64_t     acked_ms; /* 0: not acknowledged                          */
    const char *acked_by, *kept_by, *note; /* NULL: not known             */
    bool        is_kept, has_person;
    enum event_clock clock;
    int64_t     changed;  /* number of its last change of any kind; 0: none */
};

/* What only the store knows about an event; NULL where it is not yet kept (`postern inspect`). */
struct event_origin {
    const char *site;
    const char *arrival; /* NULL: we made it ourselves (system.*) */
    const char *parser;
    int64_t     received_ms;
    const struct event_marks *marks; /* NULL: not to be told */
};

/* One event as everybody sees it (API, webhook, inspect), an object under key; what is not known is absent:
 * {"id","site","arrival","parser","kind","severity","restored","device":{"id","name"},"zone":{"number","name"},"user","text",
 *  "code","happened_at","device_time","drift_s","target","channel","same_as","received_at","clock","acknowledged_at","acknowledged_by","kept",
 *  "kept_by","person","note","media":[{"n","type","name","bytes"}]} */
void event_write(struct json_out *w, const char *key, const struct event *ev, const struct event_origin *origin);

/* Between postern-inspect and postern: as above, and each medium also with offset, length, encoding. */
void event_write_full(struct json_out *w, const char *key, const struct event *ev);
/* The other way, into list->arena. -1: the object is no event (ERR_INPUT) or the arena is full (ERR_NOMEM). */
int event_read_full(const struct json *object, struct events *list, struct err *e) MUST_CHECK;
