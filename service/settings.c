/* settings: one row per setting; reading, checking, printing and documenting are loops over the table. */
#include "service/settings.h"
#include "core/clock.h"
#include "net/cidr.h"
#include "service/lupuserv.h"
#include "service/panel_texts.h"
#include "service/nearest.h"
#include "service/rules_settings.h"
#include "store/mongo.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1024 * 1024, ARENA_MAX_BYTES = 16 * 1024 * 1024 };

enum kind { INT, TEXT, SECRET, BOOL, CHOICE, NETWORKS, ORIGINS };

#define AT(field) offsetof(struct settings, field)

#define PRIVATE_NETWORKS "127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, fe80::/10, fc00::/7"

static const struct setting {
    const char *path;
    enum kind   kind;
    size_t      place;
    const char *fallback; /* for CHOICE: the options follow in `choices`, "a|b" */
    int64_t     min, max;
    const char *unit, *choices, *text;
} table[] = {
    { "Smtp:Port", INT, AT(smtp_port), "2025", 0, 65535, "", NULL, "TCP port of the SMTP listener; 0 takes any free one." },
    { "Smtp:Address", TEXT, AT(smtp_address), "", 0, 0, "", NULL, "IP address to listen on; empty is all, IPv4 and IPv6." },
    { "Smtp:Hostname", TEXT, AT(smtp_hostname), "postern", 0, 0, "", NULL, "Name in the greeting." },
    { "Smtp:AllowFrom", NETWORKS, AT(smtp_allow_from), PRIVATE_NETWORKS, 0, 0, "", NULL,
      "Networks that may send, in CIDR form; all others hear 554." },
    { "Smtp:MaxMessage", INT, AT(smtp_max_message_mib), "50", 1, 1024, "MiB", NULL, "Larger mails hear 552." },
    { "Smtp:MaxConnections", INT, AT(smtp_max_connections), "1000", 1, 100000, "", NULL, "Connections at once; the next hears 421." },
    { "Smtp:MaxConnectionsPerAddress", INT, AT(smtp_max_connections_per_address), "200", 1, 100000, "", NULL,
      "Connections at once from one address." },
    { "Smtp:MaxRecipients", INT, AT(smtp_max_recipients), "1000", 1, 10000, "", NULL, "Recipients of one mail; the next hears 452." },
    { "Smtp:MaxCommand", INT, AT(smtp_max_command), "12288", 512, 65536, "bytes", NULL, "Length of a command line; a longer one hears 500." },
    { "Smtp:MaxErrors", INT, AT(smtp_max_errors), "20", 1, 1000, "", NULL, "Wrong commands until 421 ends the conversation." },
    { "Smtp:MaxIdleCommands", INT, AT(smtp_max_idle_commands), "100", 1, 100000, "", NULL,
      "Commands since the last mail that bring none (NOOP, RSET and the like) until 421 ends the conversation." },
    { "Smtp:CommandTimeout", INT, AT(smtp_command_seconds), "300", 1, 86400, "s", NULL, "Wait for the next command." },
    { "Smtp:DataTimeout", INT, AT(smtp_data_seconds), "180", 1, 86400, "s", NULL, "Wait for the next bytes of a mail." },
    { "Smtp:MessageTimeout", INT, AT(smtp_message_seconds), "7200", 1, 86400, "s", NULL, "Length of a whole mail." },
    { "Smtp:SessionTimeout", INT, AT(smtp_session_seconds), "86400", 1, 604800, "s", NULL, "Length of a whole conversation." },
    { "Smtp:MinBytesPerSecond", INT, AT(smtp_bytes_per_second), "100", 0, 1000000, "bytes", NULL,
      "A mail that twice comes more slowly than this over a minute is cut with 421; 0 is no limit." },
    { "Smtp:MailsPerMinute", INT, AT(smtp_mails_per_minute), "0", 0, 100000, "", NULL,
      "Mails a minute from one address; the next hears 450, but never an alarm panel. 0 is no limit: a flood is kept and folded." },
    { "Smtp:MaxMailsInFlight", INT, AT(smtp_max_mails_in_flight), "2000", 1, 1000000, "", NULL,
      "Mails on their way to the disk at once; the next hears 421 (an alarm panel's at twice as many)." },
    { "Smtp:MaxMemory", INT, AT(smtp_max_memory_mib), "128", 1, 65536, "MiB", NULL,
      "Memory of mails on their way to the disk; the next mail hears 421 (an alarm panel's at twice as much)." },

    { "Smtp:Auth", CHOICE, AT(smtp_auth), "any", 0, 0, "", "any|users|required",
      "Who may log in: whoever names himself; only `Smtp:Users`, but nobody has to; everybody has to before MAIL." },
    { "Smtp:TlsPort", INT, AT(smtp_tls_port), "0", 0, 65535, "", NULL,
      "TCP port of a second listener with TLS from the first byte; 0: none. `Smtp:Port` has STARTTLS." },
    { "Smtp:TlsMinimum", CHOICE, AT(smtp_tls_least), "1.2", 0, 0, "", "1.2|1.3", "Oldest TLS version on these two." },
    { "Smtp:TlsTimeout", INT, AT(smtp_tls_seconds), "30", 1, 600, "s", NULL, "Length of a TLS handshake." },
    { "Smtp:Certificate", TEXT, AT(smtp_certificate), "", 0, 0, "", NULL,
      "PEM file (with the chain), looked at every minute; empty: one is made in <Store:Folder>/tls.pem." },
    { "Smtp:Key", SECRET, AT(smtp_key), "", 0, 0, "", NULL,
      "PEM file of its key, or the key itself, without a passphrase; empty: it is in the certificate's file." },
    { "Smtp:Legacy:Port", INT, AT(smtp_legacy_port), "0", 0, 65535, "", NULL,
      "TCP port for devices that only know TLS 1.0 or old ciphers: STARTTLS, TLS from the first byte, or plain; 0: none." },
    { "Smtp:Legacy:AllowFrom", NETWORKS, AT(smtp_legacy_allow_from), "", 0, 0, "", NULL,
      "Who may send there, in CIDR form; all others hear 554." },

    { "Api:Port", INT, AT(api_port), "8080", 0, 65535, "", NULL, "TCP port of the REST interface; 0 takes any free one." },
    { "Api:Address", TEXT, AT(api_address), "127.0.0.1", 0, 0, "", NULL, "IP address to listen on; beyond loopback a token is needed." },
    { "Api:Token", SECRET, AT(api_token), "", 0, 0, "", NULL, "Bearer token; empty: one is made in <Store:Folder>/api-token." },
    { "Api:PublicUrl", TEXT, AT(api_public_url), "", 0, 0, "", NULL, "How the interface is reached from outside, for links; empty is none." },

    { "Api:Certificate", TEXT, AT(api_certificate), "", 0, 0, "", NULL,
      "PEM file (with the chain), looked at every minute: then HTTPS only; empty: HTTP." },
    { "Api:Key", SECRET, AT(api_key), "", 0, 0, "", NULL,
      "PEM file of its key, or the key itself, without a passphrase; empty: it is in the certificate's file." },
    { "Api:CorsOrigins", ORIGINS, AT(api_cors_origins), "", 0, 0, "", NULL,
      "Whose pages may ask, each with a token (`https://app.example`); empty: nobody's but our own." },

    { "Api:MaxConnections", INT, AT(api_max_connections), "400", 12, 10000, "", NULL, "Connections at once; the next waits." },
    { "Api:MaxConnectionsPerAddress", INT, AT(api_max_connections_per_address), "60", 1, 10000, "", NULL,
      "Connections at once from one address (a reverse proxy is one); the next is closed." },
    { "Api:MaxStreams", INT, AT(api_max_streams), "200", 1, 10000, "", NULL,
      "Live streams at once, and no more than three quarters of `MaxConnections`; the next hears 503." },
    { "Api:Timeout", INT, AT(api_seconds), "30", 1, 3600, "s", NULL, "Wait for the next bytes of a request, or for a reader of an answer." },

    { "Store:Folder", TEXT, AT(store_folder), "./data", 0, 0, "", NULL, "Where everything is kept." },
    { "Store:KeepRawDays", INT, AT(store_keep_raw_days), "730", 1, 36500, "days", NULL,
      "Raw mails older than this go, their events stay; pictures go earlier, see below." },
    { "Store:MaxBytes", INT, AT(store_max_bytes), "0", 0, INT64_C(1) << 50, "bytes", NULL,
      "Above this the oldest raw mails of infos go first; 0 is half of the file system." },
    { "Store:Retention:Pictures:Days", INT, AT(retention.pictures.days), "30", 0, 36500, "days", NULL,
      "Pictures and clips older than this are cut out of their mails; 0 is never." },
    { "Store:Retention:Pictures:Count", INT, AT(retention.pictures.count), "0", 0, INT64_C(1) << 40, "", NULL, "The newest so many stay; 0 is any number." },
    { "Store:Retention:Pictures:Bytes", INT, AT(retention.pictures.bytes), "0", 0, INT64_C(1) << 50, "bytes", NULL,
      "The newest of so many bytes stay; 0 is any." },
    { "Store:Retention:Info:Days", INT, AT(retention.of_severity[SEVERITY_INFO].days), "90", 0, 36500, "days", NULL,
      "Events older than this go with their mails: infos; 0 is never." },
    { "Store:Retention:Info:Count", INT, AT(retention.of_severity[SEVERITY_INFO].count), "0", 0, INT64_C(1) << 40, "", NULL, "The newest so many stay; 0 is any number." },
    { "Store:Retention:Info:Bytes", INT, AT(retention.of_severity[SEVERITY_INFO].bytes), "0", 0, INT64_C(1) << 50, "bytes", NULL, "The newest with so many bytes of mails stay; 0 is any." },
    { "Store:Retention:Warning:Days", INT, AT(retention.of_severity[SEVERITY_WARNING].days), "730", 0, 36500, "days", NULL,
      "Events older than this go with their mails: warnings; 0 is never." },
    { "Store:Retention:Warning:Count", INT, AT(retention.of_severity[SEVERITY_WARNING].count), "0", 0, INT64_C(1) << 40, "", NULL, "The newest so many stay; 0 is any number." },
    { "Store:Retention:Warning:Bytes", INT, AT(retention.of_severity[SEVERITY_WARNING].bytes), "0", 0, INT64_C(1) << 50, "bytes", NULL, "The newest with so many bytes of mails stay; 0 is any." },
    { "Store:Retention:Alarm:Days", INT, AT(retention.of_severity[SEVERITY_ALARM].days), "730", 0, 36500, "days", NULL,
      "Events older than this go with their mails: alarms; 0 is never." },
    { "Store:Retention:Alarm:Count", INT, AT(retention.of_severity[SEVERITY_ALARM].count), "0", 0, INT64_C(1) << 40, "", NULL, "The newest so many stay; 0 is any number." },
    { "Store:Retention:Alarm:Bytes", INT, AT(retention.of_severity[SEVERITY_ALARM].bytes), "0", 0, INT64_C(1) << 50, "bytes", NULL, "The newest with so many bytes of mails stay; 0 is any." },
    { "Store:Retention:Kinds", TEXT, AT(retention.kinds), "", 0, 0, "", NULL,
      "Bounds of their own, days/number/bytes, for up to 8 kinds: `camera.*=14/1000, zone.open=30`; the first that fits counts." },
    { "Store:Reserve", INT, AT(store_reserve_mib), "32", 1, 4096, "MiB", NULL, "Given up when the disk is full, so that alarms are still kept." },
    { "Store:Floor", INT, AT(store_floor_mib), "256", 0, INT64_C(1) << 30, "MiB", NULL,
      "With less free room than this (or `FloorPercent`, whichever is more) mails over `Inline` hear 452." },
    { "Store:FloorPercent", INT, AT(store_floor_percent), "5", 0, 90, "%", NULL, "The same, as a part of the file system." },
    { "Store:Inline", INT, AT(store_inline_kib), "64", 1, 1024, "KiB", NULL,
      "Larger arrivals become files; up to this they are kept even when the disk is full." },
    { "Store:InlineSlow", INT, AT(store_inline_slow_kib), "1024", 1, 1024, "KiB", NULL,
      "The same on a disk whose syncs take over 2 ms: there a file's own syncs cost most. Not above `Inline`: no difference is made." },
    { "Store:InlineMemory", INT, AT(store_inline_memory_mib), "64", 1, 4096, "MiB", NULL,
      "Of those between the two so much waits in memory for the disk; what is more becomes files." },

    { "Store:ExportFolder", TEXT, AT(store_export_folder), "", 0, 0, "", NULL,
      "Each picture is put there too, for other programs: `<device>/<day>/<time>-<n>.jpg` and `.json`; empty is none." },
    { "Store:ExportDays", INT, AT(store_export_days), "30", 0, 36500, "days", NULL, "Older ones are taken away there; 0 is never." },
    { "Store:ExportBytes", INT, AT(store_export_bytes), "0", 0, INT64_C(1) << 50, "bytes", NULL,
      "Above this the oldest are taken away there; 0 is a quarter of its file system." },

    { "Store:KeepLocal", INT, AT(store_keep_local_days), "0", 0, 36500, "days", NULL,
      "Older events are asked of the archive; 0: all are asked of the box." },
    { "ConnectionStrings:MongoDB", SECRET, AT(archive_uri), "", 0, 0, "", NULL,
      "The archive: `mongodb://user:password@host:27017/database`, of any MongoDB-compatible server; empty is none." },
    { "Archive:Pictures", BOOL, AT(has_archive_pictures), "on", 0, 0, "", NULL, "Pictures are copied to the archive, too." },
    { "Archive:Timeout", INT, AT(archive_seconds), "20", 1, 600, "s", NULL, "Length of one call to the archive." },
    { "Archive:Retention:Days", INT, AT(archive_keep_days), "0", 0, 36500, "days", NULL,
      "This site's events older than this go from the archive; 0 is never." },
    { "Archive:Retention:PictureDays", INT, AT(archive_keep_pictures_days), "0", 0, 36500, "days", NULL,
      "Pictures of this site's events older than this go from the archive; 0: with their events." },
    { "Archive:TellAfter", INT, AT(archive_tell_minutes), "60", 0, 100000, "min", NULL,
      "An archive that takes nothing for so long is told as `system.archive`; 0 is never." },

    { "Log:Level", CHOICE, AT(log_level), "info", 0, 0, "", "error|warn|info|debug", "How much is said." },
    { "Log:Format", CHOICE, AT(log_format), "logfmt", 0, 0, "", "logfmt|json", "How it is said." },

    { "Site:Name", TEXT, AT(site_name), "Home", 0, 0, "", NULL, "The house, as messages call it." },
    { "Site:TimeZone", TEXT, AT(site_time_zone), "", 0, 0, "", NULL, "IANA name (Europe/Vienna); empty is TZ, else UTC with a warning." },
    { "Site:Language", TEXT, AT(site_language), "", 0, 0, "", NULL, "`de` or `en`; empty: `de` with a LupuServ file, else `en`." },

    { "Service:AlarmUser", TEXT, AT(alarm_user), "alarm", 0, 0, "", NULL, "Local part of the address that the panel sends alarms to." },
    { "Service:StatusUser", TEXT, AT(status_user), "status", 0, 0, "", NULL, "Local part of the address for status changes." },
    { "Technician", TEXT, AT(technician), "", 0, 0, "", NULL, "Recipient who alone hears of trouble with telling; empty: everybody." },

    { "Parsers:SameActSeconds", INT, AT(same_act_seconds), "10", 0, 120, "s", NULL,
      "A panel's mails to alarm, status and Contact-ID recipient that come within this tell of one act: nobody is told twice; 0 is never." },

    { "Messages:Style", CHOICE, AT(message_style), "plain", 0, 0, "", "plain|original",
      "Our words, or the mail's own text; an account may say its own `Style`." },

    { "Parsers:MaxClockDrift", INT, AT(max_clock_drift_hours), "24", 1, 8784, "h", NULL,
      "A device's clock that is further off is shown, with how far, but not believed." },

    { "Inspect:Sandbox", BOOL, AT(is_inspect_sandboxed), "on", 0, 0, "", NULL,
      "seccomp around the mail reader; `off` only where the kernel has none." },
    { "Inspect:Memory", INT, AT(inspect_memory_mib), "256", 64, 4096, "MiB", NULL, "Address space of the mail reader." },
    { "Inspect:Timeout", INT, AT(inspect_seconds), "2", 1, 60, "s", NULL,
      "Time to read a mail, and a second more for each 5 MB; then its reader is killed." },
    { "Inspect:Unreadable", INT, AT(inspect_unreadable_seconds), "10", 1, 3600, "s", NULL, "A mail not read this long after its 250 is told as unreadable." },

    { "Relay:RequestTimeout", INT, AT(relay_request_seconds), "30", 1, 600, "s", NULL, "Length of one request to a provider." },
    { "Relay:GiveUpAlarm", INT, AT(relay_give_up_hours[SEVERITY_ALARM]), "72", 1, 8760, "h", NULL,
      "An alarm that nobody could be told for so long (of running time) is given up; it can be sent again." },
    { "Relay:GiveUpWarning", INT, AT(relay_give_up_hours[SEVERITY_WARNING]), "24", 1, 8760, "h", NULL, "The same for warnings." },
    { "Relay:GiveUpInfo", INT, AT(relay_give_up_hours[SEVERITY_INFO]), "6", 1, 8760, "h", NULL, "The same for infos." },
    { "Relay:NextWayAlarm", INT, AT(relay_next_way_seconds[SEVERITY_ALARM]), "30", 1, 86400, "s", NULL,
      "An alarm not sent by then is tried through the recipient's next account, too." },
    { "Relay:NextWayWarning", INT, AT(relay_next_way_seconds[SEVERITY_WARNING]), "300", 1, 86400, "s", NULL, "The same for warnings." },
    { "Relay:NextWayInfo", INT, AT(relay_next_way_seconds[SEVERITY_INFO]), "300", 1, 86400, "s", NULL, "The same for infos." },
    { "Relay:MaxReply", INT, AT(relay_reply_kib), "64", 1, 4096, "KiB", NULL, "Of a provider's answer this much is read." },
};

