/* run_gate: the listener, and what it asks of the house: who is a panel, whose profile, what becomes of a mail or a refusal. */
#include "core/clock.h"
#include "service/certificate.h"
#include "service/devices.h"
#include "service/drill.h"
#include "service/inspector.h"
#include "service/relay.h"
#include "service/run_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_kept(void *user, const struct arrival *a)
{
    struct gateway *g = user;
    if (g->inspector)
        inspector_wake(g->inspector, a->bytes > STORE_QUICK_BYTES);
}

/* "192.168.1.7 <cam@house> → <gate@house>: 552 5.3.4 … · Smtp:MaxMessage · 3 times before"; where there was no mail, only who. */
static void write_refused(struct buf *out, const char *peer, const struct smtp_refusal *r)
{
    const struct envelope *env = r->envelope;
    buf_puts(out, peer);
    if (env->from[0] || env->to_count > 0)
        buf_printf(out, " <%s> → <%s>", env->from, env->to_count > 0 ? env->to[0] : "");
    buf_printf(out, ": %s", r->reply);
    if (r->setting)
        buf_printf(out, " · %s", r->setting);
    if (r->repeats > 0)
        buf_printf(out, " · %llu times before", (unsigned long long)r->repeats);
}

/* What was refused stays visible: an event of our own, told at most once an hour per peer. */
static void on_refused(void *user, const char *peer, const struct smtp_refusal *r)
{
    struct gateway *g = user;
    if (!g->relay)
        return;
    enum { TEXT_MAX = 2048 };
    char key[80];
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, TEXT_MAX);
    (void)snprintf(key, sizeof key, "refused %s", peer);
    write_refused(&text, peer, r);
    relay_system(g->relay, "system.refused", false, key, buf_str(&text));
}

/* From any thread: the relay may be going. */
void tell_owner(struct gateway *g, const char *kind, bool restored, const char *key, const char *text)
{
    (void)pthread_mutex_lock(&g->telling);
    if (g->relay)
        relay_system(g->relay, kind, restored, key, text);
    (void)pthread_mutex_unlock(&g->telling);
}

/* --- devices --------------------------------------------------------------------------------------------------- */

/* The inspector's threads. */
static void on_clock(void *user, const char *key, bool is_right, const char *text)
{
    tell_owner(user, "system.clock", is_right, key, text);
}

static void on_spoke(void *user, const struct transcript *t)
{
    struct gateway *g = user;
    if (g->devices && !drill_is_login(transcript_envelope(t)->login))
        devices_spoke(g->devices, t);
}

/* A rule of Smtp:Profiles, else the profile of the device with this address. */
static const struct smtp_profile *on_profile(void *user, const unsigned char address[16])
{
    struct gateway            *g = user;
    const struct smtp_profile *profile = smtp_settings_profile(&g->settings->smtp, address);
    char                       text[CIDR_TEXT];
    if (profile || !g->devices)
        return profile;
    return smtp_profile_find(devices_profile(g->devices, cidr_text(address, text)));
}

static bool on_is_panel(void *user, const unsigned char address[16])
{
    struct gateway *g = user;
    char            text[CIDR_TEXT];
    return g->devices && devices_is_panel(g->devices, cidr_text(address, text));
}

static bool on_is_hidden(void *user, const char *address)
{
    return gateways_hide_text(&((struct gateway *)user)->gateways, address);
}

/* Without the registry mails are kept and told as ever, under the names that their envelopes give. */
void open_devices(struct gateway *g)
{
    const struct settings       *s = g->settings;
    const struct devices_options o = { .settings = &s->devices, .alarm_user = s->alarm_user, .status_user = s->status_user,
                                       .drift_max_ms = s->max_clock_drift_hours * 3600 * SECOND_MS, .user = g, .clock = on_clock, .is_hidden = on_is_hidden };
    struct err                   e;
    if (devices_open(g->store, &o, &g->devices, &e) < 0)
        log_line(LOG_ERROR, "devices.failed", LOG_S("text", e.text));
}

