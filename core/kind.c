/* kind: the table. One row per kind; a row ending in nothing else than its group's severity is the rule. */
#include "core/kind.h"
#include "core/attr.h"
#include <stddef.h>
#include <string.h>

static const struct {
    const char   *kind;
    enum severity severity, restored;
} table[] = {
#define ALARM(name)   { "alarm." name, SEVERITY_ALARM, SEVERITY_WARNING }
#define WARNING(name) { name, SEVERITY_WARNING, SEVERITY_INFO }
#define INFO(name)    { name, SEVERITY_INFO, SEVERITY_INFO }
    ALARM("burglary"), ALARM("perimeter"), ALARM("interior"), ALARM("outdoor"), ALARM("tamper"), ALARM("fire"),
    ALARM("smoke"), ALARM("heat"), ALARM("gas"), ALARM("co"), ALARM("water"), ALARM("panic"), ALARM("duress"),
    ALARM("silent"), ALARM("medical"), ALARM("emergency"), ALARM("cold"), ALARM("other"),

    WARNING("trouble.supervision"), WARNING("trouble.battery"), WARNING("trouble.power"), WARNING("trouble.jamming"),
    WARNING("trouble.tamper"), WARNING("trouble.communication"), WARNING("trouble.sensor"), WARNING("trouble.panel"),
    WARNING("trouble.siren"), WARNING("trouble.other"),

    WARNING("unknown"), WARNING("unreadable"),
    WARNING("system.delivery"), WARNING("system.storage"), WARNING("system.archive"), WARNING("system.refused"),
    WARNING("system.recipients"), WARNING("system.clock"), WARNING("system.settings"), INFO("system.started"), INFO("system.sensors"),

    INFO("mode.armed"), INFO("mode.home"), INFO("mode.disarmed"), INFO("mode.other"),
    INFO("zone.open"), INFO("zone.closed"), INFO("zone.motion"), INFO("zone.bypassed"), INFO("zone.other"),
    INFO("test.periodic"), INFO("test.manual"),

    INFO("camera.motion"), INFO("camera.person"), INFO("camera.vehicle"), INFO("camera.animal"), INFO("camera.face"),
    INFO("camera.line"), INFO("camera.intrusion"), INFO("camera.audio"), INFO("camera.input"), INFO("camera.doorbell"),
    INFO("camera.other"),
    WARNING("camera.tamper"), WARNING("camera.offline"), WARNING("camera.storage"), WARNING("camera.access"),
    WARNING("camera.temperature"),
};

static const char *const severity_names[] = { "info", "warning", "alarm" };

const char *severity_name(enum severity s)
{
    return severity_names[s];
}

int severity_parse(const char *name, enum severity *out)
{
    for (unsigned i = 0; i < COUNT(severity_names); i++)
        if (strcmp(name, severity_names[i]) == 0) {
            *out = (enum severity)i;
            return 0;
        }
    return -1;
}

static int find(const char *kind)
{
    for (unsigned i = 0; i < COUNT(table); i++)
        if (strcmp(table[i].kind, kind) == 0)
            return (int)i;
    return -1;
}

bool kind_is_known(const char *kind)
{
    return find(kind) >= 0;
}

enum severity kind_severity(const char *kind, bool restored)
{
    int i = find(kind);
    if (i < 0)
        return SEVERITY_WARNING;
    return restored ? table[i].restored : table[i].severity;
}

bool kind_matches(const char *pattern, const char *kind)
{
    size_t n = strlen(pattern);
    if (n > 0 && pattern[n - 1] == '*')
        return strncmp(pattern, kind, n - 1) == 0;
    return strcmp(pattern, kind) == 0;
}

const char *kind_read(const char *words, bool *restored_out)
{
    size_t n = strcspn(words, " ");
    *restored_out = strcmp(words + n, " restored") == 0;
    if (words[n] && !*restored_out)
        return NULL;
    for (unsigned i = 0; i < COUNT(table); i++)
        if (strlen(table[i].kind) == n && strncmp(table[i].kind, words, n) == 0)
            return table[i].kind;
    return NULL;
}

const char *kind_at(unsigned i)
{
    return i < COUNT(table) ? table[i].kind : NULL;
}
