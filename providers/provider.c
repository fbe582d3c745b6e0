/* provider: what all of them share: fields of an account, the end of a request, verdicts by status code. */
#include "providers/provider.h"
#include "core/utf8.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const verdict_names[] = {
    [VERDICT_SENT] = "sent",
    [VERDICT_RETRY] = "retry",
    [VERDICT_REJECTED] = "rejected",
    [VERDICT_UNKNOWN] = "unknown",
};

const char *verdict_name(enum verdict v)
{
    return verdict_names[v];
}

const struct provider *provider_find(const char *name)
{
    for (size_t i = 0; providers[i]; i++)
        if (strcmp(providers[i]->name, name) == 0)
            return providers[i];
    return NULL;
}

/* --- accounts ----------------------------------------------------------------------------------------------- */

static int find_field(const struct provider *p, const char *name)
{
    for (int i = 0; i < ACCOUNT_FIELDS && p->fields[i].name; i++)
        if (strcmp(p->fields[i].name, name) == 0)
            return i;
    return -1;
}

static const char *value_at(const struct account *a, int i)
{
    return a->field[i] ? a->field[i] : a->provider->fields[i].fallback;
}

const char *account_field(const struct account *a, const char *name)
{
    int i = find_field(a->provider, name);
    assert(i >= 0);
    return i < 0 ? NULL : value_at(a, i);
}

const char *account_url(const struct account *a, const char *path, struct arena *scratch)
{
    const char *base = account_field(a, "Url");
    size_t      n = base ? strlen(base) : 0;
    while (n > 0 && base[n - 1] == '/')
        n--;
    return arena_printf(scratch, "%.*s/%s", (int)n, base ? base : "", path);
}

/* A line break in a key would become a header of its own. */
static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

static bool is_web_url(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    return scheme > 0 && url[scheme] != '\0' && url[scheme] != '/' && !strchr(url, ' ');
}

int account_check_fields(const struct account *a, struct err *e)
{
    for (int i = 0; i < ACCOUNT_FIELDS && a->provider->fields[i].name; i++) {
        const char *value = value_at(a, i);
        if (value && has_control(value))
            return err_set(e, ERR_INPUT, "%s holds a line break or another control character", a->provider->fields[i].name);
        if (value && strcmp(a->provider->fields[i].name, "Url") == 0 && !is_web_url(value))
            return err_set(e, ERR_INPUT, "Url is not of the form http://… or https://…");
    }
    return 0;
}

size_t account_media_count(const struct account *a)
{
    return a->provider->takes_media && !a->provider->takes_media(a) ? 0 : a->provider->media_count;
}

void request_done(struct request *r)
{
    buf_done(&r->body);
    *r = (struct request){ .method = NULL };
}

/* --- outcomes ----------------------------------------------------------------------------------------------- */

/* Shorter ones would mask half of every sentence; no service hands out such keys. */
enum { SECRET_MIN = 4 };

static void mask(char *text, const char *secret)
{
    size_t n = strlen(secret);
    if (n < SECRET_MIN)
        return;
    for (char *at = strstr(text, secret); at; at = strstr(at, secret)) {
        memset(at, '*', 3);
        memmove(at + 3, at + n, strlen(at + n) + 1);
    }
}

static void mask_secrets(char *text, const struct account *a)
{
    for (int i = 0; i < ACCOUNT_FIELDS && a->provider->fields[i].name; i++)
        if (a->provider->fields[i].is_secret && a->field[i])
            mask(text, a->field[i]);
}

static void blank_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

/* A reply may be any bytes: the detail ends before the first that is not UTF-8. */
static size_t valid_prefix(const char *text, size_t max)
{
    size_t n = 0, length = strlen(text);
    while (n < length) {
        size_t one = utf8_length(text + n, length - n);
        if (one == 0 || n + one > max)
            break;
        n += one;
    }
    return n;
}

static void write_words(const struct account *a, char *out, size_t size, const char *format, va_list args)
{
    char text[1024]; /* longer than any out, so that no half of a secret is left at its end */
    (void)vsnprintf(text, sizeof text, format, args);
    mask_secrets(text, a);
    blank_controls(text);
    size_t n = valid_prefix(text, size - 1);
    memcpy(out, text, n);
    out[n] = '\0';
}

void account_words(const struct account *a, char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_words(a, out, size, format, args);
    va_end(args);
}

void outcome_set(struct outcome *out, const struct account *a, enum verdict v, enum fault f, const char *format, ...)
{
    *out = (struct outcome){ .verdict = v, .fault = f, .wait_ms = -1 };
    va_list args;
    va_start(args, format);
    write_words(a, out->detail, sizeof out->detail, format, args);
    va_end(args);
}

static const struct {
    int          first, last;
    enum verdict verdict;
    enum fault   fault;
} status_table[] = { /* the first row that fits */
    { 200, 299, VERDICT_SENT, FAULT_NONE },
    { 429, 429, VERDICT_RETRY, FAULT_NONE },
    { 503, 503, VERDICT_RETRY, FAULT_NONE },
    { 408, 408, VERDICT_UNKNOWN, FAULT_NONE },
    { 425, 425, VERDICT_UNKNOWN, FAULT_NONE },
    { 401, 403, VERDICT_REJECTED, FAULT_ACCOUNT },
    { 300, 499, VERDICT_REJECTED, FAULT_MESSAGE },
};

void judge_by_status(const struct reply *r, struct outcome *out)
{
    *out = (struct outcome){ .verdict = VERDICT_UNKNOWN, .wait_ms = -1 };
    for (size_t i = 0; i < COUNT(status_table); i++)
        if (r->status >= status_table[i].first && r->status <= status_table[i].last) {
            out->verdict = status_table[i].verdict;
            out->fault = status_table[i].fault;
            break;
        }
    if (out->verdict == VERDICT_RETRY)
        out->wait_ms = r->retry_after_ms;
    (void)snprintf(out->detail, sizeof out->detail, "HTTP %d", r->status);
}
