/* run_inside: the gateway as the files of its life share it. All on the main thread but where something else is said.
 *
 *   run.c         start and end        run_watch.c   every second, and the clock      run_reload.c   other settings without an end
 *   run_gate.c    the listener         run_api.c     what the API may ask for */
#pragma once
#include "net/gateway.h"
#include "net/smtp_server.h"
#include "service/archive_watch.h"
#include "service/clock_watch.h"
#include "service/export_watch.h"
#include "service/settings.h"
#include "service/token.h"
#include "store/store.h"
#include <pthread.h>
#include <uv.h>

enum { SECOND_MS = 1000, GRACE_MS = 10 * 1000, REMIND_MS = 3600 * 1000 };

/* What understands and tells, while it is stopped. */
struct helpers {
    struct reparse      *reparse;
    struct import       *import;
    struct inspector    *inspector;
    struct relay        *relay;
    struct archive_watch archive;
    struct export_watch  export;
};

struct gateway {
    const struct settings *settings;
    uv_loop_t              loop;
    uv_timer_t             second, look; /* look: until the database is ready; at the end, until the panel is asked no more */
    uv_signal_t            sigterm, sigint, sighup;
    uv_work_t              leaving; /* stops what makes it wait, while mails go on coming */
    struct reload         *reload;
    struct store          *store;
    struct devices        *devices;
    struct smtp_server    *smtp;
    struct certificate    *certificate, *api_certificate;
    struct relay          *relay;
    struct archive_watch   archive;
    struct export_watch    export;
    struct helpers         gone;
    struct inspector      *inspector;
    struct reparse        *reparse;
    struct import         *import;
    struct api            *api;
    struct drill          *drill;
    struct panel_poll     *panel;
    struct clock_watch    *clock;
    int64_t                reread_ms; /* mails since then are to be read again; 0: none */
    int                    api_socket; /* that was kept for us; 0: none */
    pthread_mutex_t        telling;    /* for whoever tells from a thread that the relay does not wait for */
    struct smtp_user      *users; /* those of the settings, and the drill's */
    struct cidr           *networks, *legacy_networks;
    struct gateways        gateways; /* of the container that this may be */
    int64_t                connections; /* of SMTP at once */
    int64_t                seconds, remind_ms; /* remind_ms: of the next reminder that nobody is told; monotonic */
    enum disk { DISK_FREE, DISK_LOW, DISK_FULL } disk;
    bool                   is_stopping;
    bool                   is_damaged, begins_again; /* the database was met damaged; a new one is made by a new start */
    int                    exit_code;
    char                   token[TOKEN_BYTES], helper[4096];
    unsigned char          link_key[LINK_KEY_BYTES];
    const unsigned char   *links; /* it, or NULL: there is none, so no links */
};

/* --- run_gate.c --- */
int  start_smtp(struct gateway *g, struct err *e) MUST_CHECK;
void open_devices(struct gateway *g);
void tell_owner(struct gateway *g, const char *kind, bool restored, const char *key, const char *text); /* any thread: the relay may be going */
void on_smtp_stopped(void *gateway); /* for smtp_server_stop and smtp_server_part */

/* --- run_api.c --- */
void start_waiting_api(struct gateway *g);
void start_api(struct gateway *g);
void stop_api(struct gateway *g);

/* --- run_watch.c --- */
void on_second(uv_timer_t *timer);
void say_if_nobody_is_told(const struct settings *s);
void tell_if_rebuilt(struct gateway *g);
void read_again(struct gateway *g);                                         /* what was read by a clock that was wrong */
void on_clock_corrected(void *gateway, const struct clock_stepped *how);

/* --- run_reload.c --- */
void start_reload(struct gateway *g);
void on_hangup(uv_signal_t *handle, int number);
int  keep_doors(const struct gateway *g, unsigned doors, struct err *e) MUST_CHECK; /* open for the program that begins after us; bits of doors.h */

/* --- run.c --- */
void           begin_stop(struct gateway *g);
struct helpers take_helpers(struct gateway *g);  /* nobody but the caller has them from here on */
void           stop_helpers(struct helpers *gone); /* waits: any thread */
