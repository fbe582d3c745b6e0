/* run_reload: other settings without an end: the same process begins again, and nobody at the door notices. */
#include "api/api.h"
#include "core/fault.h"
#include "net/inherited.h"
#include "service/certificate.h"
#include "service/doors.h"
#include "service/import.h"
#include "service/panel_poll.h"
#include "service/reload.h"
#include "service/reparse.h"
#include "service/run_inside.h"
#include "store/audit.h"
#include <stdio.h>

enum { PANEL_LOOK_MS = 10 };

static const char *on_in_the_way(void *user)
{
    struct gateway *g = user;
    if (store_phase(g->store) != STORE_READY)
        return "the database is being made ready";
    if (g->reparse && reparse_is_running(g->reparse))
        return "mails are being read again; ask when that has ended";
    return g->import && import_is_running(g->import) ? "an import is running; ask when it has ended" : NULL;
}

static bool on_is_calm(void *user)
{
    return smtp_server_is_calm(((const struct gateway *)user)->smtp);
}

static void on_unchanged(void *user)
{
    const struct gateway *g = user;
    certificate_look(g->certificate);
    certificate_look(g->api_certificate);
}

static void on_asked(void *user, size_t changes)
{
    const struct gateway    *g = user;
    char                     detail[40];
    const struct audit_entry by = { .who = "SIGHUP", .role = ROLE_ADMIN, .what = "settings.reload", .detail = detail };
    struct err               e;
    (void)snprintf(detail, sizeof detail, "{\"changed\":%zu}", changes);
    if (audit_add(g->store, &by, &e) < 0)
        log_line(LOG_WARN, "audit.failed", LOG_S("text", e.text));
}

/* Last of all the door: until now mails were taken and kept. */
static void on_helpers_stopped(uv_work_t *work, int status)
{
    struct gateway *g = work->data;
    (void)status;
    FAULT("reload.after_helpers");
    certificate_stop(g->certificate);
    certificate_stop(g->api_certificate);
    smtp_server_part(g->smtp, GRACE_MS, on_smtp_stopped, g);
}

static void on_stop_helpers(uv_work_t *work)
{
    stop_helpers(&((struct gateway *)work->data)->gone);
}

/* The panel's answer goes to the relay. */
static void on_panel_look(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    if (panel_poll_is_running(g->panel))
        return;
    (void)uv_timer_stop(timer);
    g->gone = take_helpers(g);
    if (uv_queue_work(&g->loop, &g->leaving, on_stop_helpers, on_helpers_stopped) < 0)
        on_helpers_stopped(&g->leaving, 0); /* stop_all() does it then, while nobody is served */
}

static void on_api_stopped(uv_work_t *work, int status)
{
    struct gateway *g = work->data;
    (void)status;
    (void)uv_timer_start(&g->look, on_panel_look, 0, PANEL_LOOK_MS);
}

static void on_stop_api(uv_work_t *work)
{
    stop_api(work->data);
}

/* They stay open for the program that begins after us; doors: bits of doors.h. */
int keep_doors(const struct gateway *g, unsigned doors, struct err *e)
{
    bool has_api = g->api && (doors & 1U << DOOR_API);
    if (smtp_server_keep(g->smtp, doors, e) < 0 || (has_api && doors_keep_api(api_socket(g->api), e) < 0)) {
        inherited_forget();
        return -1;
    }
    return 0;
}

/* The order of a stop turned round: what may make us wait is stopped in libuv's pool while mails go on being taken and kept, the door
 * comes last, and is shut for a moment only. */
static int on_go(void *user, unsigned same_doors, struct err *e)
{
    struct gateway *g = user;
    const char     *in_the_way = on_in_the_way(g);
    if (in_the_way)
        return err_set(e, ERR_STATE, "%s", in_the_way);
    if (keep_doors(g, same_doors, e) < 0)
        return -1;
    g->leaving.data = g;
    if (uv_queue_work(&g->loop, &g->leaving, on_stop_api, on_api_stopped) < 0)
        return err_set(e, ERR_NOMEM, "out of memory");
    g->is_stopping = g->begins_again = true;
    panel_poll_stop(g->panel);
    log_line(LOG_INFO, "reload.goes", LOG_S("text", "beginning again with the new settings"));
    return 0;
}

void start_reload(struct gateway *g)
{
    const struct reload_options o = { .settings = g->settings, .user = g, .in_the_way = on_in_the_way, .is_calm = on_is_calm,
                                      .unchanged = on_unchanged, .go = on_go, .asked = on_asked };
    g->reload = reload_new(&g->loop, &o);
}

void on_hangup(uv_signal_t *handle, int number)
{
    struct gateway *g = handle->data;
    (void)number;
    log_line(LOG_INFO, "reload.asked", LOG_S("by", "SIGHUP"));
    if (g->reload && !g->is_stopping)
        reload_ask(g->reload);
}