/* Blocks that other files read, or that other programs left there. */
static const char *const read_elsewhere[] = { "Accounts", "Recipients", "Routes", "Devices", "Smtp:Users", "Smtp:Profiles", "Parsers:Rules",
                                               "Parsers:Texts", "Messages:Words" };
static const char *const of_others[] = { "Serilog", "Logging", "AllowedHosts", "NLog" };

static void *place(const struct settings *s, const struct setting *row)
{
    return (char *)(uintptr_t)s + row->place;
}

/* --- reading values -------------------------------------------------------------------------------------------- */

static int read_int(const struct setting *row, const char *text, int64_t *out, struct mistakes *m)
{
    char *end = NULL;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        mistake_add(m, row->path, "\"%s\" is no whole number; %s is used", text, row->fallback);
        return -1;
    }
    if (v < row->min || v > row->max) {
        mistake_add(m, row->path, "%lld is %s %lld; %s is used", v, v < row->min ? "below" : "above",
                    (long long)(v < row->min ? row->min : row->max), row->fallback);
        return -1;
    }
    *out = v;
    return 0;
}

static int read_choice(const struct setting *row, const char *text, int64_t *out, struct mistakes *m)
{
    int64_t i = 0;
    for (const char *p = row->choices; *p; i++) {
        size_t n = strcspn(p, "|");
        if (strlen(text) == n && strncasecmp(p, text, n) == 0) {
            *out = i;
            return 0;
        }
        p += n + (p[n] == '|');
    }
    mistake_add(m, row->path, "\"%s\" is none of %s; %s is used", text, row->choices, row->fallback);
    return -1;
}

