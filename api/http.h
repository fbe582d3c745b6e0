/* http: requests and answers without a word of libmicrohttpd, which stays inside http.c and flow.c. Few threads serve all connections; an
 * answer that has to wait (the disk, a test mail) is made on a thread of its own, so that no other request waits with it. */
#pragma once
#include "core/buf.h"
#include "core/role.h"
#include <stdint.h>
#include <sys/types.h>

enum {
    HTTP_URI_MAX = 4096,        /* path and query as sent; more: 414            */
    HTTP_BODY_MAX = 64 * 1024,  /* of a request; more: 413                      */
    HTTP_LARGE_BODY_MAX = 512 * 1024, /* where admit() raises it          */
    HTTP_PAIRS_MAX = 16,        /* query parameters; more: 400                  */
    HTTP_HEADERS_MAX = 16,      /* of an answer                                 */
    HTTP_WHO_BYTES = 48,        /* name of whoever asks, with NUL               */
    HTTP_ARG_BYTES = 72,        /* of one {} in a path pattern, with NUL        */
    HTTP_ANSWER_MAX = 16 << 20, /* bytes of an answer that is built in memory   */
};

struct http_pair {
    const char *name, *value;
};

struct request {
    const char      *method, *path; /* path: percent-decoded, without query                       */
    size_t           uri_length;    /* as sent                                                    */
    struct http_pair query[HTTP_PAIRS_MAX];
    size_t           query_count;
    bool             is_query_bad;   /* too many parameters, or a NUL in one                      */
    struct buf       body;           /* complete when answer() is called                          */
    bool             is_slow;        /* set by admit(): answer() runs on a thread of its own      */
    char             args[2][HTTP_ARG_BYTES]; /* what the {} of the route stand for               */
    const void      *route;          /* routes.c's own, from admit() to answer()                  */
    bool             is_trusted;     /* access.c: a valid token was sent                          */
    enum role        role;           /* access.c: what whoever asks may do …                      */
    char             who[HTTP_WHO_BYTES]; /* … and who it is, for the audit: a token's name, "loopback" */
    char             peer[48];       /* IP address                                                */
    void            *connection;     /* http.c's own                                              */
};

/* NULL: not sent. Valid during the call. */
const char *http_query(const struct request *r, const char *name);
const char *http_header(const struct request *r, const char *name);

/* Where the bytes of an answer come from when they are not in memory. read() is called on a thread that serves others too: it must
 * not take long. What the request points to (its query) is there as long as the stream. */
enum {
    STREAM_END = 0,
    STREAM_BROKEN = -1, /* the connection is cut, so that nobody takes the part for the whole  */
    STREAM_AGAIN = -2,  /* nothing yet, but there is more to do: others first, then once more  */
    STREAM_WAIT = -3,   /* nothing until http_wake(); the connection sleeps and costs no thread */
};
struct stream {
    ssize_t (*read)(void *user, void *out, size_t n); /* bytes, at least 1, or one of those above */
    void (*close)(void *user);
    void   *user;
    int64_t length;        /* -1: not known before the end                                       */
    size_t  block;         /* bytes asked for at once; 0: 32 KiB                                 */
    int     block_seconds; /* a client that takes longer for one block is cut; 0: 60             */
};

struct response {
    int              status; /* 200 */
    const char      *type;   /* Content-Type; NULL: no body */
    struct buf       body;
    struct stream    stream; /* read NULL: the body above   */
    struct http_pair headers[HTTP_HEADERS_MAX];
    char            *header_texts[HTTP_HEADERS_MAX]; /* heap, freed with the response */
    size_t           header_count;
};

/* Copies the value; one that is no header text (control characters) is left out. */
void response_header(struct response *p, const char *name, const char *value);
bool response_has_header(const struct response *p, const char *name); /* as written */
/* The body is whole, and JSON: its line end and type; nobody is to keep it, unless headers for that are there. */
void response_json(struct response *p);

struct http_options {
    const char *address; /* IP; "" = all */
    int         port;    /* 0: any free  */
    int         socket;  /* that listens already, then the two above are not looked at; http_start's if that succeeds. 0: none */
    int         connections, connections_per_address; /* at once; 0: 120 and 60 */
    int         idle_seconds;                         /* 0: 30                  */
    bool        is_tls;                               /* by https.h's certificate */
    void       *user;
    /* The request line and headers are there. false: *p is the answer and no body is read. HTTP threads; must not block. */
    bool (*admit)(void *user, struct request *r, struct response *p);
    /* The body too: fill *p. HTTP threads (or the request's own thread, if is_slow). */
    void (*answer)(void *user, struct request *r, struct response *p);
};

struct http;
int  http_start(const struct http_options *o, struct http **out, struct err *e) MUST_CHECK;
int  http_port(const struct http *h);
int  http_socket(const struct http *h); /* the listening one */
void http_stop(struct http **h); /* waits for the slow ones, and a moment for answers under way to be taken */

/* Runs it on one of the few threads that slow requests have: 0, or -1: none is free now. Streams that sleep are asked again when such a
 * thread has ended. http_stop waits for it. */
int http_slowly(struct http *h, void (*run)(void *user), void *user) MUST_CHECK;

/* Streams that sleep (STREAM_WAIT) are asked again. Any thread. */
void http_wake(struct http *h);
/* Every second or so, any thread: cuts streams whose clients take nothing, and those asleep whose clients have gone. Returns how
 * many streams are open. */
int http_look_after_streams(struct http *h, int64_t now_ms);