/* *kept holds what out lists. */
static int read_networks(const char *const *texts, struct cidr **kept, struct cidr_list *out, struct err *e)
{
    size_t count = 0;
    while (texts[count])
        count++;
    *kept = calloc(count + 1, sizeof **kept);
    if (!*kept)
        return err_set(e, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (cidr_parse(texts[i], &(*kept)[i], e) < 0)
            return -1;
    *out = (struct cidr_list){ .items = *kept, .count = count };
    return 0;
}

static void say_listening(const struct gateway *g, int port, const char *tls)
{
    const char *address = g->settings->smtp_address;
    if (port > 0)
        log_line(LOG_INFO, tls ? "smtp.listening_tls" : "smtp.listening", LOG_S("address", address[0] ? address : "*"),
                 LOG_I("port", port), LOG_S("tls", tls));
}

static void on_certificate(void *user, struct tls_context *modern, struct tls_context *legacy)
{
    smtp_server_use_tls(((struct gateway *)user)->smtp, modern, legacy);
}

static void start_certificate(struct gateway *g)
{
    const struct settings           *s = g->settings;
    const struct certificate_options o = {
        .source = { s->smtp_certificate, s->smtp_key },
        .folder = s->store_folder,
        .name = s->smtp_hostname,
        .least = (enum tls_least)s->smtp_tls_least,
        .block = "Smtp",
        .user = g,
        .changed = on_certificate,
    };
    g->certificate = certificate_start(&g->loop, &o);
}

static int read_users(struct gateway *g, struct smtp_users *out, struct err *e)
{
    const struct smtp_users *known = &g->settings->smtp.users;
    g->users = calloc(known->count + 1, sizeof *g->users);
    if (!g->users)
        return err_set(e, ERR_NOMEM, "out of memory");
    memcpy(g->users, known->items, known->count * sizeof *g->users);
    *out = (struct smtp_users){ .items = g->users, .count = known->count + 1 };
    return drill_user(&g->users[known->count], e);
}

int start_smtp(struct gateway *g, struct err *e)
{
    const struct settings *s = g->settings;
    struct smtp_options    o = {
        .address = s->smtp_address,
        .port = (int)s->smtp_port,
        .hostname = s->smtp_hostname,
        .limits = {
            .message_bytes = (size_t)s->smtp_max_message_mib << 20,
            .recipients = (size_t)s->smtp_max_recipients,
            .command_bytes = (size_t)s->smtp_max_command,
            .errors = (size_t)s->smtp_max_errors,
            .junk_commands = (size_t)s->smtp_max_idle_commands,
        },
        .message_ms = s->smtp_message_seconds * SECOND_MS,
        .bytes_per_second = s->smtp_bytes_per_second,
        .gate = {
            .mails = (size_t)s->smtp_max_mails_in_flight,
            .bytes = (size_t)s->smtp_max_memory_mib << 20,
            .mails_per_minute = s->smtp_mails_per_minute,
        },
        .are_gateways_allowed = s->is_smtp_allow_from_set,
        .auth = { .policy = (enum smtp_auth_policy)s->smtp_auth, .has_secrets = smtp_users_have_secrets(&s->smtp.users) },
        .connections = (size_t)g->connections,
        .connections_per_address = (size_t)s->smtp_max_connections_per_address,
        .command_ms = s->smtp_command_seconds * SECOND_MS,
        .data_ms = s->smtp_data_seconds * SECOND_MS,
        .session_ms = s->smtp_session_seconds * SECOND_MS,
        .tls_port = (int)s->smtp_tls_port,
        .legacy_port = (int)s->smtp_legacy_port,
        .tls_ms = s->smtp_tls_seconds * SECOND_MS,
        .user = g,
        .kept = on_kept,
        .refused = on_refused,
        .spoke = on_spoke,
        .profile_of = on_profile,
        .is_panel = on_is_panel,
        .gateways = g->gateways,
    };
    if (read_users(g, &o.users, e) < 0 || read_networks(s->smtp_allow_from, &g->networks, &o.allow_from, e) < 0 ||
        read_networks(s->smtp_legacy_allow_from, &g->legacy_networks, &o.legacy_allow_from, e) < 0 || smtp_server_start(&g->loop, g->store, &o, &g->smtp, e) < 0)
        return -1;
    say_listening(g, smtp_server_port(g->smtp), NULL);
    say_listening(g, smtp_server_tls_port(g->smtp), "always");
    say_listening(g, smtp_server_legacy_port(g->smtp), "old");
    start_certificate(g);
    return 0;
}

void on_smtp_stopped(void *user)
{
    struct gateway *g = user;
    uv_close((uv_handle_t *)&g->second, NULL);
}