static int read_bool(const struct setting *row, const char *text, bool *out, struct mistakes *m)
{
    static const struct {
        const char *word;
        bool        value;
    } words[] = { { "true", true }, { "on", true }, { "yes", true }, { "1", true },
                  { "false", false }, { "off", false }, { "no", false }, { "0", false } };
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcasecmp(text, words[i].word) == 0) {
            *out = words[i].value;
            return 0;
        }
    mistake_add(m, row->path, "\"%s\" is neither true nor false; %s is used", text, row->fallback);
    return -1;
}

/* "https://app.example:8443", as a browser sends it. */
static int check_origin(const char *text, struct err *e)
{
    const char *host = strstr(text, "://");
    bool        is_web = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
    if (!is_web || host[3] == '\0' || strpbrk(host + 3, "/*?#@ "))
        return err_set(e, ERR_INPUT, "\"%s\" is no origin like https://app.example", text);
    return 0;
}

static const char **add_item(const char **end, enum kind kind, const char *text, const char *path, struct mistakes *m)
{
    struct cidr parsed;
    struct err  e;
    if ((kind == NETWORKS ? cidr_parse(text, &parsed, &e) : check_origin(text, &e)) < 0)
        mistake_add(m, path, "%s", e.text);
    else
        *end++ = text;
    return end;
}

