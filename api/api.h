/* api: REST, health and metrics over libmicrohttpd (which stays inside http.c and flow.c), on its threads, each request with a read-only
 * connection of its own. What changes anything goes through the hooks: api knows no relay. */
#pragma once
#include "core/json.h"
#include "store/audit.h"
#include "store/store.h"

struct api;
struct archive;
struct api_options {
    const char *address; /* IP */
    int         port;    /* 0: any free one */
    int         socket;  /* that listens already, then not these two; api_start's if that succeeds. 0: none */
    const char *token;   /* the gateway's own, of role admin; "" = none. Some token is needed unless bound to loopback */
    bool        is_token_chosen; /* by the owner, so that it may be guessed */
    const char *const *cors_origins; /* whose pages may read and change; borrowed, NULL ends; NULL: nobody's */
    const char *site;
    const char *public_url; /* "" = none */
    const unsigned char *link_key; /* of LINK_KEY_BYTES (providers/link.h), borrowed; NULL: links open nothing */
    int         connections, connections_per_address, idle_seconds; /* 0: http.h's */
    bool        is_waiting; /* the database is not ready: only /livez and /readyz are answered, all else hears 503 */
    int         streams; /* live ones at once; 0: 200 */
    struct archive *archive;   /* NULL: there is none */
    int64_t     keep_local_days; /* older events are asked of the archive; 0: none */
    bool        is_tls; /* HTTPS only; the certificate comes by https_use() */
    void *user;
    const char *(*health)(void *user, struct json_out *w, const char *key);             /* as health_state                    */
    int (*retry)(void *user, const char *delivery_id, struct err *e);                   /* 1 done, 0 no such, -1              */
    /* Sends a test mail through our own listener and waits: writes the answer's members into the open object. */
    int (*test)(void *user, const char *recipient, const char *kind, struct json_out *w, struct err *e);
    /* Gives a device the owner's name. ERR_NOT_FOUND, ERR_STATE (the settings name it), ERR_INPUT. */
    int (*rename)(void *user, const char *device, const char *name, struct err *e);
    /* Begins to read arrivals again (since_ms 0, device NULL: all); -1: ERR_STATE, it is doing so. And how far that is: members. */
    int (*reparse)(void *user, int64_t since_ms, const char *device, struct err *e);
    void (*reparse_progress)(void *user, struct json_out *w);
    void (*settings)(void *user, struct json_out *w); /* members, each value with its source, secrets masked */
    /* What is wrong with this text as settings: members. */
    int (*check)(void *user, const char *text, size_t n, struct json_out *w, struct err *e);
    /* Looks at the settings as a start would read them: members. 1: they may be taken, 0: they have mistakes; -1: ERR_STATE, not now. */
    int (*reload_try)(void *user, struct json_out *w, struct err *e);
    void (*reload)(void *user); /* takes them, once this answer has left */
    void (*accounts)(void *user, struct json_out *w);
    void (*recipients)(void *user, bool is_whole, struct json_out *w); /* addresses masked unless whole */
    int (*test_account)(void *user, const char *account, struct json_out *w, struct err *e);
    int (*pause)(void *user, const char *account, bool is_paused, const struct audit_entry *by, struct err *e);
    /* Begins the import whose job lies in the data folder: ERR_NOT_FOUND, ERR_STATE, ERR_INPUT. And how far it is: members. */
    int (*import_begin)(void *user, struct err *e);
    void (*import_progress)(void *user, struct json_out *w);
    int (*revoke_token)(void *user, struct err *e); /* the gateway's own, which is not a chosen one, is made void for good */
};
int  api_start(struct store *s, const struct api_options *o, struct api **out, struct err *e) MUST_CHECK;
int  api_port(const struct api *a);
int  api_socket(const struct api *a); /* the listening one */
void api_stop(struct api **a);
