/* A provider knows one service's wire format and nothing else: a message becomes an HTTP request, a reply becomes a verdict.
 * Pure: no I/O, no clock, no queue. What a verdict means (back-off, give up, next account) only service/relay.c decides.
 * Add one: write providers/<name>.c, add its line to providers/table.c, describe it in docs/providers/<name>.md. */
#pragma once
#include "core/arena.h"
#include "core/event.h"

enum { ACCOUNT_FIELDS = 12 };

/* One entry of `Accounts`, checked. Immutable after start. */
struct account {
    const char            *name;
    const struct provider *provider;
    const char            *field[ACCOUNT_FIELDS]; /* values in the order of provider->fields; NULL = not set */
    double                 rate_per_minute;       /* per address; by setting or the provider's default       */
    int                    burst;
    double                 per_second;            /* through the whole account, to whomever; 0 = no limit    */
    bool                   is_resent_when_unknown; /* WhenUnknown: "again" (default) or "never"              */
    bool                   is_original;            /* Style: the mail's own text, not our words              */
};

struct provider_field {
    const char *name; /* as in the settings: "Token" */
    bool        is_required, is_secret;
    const char *fallback; /* NULL = none */
};

/* A picture or clip that goes with the text, decoded and whole. */
struct message_media {
    const char *type, *name; /* as in struct media                                                  */
    const void *bytes;
    size_t      length;
};

/* What is to be told, in words already fit for this provider. */
struct message {
    const char          *id;        /* ULID: reference, webhook-id                                  */
    const char          *address;
    const char          *title, *text;
    enum severity        severity;
    const struct event  *events;    /* members' events, most severe first                           */
    const struct event_origin *origins; /* beside each event                                        */
    size_t               event_count;
    int64_t              now_ms;    /* wall clock of this attempt (webhook-timestamp)               */
    const struct message_media *media; /* none: text only; never more than provider->media_count    */
    size_t               media_count;
    const char          *public_url; /* of our API, for links to pictures (link.h); NULL or "": none */
    const unsigned char *link_key;   /* of LINK_KEY_BYTES; NULL: no links                           */
    int                  priority;  /* of the route; PRIORITY_NONE = by severity                    */
};
enum { PRIORITY_NONE = -1 };

struct request {
    const char *method;       /* "POST"                                                             */
    const char *url;
    const char *headers[12];  /* "Name: value"; NULL ends                                           */
    const char *user, *password; /* HTTP Basic, or NULL                                             */
    struct buf  body;         /* owned; request_done                                                */
};

struct reply {
    int         status;       /* complete answer, read to its end                                   */
    const char *body;         /* NUL-terminated, up to the ceiling                                  */
    size_t      length;
    int64_t     retry_after_ms; /* Retry-After header; -1 = none                                    */
};

enum verdict {
    VERDICT_SENT,     /* the far side said yes                                                      */
    VERDICT_RETRY,    /* surely not accepted: the same message again after back-off                 */
    VERDICT_REJECTED, /* the far side said never                                                    */
    VERDICT_UNKNOWN,  /* any other end after the first byte: once more, marked                      */
};
const char *verdict_name(enum verdict v); /* "sent" "retry" "rejected" "unknown" */

/* Whose fault a refusal is: a bad number fails one message; who blocked us may think again, the others hear us all the time;
 * no credit fails the account. */
enum fault { FAULT_NONE, FAULT_MESSAGE, FAULT_ADDRESS, FAULT_ACCOUNT };

struct outcome {
    enum verdict verdict;
    enum fault   fault;
    int64_t      wait_ms;     /* the server's wish before the next attempt; -1 = none               */
    char         detail[200]; /* the provider's own words, no secrets                               */
    char         moved_to[32]; /* the address has a new name (Telegram: a group became a supergroup): RETRY there; "" = no */
};

struct provider {
    const char           *name;       /* "clicksend"                                                */
    const char           *title;      /* "ClickSend": how people know it                            */
    struct provider_field fields[ACCOUNT_FIELDS];
    double                rate_per_minute;
    int                   burst;
    double                per_second;  /* through a whole account; 0 = no limit                     */
    bool                  is_local;    /* no request at all: the relay logs the text (provider log) */
    bool                  is_idempotent; /* a repeated request does no harm (webhook-id)            */
    bool                  is_sms;
    bool                  shows_original; /* there is room for the device's own words below the first line */
    size_t                text_max;    /* bytes; longer texts are cut by the wording                */
    size_t                media_count; /* pictures that fit one message; 0 = text only              */
    size_t                media_max;   /* bytes of one of them                                      */
    bool (*takes_media)(const struct account *a); /* as the account is set; NULL: all do            */

    int (*check)(const struct account *a, struct err *e);                    /* more than required fields; may be NULL */
    int (*check_address)(const char *address, struct err *e);                /* may be NULL: any */
    /* The one way to write a (checked) address: +49… for 0049…; so that nobody is told twice. NULL: as it is. From the arena. */
    const char *(*canonical)(const char *address, struct arena *a);
    int (*build)(const struct account *a, const struct message *m, struct arena *scratch, struct request *out, struct err *e);
    void (*judge)(const struct account *a, const struct message *m, const struct reply *r, struct outcome *out);
    /* `postern check --online`: a harmless request, and one line about its answer. May be NULL. */
    int (*probe)(const struct account *a, struct arena *scratch, struct request *out, struct err *e);
    int (*probe_read)(const struct account *a, const struct reply *r, char *line, size_t size); /* 0 good, -1 not */
    /* `postern chats ACCOUNT`: the addresses that could be told, a line each ("4711  private  Anna"). May be NULL. */
    int (*list)(const struct account *a, struct arena *scratch, struct request *out, struct err *e);
    int (*list_read)(const struct account *a, const struct reply *r, struct buf *out); /* 0, or -1: refused */
};
extern const struct provider *const providers[]; /* ends with NULL */
const struct provider *provider_find(const char *name);

/* The value of a field by its name, or the field's fallback; NULL = neither. Asserts that the provider has such a field. */
const char *account_field(const struct account *a, const char *name);
/* The field Url and then path, with one slash between; NULL when scratch is full. */
const char *account_url(const struct account *a, const char *path, struct arena *scratch);
/* Pictures that fit one message of this account; 0: text only. */
size_t account_media_count(const struct account *a);
/* What every provider's check begins with: no control characters in any field; Url, where set, is http or https. */
int account_check_fields(const struct account *a, struct err *e) MUST_CHECK;
void request_done(struct request *r);

/* One line for the operator: the account's secrets become ***, control characters blanks; cut to size. */
void account_words(const struct account *a, char *out, size_t size, const char *format, ...) PRINTF(4, 5);
/* Fills out whole: no wait, no new address. The detail is written by account_words. */
void outcome_set(struct outcome *out, const struct account *a, enum verdict v, enum fault f, const char *format, ...) PRINTF(5, 6);
/* What the codes mean that are the same everywhere: 2xx SENT, 429 and 503 RETRY with their wait, 408/425/5xx UNKNOWN, 401/402/403
 * REJECTED by the account's fault, other 3xx and 4xx REJECTED by the message's. Providers start from it. */
void judge_by_status(const struct reply *r, struct outcome *out);