/* "a, b, c" or a list; what is malformed is left out. */
static int read_list(const struct setting *row, const struct conf *v, const char *text, struct settings *s,
                     const char *const **out)
{
    size_t count = 1;
    for (const char *p = text ? text : ""; *p; p++)
        count += *p == ',';
    for (const struct conf *c = v ? v->first : NULL; c; c = c->next)
        count++;
    const char **list = arena_alloc(&s->arena, (count + 1) * sizeof *list), **end = list;
    if (!list)
        return -1;
    for (const struct conf *c = v ? v->first : NULL; c; c = c->next)
        end = add_item(end, row->kind, conf_text(c, ""), c->path, &s->mistakes);
    for (const char *p = text; p && *p;) {
        p += strspn(p, " ,");
        size_t n = strcspn(p, " ,");
        char  *one = n > 0 ? arena_copy(&s->arena, p, n) : NULL;
        if (one)
            end = add_item(end, row->kind, one, row->path, &s->mistakes);
        p += n;
    }
    *out = list;
    return 0;
}

static bool is_list(const struct setting *row)
{
    return row->kind == NETWORKS || row->kind == ORIGINS;
}

static int read_text(const struct setting *row, const struct conf *v, struct settings *s, const char *text)
{
    switch (row->kind) {
    case INT: return read_int(row, text, place(s, row), &s->mistakes);
    case CHOICE: return read_choice(row, text, place(s, row), &s->mistakes);
    case BOOL: return read_bool(row, text, place(s, row), &s->mistakes);
    case NETWORKS:
    case ORIGINS: return read_list(row, v, text, s, place(s, row));
    case TEXT:
    case SECRET: *(const char **)place(s, row) = text; return 0;
    }
    return -1;
}

