/* `postern import`: has the running gateway bring the past along, and shows how far it is; where none runs, does it itself. Interrupted in
 * the first case it goes on there; begun again it takes what is missing. */
#include "core/clock.h"
#include "core/log.h"
#include "service/cli.h"
#include "service/client.h"
#include "service/commands.h"
#include "service/helper.h"
#include "service/import.h"
#include "service/import_row.h"
#include "service/inspect_settings.h"
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { TIMEOUT_MS = 20 * 1000, STATE_BYTES = 64 * 1024, LOOK_MS = 300, LOOK_ALONE_MS = 50, URI_MAX = 4096 };

static int usage(void)
{
    (void)fputs("usage: postern import eml PATH…                                   mails: files, folders, Maildir, mbox\n"
                "       postern import lupuserv-mongo URI                          LupuServ's MongoDB; -: the URI is read from stdin\n"
                "       postern import lupuserv-postgres FILE.csv                  LupuServ's table events as CSV with a header\n"
                "       postern import cams FILE.sqlite3 --time-zone Europe/Berlin security-cam-alerts\n"
                "       [--device NAME]: whose they are, as if it had logged in under that name\n", stderr);
    return EX_USAGE;
}

/* --- what is asked for ----------------------------------------------------------------------------------------------- */

struct asked {
    const struct import_source *source;
    const char *device, *zone;
    char      **paths;
    int         path_count;
};

/* Options out of argv; -1: usage. */
static int read_arguments(int argc, char **argv, struct asked *out)
{
    *out = (struct asked){ .source = argc > 1 ? import_source_find(argv[1]) : NULL, .paths = argv };
    if (!out->source)
        return -1;
    for (int i = 2; i < argc; i++) {
        const char **value = strcmp(argv[i], "--device") == 0 ? &out->device : strcmp(argv[i], "--time-zone") == 0 ? &out->zone : NULL;
        if (value && i + 1 == argc)
            return -1;
        if (value)
            *value = argv[++i];
        else if (argv[i][0] == '-' && argv[i][1] != '\0')
            return -1;
        else
            argv[out->path_count++] = argv[i];
    }
    bool is_many = out->source == &import_eml, needs_zone = out->source == &import_cams;
    return out->path_count == 0 || (out->path_count > 1 && !is_many) || needs_zone != (out->zone != NULL) ? -1 : 0;
}

/* A URI holds a password, which everybody would see in the list of processes. */
static int put_uri(struct json_out *w, const char *argument, struct err *e)
{
    char uri[URI_MAX];
    if (strcmp(argument, "-") != 0) {
        json_s(w, NULL, argument);
        return 0;
    }
    if (!fgets(uri, sizeof uri, stdin))
        return err_set(e, ERR_INPUT, "no URI on stdin");
    uri[strcspn(uri, "\r\n")] = '\0';
    json_s(w, NULL, uri);
    return 0;
}

static int put_path(struct json_out *w, const char *argument, struct err *e)
{
    char *path = realpath(argument, NULL); /* the gateway has a working folder of its own */
    if (!path)
        return err_set(e, ERR_INPUT, "%s: %m", argument);
    json_s(w, NULL, path);
    free(path);
    return 0;
}

/* The changes of the zone in question; then the process has its own again. */
static int put_zone(struct json_out *w, const char *zone, const char *site_zone, struct err *e)
{
    if (!zone)
        return 0;
    if (!clock_zone_exists(zone) || clock_use_zone(zone) < 0)
        return err_set(e, ERR_INPUT, "%s: this machine knows no such time zone", zone);
    import_zone_write(w, "offsets");
    return clock_use_zone(site_zone) < 0 ? err_set(e, ERR_INPUT, "%s: this machine knows no such time zone", site_zone) : 0;
}

static int write_job(const struct asked *a, const struct settings *s, struct buf *out, struct err *e)
{
    struct json_out w = json_begin(out);
    json_object(&w, NULL);
    json_s(&w, "source", a->source->name);
    json_s_opt(&w, "device", a->device);
    json_array(&w, "paths");
    for (int i = 0; i < a->path_count; i++)
        if ((a->source == &import_lupuserv_mongo ? put_uri(&w, a->paths[i], e) : put_path(&w, a->paths[i], e)) < 0)
            return -1;
    json_end(&w);
    if (put_zone(&w, a->zone, s->site_time_zone, e) < 0)
        return -1;
    json_end(&w);
    return out->failed ? err_set(e, ERR_INPUT, "too many paths; name a folder instead") : 0;
}

/* --- watching -------------------------------------------------------------------------------------------------------- */

struct watched {
    struct client *client; /* the gateway's, or … */
    struct import *import; /* … ours              */
};

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

static struct json *look(const struct watched *x, struct err *e)
{
    if (x->client)
        return client_json(x->client, "/api/v1/import", NULL, TIMEOUT_MS, e);
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, STATE_BYTES);
    struct json_out w = json_begin(&text);
    json_object(&w, NULL);
    import_write(x->import, &w);
    json_end(&w);
    return json_parse(buf_str(&text), text.len, e);
}

