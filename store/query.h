/* query: what the API and the commands ask of the history; read-only. Lists go by seq, newest first or oldest first: a cursor is the seq
 * where the page before ended, so a page never changes while events arrive. A page has at most 500 rows and takes two seconds at most:
 * if a filter finds little in a long history it ends early, even empty, and the next one goes on. No read transaction is longer
 * than that. Rows are handed out one by one; their strings are good during the call. */
#pragma once
#include "store/outbox.h"
#include "store/store.h"

enum { QUERY_PAGE_MAX = 500 };

struct page {
    int64_t cursor;    /* rows beyond this seq; 0: from the first */
    int     limit;     /* 1 to QUERY_PAGE_MAX */
    int64_t budget_ms; /* when to end early; 0: the usual */
    int64_t next;      /* out: cursor of the next page; 0: this was the last */
    bool    is_ascending; /* oldest first */
};

enum mark { MARK_ANY, MARK_NO, MARK_YES };

/* NULL, ZONE_NONE, -1 and 0 mean any. */
struct event_filter {
    const char *kind;              /* "alarm.tamper", "alarm.*"                              */
    const char *device;            /* its id                                                 */
    const char *zone_name;         /* without regard to the case of A-Z                      */
    const char *text;              /* as search.h reads it                                   */
    const char *user;              /* without regard to the case of A-Z                      */
    const char *id;                /* this one                                               */
    int         zone;
    int         severity;
    int64_t     arrival_seq;
    int64_t     since_ms, until_ms; /* received; since included, until not                   */
    const char *site;               /* of another gateway: nothing here is                   */
    enum mark   person;             /* seen in it: a camera's word, or somebody's who looked */
    enum mark   picture;            /* an image whose bytes are still here                   */
    enum mark   acknowledged, kept;
};

struct event_row {
    struct event event; /* the media too */
    int64_t      seq, received_ms;
    const char  *arrival; /* id; NULL: we made it ourselves */
    const char  *parser;
    struct event_marks marks;
};
/* 0, or -1. The callback says false to end the page before this row; it must take the first. */
int query_events(struct store_reader *r, const struct event_filter *f, struct page *page,
                 bool (*on_row)(void *user, const struct event_row *row), void *user, struct err *e) MUST_CHECK;
/* The same, but only their seqs; there is room for page->limit. How many, or -1. */
int query_event_seqs(struct store_reader *r, const struct event_filter *f, struct page *page, int64_t *seqs, struct err *e) MUST_CHECK;

struct delivery_filter {
    int         state;       /* enum delivery_state; -1: any */
    const char *recipient;   /* NULL: any    */
    const char *event;       /* id; NULL: any */
    int64_t     arrival_seq; /* 0: any       */
};
struct delivery_row {
    int64_t             seq;
    const char         *id, *event, *recipient;
    enum delivery_state state;
    int64_t             created_ms, sent_ms; /* sent 0: not (yet) */
    struct {
        const char        *id; /* NULL: no message yet, the rest is then not set */
        const char        *account, *provider, *address, *verdict, *detail;
        const char *const *events; /* ids of its members */
        size_t             event_count;
        int                attempts;
        bool               is_maybe_twice;
    } message;
};
int query_deliveries(struct store_reader *r, const struct delivery_filter *f, struct page *page,
                     bool (*on_row)(void *user, const struct delivery_row *row), void *user, struct err *e) MUST_CHECK;

/* As *Faces* has it: {"id","event","recipient","state","message":{…},"created_at","sent_at"}; what is not known is absent. */
void delivery_write(struct json_out *w, const char *key, const struct delivery_row *row);