static void read_row(const struct setting *row, struct settings *s)
{
    const struct conf *v = conf_at(s->root, row->path);
    const char        *text = conf_text(v, NULL);
    if (text && conf_is_placeholder(text)) {
        mistake_add(&s->mistakes, row->path, "still a placeholder: %s", text);
        text = NULL;
    }
    if (v && !text && v->type != CONF_NULL && !(is_list(row) && v->first))
        mistake_add(&s->mistakes, row->path, "a single value is expected here");
    bool has_items = is_list(row) && v && v->first;
    if ((text || has_items) && read_text(row, v, s, text) == 0)
        return;
    (void)read_text(row, NULL, s, row->fallback);
}

/* --- keys that are not ours ------------------------------------------------------------------------------------ */

static const char *nearest_setting(const char *path)
{
    const char *known[COUNT(table)];
    for (size_t i = 0; i < COUNT(table); i++)
        known[i] = table[i].path;
    return nearest(path, known, COUNT(known));
}

static bool is_one_of(const char *key, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(key, list[i]) == 0)
            return true;
    return false;
}

static bool is_known(const char *path)
{
    for (size_t i = 0; i < COUNT(table); i++)
        if (strcasecmp(table[i].path, path) == 0)
            return true;
    return false;
}

static void find_unknown(const struct conf *v, struct mistakes *m)
{
    if (is_known(v->path) || lupuserv_knows(v->path) || is_one_of(v->path, read_elsewhere, COUNT(read_elsewhere)))
        return;
    if (v->type == CONF_BLOCK) {
        for (const struct conf *child = v->first; child; child = child->next)
            find_unknown(child, m);
        return;
    }
    const char *near = nearest_setting(v->path);
    if (near)
        mistake_add(m, v->path, "not known; did you mean %s?", near);
    else
        mistake_add(m, v->path, "not known");
}