static int show_end(const struct json *p, bool has_bar)
{
    const char *state = json_str(p, "state", ""), *error = json_str(p, "error", "");
    (void)printf("%s%s: %" PRId64 " rows of %s read: %" PRId64 " brought along as %" PRId64 " events, %" PRId64 " here before, %" PRId64
                 " refused, %" PRId64 " that nobody can read; nobody was told%s%s\n",
                 has_bar ? "\n" : "", state, json_int(p, "read", 0), json_str(p, "source", "?"), json_int(p, "kept", 0), json_int(p, "events", 0),
                 json_int(p, "already", 0), json_int(p, "refused", 0), json_int(p, "unreadable", 0), *error ? ": " : "", error);
    if (json_int(p, "persons", 0) > 0)
        (void)printf("%" PRId64 " earlier events are marked: a person was seen\n", json_int(p, "persons", 0));
    for (const struct json *r = json_first(json_get(p, "refusals")); r; r = json_next(r))
        (void)fprintf(stderr, "refused: %s\n", json_text(r));
    return strcmp(state, "done") == 0 ? 0 : 1;
}

static int follow(const struct watched *x, struct err *e)
{
    bool    has_bar = isatty(STDOUT_FILENO) == 1;
    int64_t began_ms = clock_mono_ms();
    for (;;) {
        CLEANUP(json_free) struct json *p = look(x, e);
        if (!p)
            return -1;
        if (has_bar)
            cli_bar(json_int(p, "read", 0), json_int(p, "total", 0), json_int(p, "eta_s", 0), clock_mono_ms() - began_ms);
        if (strcmp(json_str(p, "state", ""), "running") != 0)
            return show_end(p, has_bar);
        if (is_interrupted && x->import)
            import_stop(x->import);
        (void)usleep((x->client ? LOOK_MS : LOOK_ALONE_MS) * 1000);
    }
}

/* --- the two cases --------------------------------------------------------------------------------------------------- */

static int ask_gateway(const struct settings *s, const struct buf *job, struct err *e)
{
    CLEANUP(client_free) struct client *c = NULL;
    if (client_new(s, &c, e) < 0 || import_leave_job(s->store_folder, job, e) < 0)
        return -1;
    CLEANUP(json_free) struct json *begun = client_json(c, "/api/v1/import", "{}", TIMEOUT_MS, e);
    const struct watched            x = { .client = c };
    return begun ? follow(&x, e) : -1;
}

/* Only root may do it for others, and its files would be root's: the gateway could not write to its own folder. */
static int check_owner(const char *folder, struct err *e)
{
    struct stat st;
    if (geteuid() == 0 && stat(folder, &st) == 0 && st.st_uid != 0)
        return err_set(e, ERR_STATE, "%s belongs to uid %d: start the gateway, or be that user", folder, (int)st.st_uid);
    return 0;
}

static void stop_when_interrupted(void)
{
    const struct sigaction stop = { .sa_handler = on_interrupt };
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int import_here(const struct settings *s, struct store *store, const struct buf *job, struct err *e)
{
    char helper[PATH_MAX];
    (void)helper_path(helper, sizeof helper);
    const struct devices_options known = { .settings = &s->devices, .alarm_user = s->alarm_user, .status_user = s->status_user };
    struct devices              *devices = NULL;
    struct import               *i = NULL;
    int                          code = -1;
    if (devices_open(store, &known, &devices, e) == 0) {
        const struct inspector_options inspector = inspect_settings(s, helper, devices);
        const struct import_options    o = { .inspector = &inspector, .site = s->site_name, .is_alone = true };
        if (import_new(store, &o, &i, e) == 0 && import_leave_job(s->store_folder, job, e) == 0 && import_begin(i, e) == 0)
            code = follow(&(const struct watched){ .import = i }, e);
    }
    import_free(&i);
    devices_close(&devices);
    return code;
}

static int run(const struct settings *s, const struct asked *a, struct err *e)
{
    CLEANUP(buf_done) struct buf job;
    buf_init(&job, IMPORT_JOB_MAX);
    if (write_job(a, s, &job, e) < 0 || check_owner(s->store_folder, e) < 0)
        return -1;
    const struct store_options o = {
        .folder = s->store_folder, .inline_max = s->store_inline_kib << 10, .inline_slow = s->store_inline_slow_kib << 10,
        .inline_memory = s->store_inline_memory_mib << 20, .reserve_bytes = s->store_reserve_mib << 20,
        .floor_bytes = s->store_floor_mib << 20, .floor_percent = (int)s->store_floor_percent,
        .max_bytes = s->store_max_bytes, .keep_raw_days = (int)s->store_keep_raw_days,
    };
    struct store *store = NULL;
    if (store_open(&o, &store, e) < 0)
        return e->code == ERR_BUSY ? ask_gateway(s, &job, e) : -1;
    int code = import_here(s, store, &job, e);
    store_close(&store);
    return code;
}

int cmd_import(const struct settings *s, int argc, char **argv)
{
    struct asked a;
    struct err   e;
    if (read_arguments(argc, argv, &a) < 0)
        return usage();
    log_setup(LOG_ERROR, LOG_LOGFMT);
    stop_when_interrupted();
    int code = run(s, &a, &e);
    if (code < 0)
        (void)fprintf(stderr, "postern import: %s\n", e.text);
    return code < 0 ? 1 : code;
}
