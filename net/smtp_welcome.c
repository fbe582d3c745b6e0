/* smtp_welcome: rules, places and the container's gateway; and what is said to whom of those who stay outside. */
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "net/smtp_server_inside.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STALE_MS = 10 * 1000 }; /* silent so long, a connection gives way to a new one of its own address */

static const struct {
    const char *reply; /* %s: the peer */
    const char *reason, *setting;
} refusals[] = {
    [NOT_ALLOWED] = { "554 5.7.1 %s may not send here, see Smtp:AllowFrom\r\n", "allow_from", "Smtp:AllowFrom" },
    [NOT_ALLOWED_HIDDEN] = { "554 5.7.1 %s is the container's gateway and could be anybody, see Smtp:AllowFrom\r\n", "gateway",
                             "Smtp:AllowFrom" },
    [NOT_ALLOWED_LEGACY] = { "554 5.7.1 %s may not send here, see Smtp:Legacy:AllowFrom\r\n", "legacy_allow_from",
                             "Smtp:Legacy:AllowFrom" },
    [NO_TLS_YET] = { "421 4.7.0 no certificate yet, %s, see Smtp:Certificate\r\n", "no_certificate", "Smtp:Certificate" },
    [TOO_MANY] = { "421 4.7.0 too many connections, %s, see Smtp:MaxConnections\r\n", "connections", "Smtp:MaxConnections" },
    [TOO_MANY_OF_ONE] = { "421 4.7.0 too many connections from %s, see Smtp:MaxConnectionsPerAddress\r\n",
                          "connections_per_address", "Smtp:MaxConnectionsPerAddress" },
};

void smtp_say_refused(struct smtp_server *s, const unsigned char address[16], const char *peer, const char *reason, const char *setting,
                      const char *reply)
{
    uint64_t repeats;
    metrics_add(METRIC_SMTP_REFUSED, reason, NULL, 1);
    if (repeats_say(&s->repeats, address, reason, clock_mono_ms(), &repeats))
        log_line(LOG_INFO, reply ? "mail.refused" : "smtp.refused", LOG_S("peer", peer), LOG_S("reason", reason),
                 LOG_S("setting", setting), LOG_S("reply", reply), LOG_I("repeats", repeats));
}

void smtp_tell_refused(struct smtp_server *s, const unsigned char address[16], const char *peer, struct smtp_refusal r)
{
    static const struct envelope none = { .listener = "smtp", .peer = "", .helo = "", .login = "", .from = "" };
    r.envelope = r.envelope ? r.envelope : &none;
    if (repeats_say(&s->told, address, r.reason, clock_mono_ms(), &r.repeats))
        s->options.refused(s->options.user, peer, &r);
}

void smtp_turn_away(struct smtp_server *s, int fd, const unsigned char address[16], enum stranger why)
{
    char peer[CIDR_TEXT], text[160];
    cidr_text(address, peer);
    int n = snprintf(text, sizeof text, refusals[why].reply, peer);
    (void)send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
    text[strcspn(text, "\r")] = '\0';
    smtp_say_refused(s, address, peer, refusals[why].reason, refusals[why].setting, NULL);
    smtp_tell_refused(s, address, peer,
                 (struct smtp_refusal){ .reply = text, .setting = refusals[why].setting, .reason = refusals[why].reason });
}

bool smtp_is_hidden(const struct smtp_server *s, const unsigned char address[16])
{
    return gateways_hide(&s->options.gateways, address);
}

/* The one of that address that has been silent longest and has no mail under way. */
static struct smtp_conn *find_idlest(struct smtp_server *s, const unsigned char address[16])
{
    struct smtp_conn *idlest = NULL;
    for (struct smtp_conn *c = s->first; c; c = smtp_conn_link(c)->next)
        if (memcmp(smtp_conn_address(c), address, 16) == 0 && smtp_conn_is_idle(c) &&
            (!idlest || smtp_conn_last_ms(c) <= smtp_conn_last_ms(idlest)))
            idlest = c;
    return idlest;
}

/* The idlest of that address gives up its place, if it has been silent for so long. */
static bool give_way(struct smtp_server *s, const unsigned char address[16], int64_t silent_ms, enum stranger why)
{
    struct smtp_conn *idlest = find_idlest(s, address);
    if (!idlest || clock_mono_ms() - smtp_conn_last_ms(idlest) < silent_ms)
        return false;
    char peer[CIDR_TEXT];
    smtp_say_refused(s, address, cidr_text(address, peer), refusals[why].reason, refusals[why].setting, NULL);
    (void)smtp_conn_end(idlest, SMTP_END_CROWDED);
    smtp_conn_drop(idlest);
    return true;
}

/* All places are taken: whoever has most of them gives one up for somebody who has fewer, so that no address keeps another
 * out. */
static bool make_room(struct smtp_server *s, const unsigned char address[16])
{
    size_t most;
    const unsigned char *heaviest = peers_heaviest(s->peers, &most);
    if (heaviest && !smtp_is_hidden(s, heaviest) && most > peers_count(s->peers, address) + 1 && give_way(s, heaviest, 0, TOO_MANY))
        return true;
    return give_way(s, address, STALE_MS, TOO_MANY);
}

static void warn_of_gateway(struct smtp_server *s, const unsigned char address[16])
{
    char peer[CIDR_TEXT];
    if (s->is_gateway_said)
        return;
    s->is_gateway_said = true;
    log_line(LOG_WARN, "smtp.gateway", LOG_S("peer", cidr_text(address, peer)), LOG_S("setting", "Smtp:AllowFrom"),
             LOG_S("text", "devices hide behind the container's default gateway (Docker's userland proxy): rules and limits that go "
                           "by address do not apply to them; network_mode host or `userland-proxy: false` shows who they are"));
}

/* Whoever hides others is let in by a word of the owner only; on the old devices' port he must be named. */
static enum stranger judge_address(const struct door *door, const struct sockaddr *peer, const unsigned char address[16])
{
    struct smtp_server *s = door->server;
    bool is_legacy = door == &s->doors[DOOR_LEGACY];
    if (smtp_is_hidden(s, address))
        warn_of_gateway(s, address);
    if (is_legacy)
        return cidr_contains(&s->options.legacy_allow_from, peer) ? WELCOME : NOT_ALLOWED_LEGACY;
    if (smtp_is_hidden(s, address))
        return s->options.are_gateways_allowed ? WELCOME : NOT_ALLOWED_HIDDEN;
    return cidr_contains(&s->options.allow_from, peer) ? WELCOME : NOT_ALLOWED;
}

/* An address keeps not itself out either: a camera that lost power leaves connections behind that nobody will ever use. */
enum stranger smtp_welcome(const struct door *door, const struct sockaddr *peer, const unsigned char address[16])
{
    struct smtp_server *s = door->server;
    enum stranger verdict = judge_address(door, peer, address);
    if (verdict != WELCOME)
        return verdict;
    if (door->way.manner == SMTP_BY_TLS && !door->way.tls)
        return NO_TLS_YET;
    if (peers_count(s->peers, address) >= s->options.connections_per_address && !smtp_is_hidden(s, address))
        return give_way(s, address, STALE_MS, TOO_MANY_OF_ONE) ? WELCOME : TOO_MANY_OF_ONE;
    return s->count < s->options.connections || make_room(s, address) ? WELCOME : TOO_MANY;
}