static void find_all_unknown(struct settings *s)
{
    for (const struct conf *block = s->root->first; block; block = block->next) {
        if (is_one_of(block->key, of_others, COUNT(of_others)))
            note_add(&s->mistakes, block->path, "belongs to another program; passed over");
        else
            find_unknown(block, &s->mistakes);
    }
}

/* --- what needs a second look ---------------------------------------------------------------------------------- */

static const char *in_environment(char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (; env && *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

static void settle_time_zone(struct settings *s)
{
    const char *tz = in_environment(s->env, "TZ"); /* what we have made of ours says nothing */
    if (s->site_time_zone[0] == '\0' && tz && *tz)
        s->site_time_zone = arena_str(&s->arena, *tz == ':' ? tz + 1 : tz);
    if (!s->site_time_zone || s->site_time_zone[0] == '\0') {
        s->site_time_zone = "UTC";
        note_add(&s->mistakes, "Site:TimeZone", "not set: times in messages are UTC");
    }
    if (s->is_candidate ? clock_zone_exists(s->site_time_zone) : clock_use_zone(s->site_time_zone) == 0)
        return;
    mistake_add(&s->mistakes, "Site:TimeZone", "no such time zone on this machine: %s; UTC is used", s->site_time_zone);
    s->site_time_zone = "UTC";
    if (!s->is_candidate)
        (void)clock_use_zone("UTC");
}

static void settle_language(struct settings *s)
{
    const char *fallback = lupuserv_is_used(s->root) ? "de" : "en";
    if (s->site_language[0] == '\0') {
        s->site_language = fallback;
    } else if (strcasecmp(s->site_language, "de") == 0 || strcasecmp(s->site_language, "en") == 0) {
        s->site_language = strcasecmp(s->site_language, "de") == 0 ? "de" : "en";
    } else {
        mistake_add(&s->mistakes, "Site:Language", "\"%s\" is neither de nor en; %s is used", s->site_language, fallback);
        s->site_language = fallback;
    }
}

static void settle_tls(struct settings *s)
{
    if (s->smtp_key[0] && !s->smtp_certificate[0])
        mistake_add(&s->mistakes, "Smtp:Key", "set without Smtp:Certificate; it is not used");
    if (s->api_key[0] && !s->api_certificate[0])
        mistake_add(&s->mistakes, "Api:Key", "set without Api:Certificate; it is not used");
    if (s->smtp_legacy_port != 0 && !s->smtp_legacy_allow_from[0]) {
        mistake_add(&s->mistakes, "Smtp:Legacy:Port", "old TLS is only for addresses named in Smtp:Legacy:AllowFrom; the port stays closed");
        s->smtp_legacy_port = 0;
    }
}

static void settle_archive(struct settings *s)
{
    struct err e;
    if (s->archive_uri[0] == '\0' || mongo_check(s->archive_uri, &e) == 0)
        return;
    mistake_add(&s->mistakes, "ConnectionStrings:MongoDB", "%s; there is no archive", e.text);
    s->archive_uri = "";
}

/* --- the file -------------------------------------------------------------------------------------------------- */

static int say_what_it_is(const char *path, const struct stat *st, struct err *e)
{
    if (S_ISDIR(st->st_mode))
        return err_set(e, ERR_INPUT,
                       "%s is a directory, not a file (Docker makes one when the file was missing on the host); owner %u, mode %04o, our uid %u",
                       path, (unsigned)st->st_uid, (unsigned)(st->st_mode & 07777), (unsigned)getuid());
    return err_set(e, ERR_IO, "%s cannot be read: %s; owner %u, mode %04o, our uid %u", path,
                   S_ISREG(st->st_mode) ? "permission denied" : "not a regular file", (unsigned)st->st_uid,
                   (unsigned)(st->st_mode & 07777), (unsigned)getuid());
}

/* 1 read; 0: it is missing or too large, which is a mistake like any other; -1: it is there and no file that we may read. */
static int load(const char *path, struct buf *out, struct mistakes *m, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return err_set(e, ERR_IO, "%s cannot be read: %m; our uid %u", path, (unsigned)getuid());
        mistake_add(m, path, "there is no such file; defaults and environment are used");
        return 0;
    }
    FILE *f = S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
    if (!f)
        return say_what_it_is(path, &st, e);
    char   chunk[8192];
    size_t n;
    int    result = 0;
    while (result == 0 && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        result = buf_add(out, chunk, n, e);
    (void)fclose(f);
    if (result < 0)
        mistake_add(m, path, "%s; defaults and environment are used", e->text);
    return result == 0;
}

static int read_tables(struct settings *s)
{
    for (size_t i = 0; i < COUNT(table); i++)
        read_row(&table[i], s);
    s->is_smtp_allow_from_set = conf_at(s->root, "Smtp:AllowFrom");
    settle_time_zone(s);
    settle_language(s);
    settle_tls(s);
    settle_archive(s);
    s->keep_rule_count = retention_settings_rules(&s->retention, s->keep_rules, &s->mistakes);
    if (smtp_settings_read(s->root, &s->arena, &s->mistakes, &s->smtp_auth, &s->smtp) < 0)
        return -1;
    s->own_texts = panel_texts_read(s->root, &s->arena, &s->mistakes);
    s->rules = rules_settings_read(s->root, &s->arena, &s->mistakes);
    if (!s->own_texts || !s->rules || people_read(s->root, &s->arena, &s->mistakes, &s->people) < 0)
        return -1;
    return device_settings_read(s->root, &s->people, &s->arena, &s->mistakes, &s->devices);
}

static void begin(struct settings *s, bool is_candidate)
{
    *s = (struct settings){ .is_candidate = is_candidate };
    arena_init(&s->arena, ARENA_MAX_BYTES);
    s->mistakes.arena = &s->arena;
}

/* text NULL: environment only. name: what mistakes of the whole are said of. */
static int read_text_of(const char *text, size_t n, const char *name, char *const *env, struct settings *s, struct err *e)
{
    struct err wrong;
    if (conf_read(text, n, env, &s->arena, &s->mistakes, &s->root, &wrong) < 0) {
        mistake_add(&s->mistakes, name, "%s", wrong.text);
        if (!s->root)
            return err_set(e, wrong.code, "%s", wrong.text);
    }
    s->env = env;
    find_all_unknown(s);
    if (lupuserv_is_used(s->root) && lupuserv_translate(s->root, &s->arena, &s->mistakes) < 0)
        return err_set(e, ERR_NOMEM, "the settings are too large");
    int result = read_tables(s) < 0 ? err_set(e, ERR_NOMEM, "the settings are too large") : 0;
    s->env = NULL;
    return result;
}

/* What .NET does and LupuServ's users rely on. Whatever else has its name (Docker makes a folder where a mounted file is missing)
 * is tried, too, and then complained about. */
const char *settings_here(void)
{
    static const char name[] = "appsettings.json";
    struct stat       st;
    return lstat(name, &st) == 0 ? name : NULL;
}

int settings_read(const char *path, char *const *env, struct settings *s, struct err *e)
{
    begin(s, false);
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    int is_read = path ? load(path, &text, &s->mistakes, e) : 0;
    if (is_read < 0)
        return -1;
    s->file = arena_str(&s->arena, path);
    return read_text_of(is_read ? buf_str(&text) : NULL, text.len, path ? path : "environment", env, s, e);
}

int settings_try_file(const char *path, char *const *env, struct settings *s, struct err *e)
{
    begin(s, true);
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    int is_read = path ? load(path, &text, &s->mistakes, e) : 0;
    return is_read < 0 ? -1 : read_text_of(is_read ? buf_str(&text) : NULL, text.len, path ? path : "environment", env, s, e);
}

int settings_try(const char *text, size_t n, char *const *env, struct settings *s, struct err *e)
{
    begin(s, true);
    return read_text_of(text, n, "the file", env, s, e);
}

void settings_done(struct settings *s)
{
    arena_done(&s->arena);
}

size_t settings_mistakes(const struct settings *s)
{
    return mistakes_count(&s->mistakes);
}

/* --- printing -------------------------------------------------------------------------------------------------- */

static void print_value(const struct settings *s, const struct setting *row, struct buf *out)
{
    const void *p = place(s, row);
    if (row->kind == INT) {
        buf_puti(out, *(const int64_t *)p);
    } else if (row->kind == BOOL) {
        buf_puts(out, *(const bool *)p ? "on" : "off");
    } else if (row->kind == CHOICE) {
        const char *choice = row->choices;
        for (int64_t i = *(const int64_t *)p; i > 0; i--)
            choice += strcspn(choice, "|") + 1;
        buf_put(out, choice, strcspn(choice, "|"));
    } else if (is_list(row)) {
        for (const char *const *n = *(const char *const *const *)p; *n; n++)
            buf_printf(out, "%s%s", n == *(const char *const *const *)p ? "" : ", ", *n);
    } else {
        buf_puts(out, *(const char *const *)p);
    }
}

static bool is_hidden(const struct settings *s, const struct setting *row)
{
    return row->kind == SECRET && (*(const char *const *)place(s, row))[0];
}

void settings_print(const struct settings *s, struct buf *out)
{
    for (size_t i = 0; i < COUNT(table); i++) {
        const struct conf *v = conf_at(s->root, table[i].path);
        buf_printf(out, "%-32s ", table[i].path);
        if (is_hidden(s, &table[i]))
            buf_puts(out, "***");
        else
            print_value(s, &table[i], out);
        buf_printf(out, "%s%s   (%s)\n", table[i].unit[0] ? " " : "", table[i].unit, v ? v->source : "default");
    }
}

/* " One of error, warn, info." */
static void document_choices(const char *choices, struct buf *out)
{
    buf_puts(out, " One of ");
    for (const char *p = choices; *p;) {
        size_t n = strcspn(p, "|");
        buf_printf(out, "`%.*s`%s", (int)n, p, p[n] ? ", " : ".");
        p += n + (p[n] == '|');
    }
}

void settings_document(struct buf *out)
{
    for (size_t i = 0; i < COUNT(table); i++) {
        const struct setting *row = &table[i];
        buf_printf(out, "| `%s` | %s%s%s%s%s | %s", row->path, row->fallback[0] ? "`" : "", row->fallback,
                   row->fallback[0] ? "`" : "empty", row->unit[0] ? " " : "", row->unit, row->text);
        if (row->choices)
            document_choices(row->choices, out);
        if (row->kind == INT)
            buf_printf(out, " | %lld to %lld |\n", (long long)row->min, (long long)row->max);
        else
            buf_puts(out, " | |\n");
    }
}

/* --- for programs ------------------------------------------------------------------------------------------------ */

/* Words that make a name a secret's, where no table of ours says what it is. */
static bool sounds_secret(const char *name)
{
    static const char *const words[] = { "token", "secret", "password", "passwort", "key", "pin", "credential", "connectionstring" };
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}

/* Of Accounts:<name>:<field>, as its provider says. */
static bool is_secret_field(const struct settings *s, const struct conf *account, const char *field)
{
    const char *name = conf_text(conf_at(account, "Provider"), "");
    const struct provider *p = provider_find(name);
    (void)s;
    for (size_t i = 0; p && i < ACCOUNT_FIELDS && p->fields[i].name; i++)
        if (strcasecmp(p->fields[i].name, field) == 0)
            return p->fields[i].is_secret;
    return !p;
}

static bool is_secret(const struct settings *s, const struct conf *parent, const struct conf *leaf)
{
    bool        is_of_account = strncasecmp(leaf->path, "Accounts:", 9) == 0;
    const char *name = leaf->key[0] ? leaf->key : parent->key; /* of a list's item: the list's */
    const char *at = leaf->text ? strstr(leaf->text, "://") : NULL;
    return sounds_secret(name) || sounds_secret(parent->key) || (at && strchr(at, '@')) || (is_of_account && is_secret_field(s, parent, name));
}

static void visit_row(const struct settings *s, const struct setting *row, setting_visitor *visit, void *user)
{
    const struct conf           *v = conf_at(s->root, row->path);
    CLEANUP(buf_done) struct buf value;
    buf_init(&value, FILE_MAX_BYTES);
    print_value(s, row, &value);
    const struct setting_seen one = { row->path, buf_str(&value), v && v->source ? v->source : "default", is_hidden(s, row) };
    visit(user, &one);
}

/* What the blocks of other files hold, each value by itself. */
static void visit_rest(const struct settings *s, const struct conf *block, setting_visitor *visit, void *user)
{
    for (const struct conf *v = block->first; v; v = v->next) {
        const char               *text = v->text ? v->text : "";
        const struct setting_seen one = { v->path, text, v->source ? v->source : "file", text[0] && is_secret(s, block, v) };
        if (v->type == CONF_BLOCK || v->type == CONF_LIST)
            visit_rest(s, v, visit, user);
        else if (!is_known(v->path) && !is_known(block->path))
            visit(user, &one);
    }
}

void settings_each(const struct settings *s, setting_visitor *visit, void *user)
{
    for (size_t i = 0; i < COUNT(table); i++)
        visit_row(s, &table[i], visit, user);
    for (const struct conf *block = s->root->first; block; block = block->next)
        if (!is_one_of(block->key, of_others, COUNT(of_others)))
            visit_rest(s, block, visit, user);
}

static void write_setting(void *user, const struct setting_seen *one)
{
    struct json_out *w = user;
    json_object(w, NULL);
    json_s(w, "path", one->path);
    json_s(w, "value", one->is_secret ? "***" : one->value);
    json_s(w, "source", one->source);
    json_end(w);
}

void settings_write(const struct settings *s, struct json_out *w)
{
    json_array(w, "items");
    settings_each(s, write_setting, w);
    json_end(w);
}
