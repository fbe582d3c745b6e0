/* health: one small table of reasons under one lock. */
#include "service/health.h"
#include "core/log.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { REASONS_MAX = 64, NAME_BYTES = 64, DETAIL_BYTES = 240 };

static const char *const reason_names[HEALTH_REASONS] = {
    [HEALTH_INSPECTOR] = "inspector", [HEALTH_RELAY] = "relay",           [HEALTH_ACCOUNT] = "account",
    [HEALTH_SETTINGS] = "settings",   [HEALTH_RECIPIENTS] = "recipients", [HEALTH_DISK] = "disk",
    [HEALTH_CLOCK] = "clock",         [HEALTH_STORE] = "store",           [HEALTH_ARCHIVE] = "archive",
    [HEALTH_EXPORT] = "export",
};

struct entry {
    enum health_reason reason;
    char               name[NAME_BYTES], detail[DETAIL_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static struct entry    entries[REASONS_MAX];
static size_t          entry_count;
static char            down_detail[DETAIL_BYTES];
static const char     *phase_word; /* a literal; NULL: none */
static char            phase_detail[DETAIL_BYTES];

static struct entry *find(enum health_reason reason, const char *name)
{
    for (size_t i = 0; i < entry_count; i++)
        if (entries[i].reason == reason && strncmp(entries[i].name, name, NAME_BYTES - 1) == 0)
            return &entries[i];
    return NULL;
}

/* Whether anything changed: what is to be logged. */
static bool change(enum health_reason reason, const char *name, const char *detail)
{
    struct entry *e = find(reason, name);
    if (!detail) {
        if (e)
            *e = entries[--entry_count];
        return e != NULL;
    }
    bool is_new = !e;
    if (!e && entry_count < REASONS_MAX)
        e = &entries[entry_count++];
    if (!e)
        return false;
    e->reason = reason;
    (void)snprintf(e->name, sizeof e->name, "%s", name);
    (void)snprintf(e->detail, sizeof e->detail, "%s", detail);
    return is_new;
}

void health_set(enum health_reason reason, const char *name, const char *detail)
{
    (void)pthread_mutex_lock(&lock);
    bool is_changed = change(reason, name ? name : "", detail);
    (void)pthread_mutex_unlock(&lock);
    if (!is_changed)
        return;
    if (detail)
        log_line(LOG_WARN, "health.degraded", LOG_S("reason", reason_names[reason]), LOG_S("name", name), LOG_S("detail", detail));
    else
        log_line(LOG_INFO, "health.restored", LOG_S("reason", reason_names[reason]), LOG_S("name", name));
}

void health_set_down(const char *detail)
{
    (void)pthread_mutex_lock(&lock);
    bool is_changed = (detail != NULL) != (down_detail[0] != '\0');
    (void)snprintf(down_detail, sizeof down_detail, "%s", detail ? detail : "");
    (void)pthread_mutex_unlock(&lock);
    if (!is_changed)
        return;
    if (detail)
        log_line(LOG_ERROR, "health.down", LOG_S("detail", detail));
    else
        log_line(LOG_INFO, "health.up", LOG_S("detail", "mails are kept again"));
}

void health_set_phase(const char *word, const char *detail)
{
    (void)pthread_mutex_lock(&lock);
    bool is_changed = phase_word != word;
    phase_word = word;
    (void)snprintf(phase_detail, sizeof phase_detail, "%s", detail ? detail : "");
    (void)pthread_mutex_unlock(&lock);
    if (is_changed)
        log_line(LOG_INFO, "health.phase", LOG_S("phase", word ? word : "ready"), LOG_S("detail", detail));
}

static void write_reason(struct json_out *w, const char *reason, const char *name, const char *detail)
{
    char full[NAME_BYTES + 16];
    (void)snprintf(full, sizeof full, "%s%s%s", reason, name[0] ? ":" : "", name);
    json_object(w, NULL);
    json_s(w, "reason", full);
    json_s(w, "detail", detail);
    json_end(w);
}

const char *health_state(struct json_out *w, const char *key)
{
    (void)pthread_mutex_lock(&lock);
    const char *state = down_detail[0] ? "down" : phase_word ? phase_word : entry_count > 0 ? "degraded" : "ok";
    if (w) {
        json_object(w, key);
        json_s(w, "state", state);
        json_array(w, "reasons");
        if (down_detail[0])
            write_reason(w, "down", "", down_detail);
        if (phase_word)
            write_reason(w, phase_word, "", phase_detail);
        for (size_t i = 0; i < entry_count; i++)
            write_reason(w, reason_names[entries[i].reason], entries[i].name, entries[i].detail);
        json_end(w);
        json_end(w);
    }
    (void)pthread_mutex_unlock(&lock);
    return state;
}
